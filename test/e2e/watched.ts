import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { MASTERS } from './cluster.ts';
import { CLUSTER, ROOT } from './places.ts';
import type { Followed } from './programs/follower.ts';
import type { Watched } from './programs/watcher.ts';
import type { Written } from './programs/writer.ts';
import { ended, startRig } from './rig.ts';

export interface Seen<T> {
  readonly did: T;
  readonly written: Written;
  readonly followed: Followed;
  readonly watched: Watched;
}

/**
 * Does something while a client writes through the endpoint every 50 ms, two others follow what it writes, and all
 * members are looked at every 250 ms.
 */
export async function watched<T>(work: () => Promise<T>): Promise<Seen<T>> {
  const writer = await program<Written>('writer', join(CLUSTER, 'admin.conf'));
  const follower = await program<Followed>('follower', join(CLUSTER, 'admin.conf'));
  const watcher = await watching();
  try {
    const did = await work();
    const written = await writer.found();
    // what was written last is told of by then
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return { did, written, followed: await follower.found(), watched: await watcher.found() };
  } finally {
    writer.stop();
    follower.stop();
    watcher.stop();
  }
}

/** Looks at all masters until asked what was found. */
export function watching(): Promise<Program<Watched>> {
  return program<Watched>(
    'watcher',
    CLUSTER,
    ...Object.entries(MASTERS).map(([name, address]) => `${name}=${address}`),
  );
}

interface Program<T> {
  /** Ends it. @throws Error where it has failed */
  found(): Promise<T>;
  stop(): void;
}

export async function program<T>(name: string, ...args: readonly string[]): Promise<Program<T>> {
  const file = join(ROOT, 'test/e2e/programs', `${name}.ts`);
  const child = startRig(['admin', process.execPath, '--import', 'tsx', file, ...args], 'pipe');
  const end = ended(child);
  await firstWord(child);
  return {
    found: async () => {
      child.stdin?.end();
      const { status, stdout, stderr } = await end;
      if (status !== 0) throw new Error(`${name}: status ${status}\n${stderr}`);
      return JSON.parse(stdout);
    },
    stop: () => void child.kill('SIGKILL'),
  };
}

/** It says something on stderr once it has begun; where it has ended instead, `found` tells why. */
function firstWord(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.stderr?.once('data', () => resolve());
    child.once('close', () => resolve());
  });
}
