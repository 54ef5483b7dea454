import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { needTool } from '../../support/tools.ts';
import { startWorld, type World } from '../../world/world.ts';
import { type Running, running } from './running.ts';

export const HAS_TOOLS = needTool('etcd') && needTool('sshd') && needTool('openssl');

/** Long enough for a machine with ten times the work that it can do; nothing here waits for it. */
export const PATIENCE = 300_000;

/** How often what is tried at random moments is tried; BOOTSTRAP_FAULTS=20 makes a long run of it. */
export const ROUNDS = Number(process.env['BOOTSTRAP_FAULTS'] ?? 0);

/** A world for all tests of a file, which follow each other in it, in which `init` was run. */
export function sharedWorld(nodes: number): () => World {
  let world: World | undefined;
  let end = async (): Promise<void> => {};
  beforeAll(async () => {
    world = await startWorld({
      nodes,
      whenOver: (stop) => {
        end = stop;
      },
    });
    await done(running(world.dir, 'init'));
  }, PATIENCE);
  afterAll(() => end(), PATIENCE);
  return () => {
    if (!world) throw new Error('there is no world yet');
    return world;
  };
}

/** Waits for its end, which must be a good one; gives all it has said. */
export async function done(run: Running): Promise<string> {
  const { status, signal } = await run.ended;
  expect([status, signal], run.said()).toEqual([0, null]);
  return run.said();
}

/** `apply`, with these flags for the apiservers. */
export function apply(world: World, flags: Readonly<Record<string, string>> = {}, ...more: readonly string[]): Running {
  return running(world.dir, 'apply', '--yes', ...setFlags(flags), ...more);
}

export function setFlags(flags: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(flags).flatMap(([name, value]) => ['--set', `spec.${name}=${value}`]);
}

/** How often each pod was started; `cp1 etcd` → times. */
export function starts(world: World): Readonly<Record<string, number>> {
  return Object.fromEntries(
    world.names.flatMap((name) =>
      Object.entries(world.node(name).pods()).map(([pod, { starts }]) => [`${name} ${pod}`, starts]),
    ),
  );
}

/** The pods that were started since, and how often. */
export function startsSince(world: World, before: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(starts(world)).flatMap(([pod, count]) => {
      const times = count - (before[pod] ?? 0);
      return times ? [[pod, times]] : [];
    }),
  );
}

/** Random numbers from 0 to 1 that come again with the same seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Looks several times a second at which masters lack their etcd or their apiserver. */
export function watchMasters(world: World) {
  const moments = new Set<string>();
  let over = false;
  const look = async (): Promise<void> => {
    const apis = await Promise.all(world.names.map((name) => accepts(world.ports(name).apiServer)));
    const down = {
      etcd: world.names.filter((name) => world.node(name).pods()['etcd']?.running === false),
      'kube-apiserver': world.names.filter((_, i) => !apis[i]),
    };
    for (const [pod, names] of Object.entries(down))
      if (names.length > 1) moments.add(`${pod} of ${names.join(' and ')}`);
  };
  const watching = (async () => {
    while (!over) {
      await look();
      await delay(40);
    }
  })();
  return {
    /** Ends it; when more than one was without, in words. */
    async stop(): Promise<readonly string[]> {
      over = true;
      await watching;
      return [...moments];
    },
  };
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (good: boolean) => {
      socket.destroy();
      resolve(good);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
