import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Running, startBootstrap } from './bootstrap.ts';
import { figure } from './figures.ts';
import { CLUSTER } from './places.ts';
import type { Seen } from './watched.ts';

/** `pki/rotation.json`. */
interface Journal {
  readonly direction: 'forward' | 'back';
  readonly records: readonly { readonly phase: string; readonly placed?: string; readonly proven?: string }[];
}

export function journal(): Journal | undefined {
  const file = join(CLUSTER, 'pki/rotation.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** Where a phase is: files are being brought to the masters; they have them; it was seen to work, and it waits. */
export type Moment = 'placing' | 'proving' | 'waiting';

function momentOf(phase: string): Moment | undefined {
  const now = journal()?.records.at(-1);
  if (now?.phase !== phase) return undefined;
  if (now.placed === undefined) return 'placing';
  return now.proven === undefined ? 'proving' : 'waiting';
}

/**
 * Runs a command and kills it at some moment of a phase.
 * @param after milliseconds
 * @throws Error where it ends before
 */
export async function killedDuring(phase: string, moment: Moment, after: number, command: readonly string[]) {
  const running = startBootstrap(...command);
  await reached(running, phase, moment);
  await new Promise((resolve) => setTimeout(resolve, after));
  if (running.isOver()) throw new Error(`it has ended by itself: ${(await running.ended).stderr}`);
  const still = momentOf(phase);
  running.kill();
  const ran = await running.ended;
  figure(
    `${command[1]}`,
    `killed in ${phase}, ${after / 1000} s after the beginning of ${moment}; was then`,
    still ?? 'elsewhere',
  );
  expect(ran.status).toBe(null);
  return ran;
}

async function reached(running: Running, phase: string, moment: Moment): Promise<void> {
  while (momentOf(phase) !== moment) {
    if (running.isOver()) throw new Error(`it has ended before ${moment} in ${phase}: ${(await running.ended).stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Notes what clients have noticed, and holds it against what must be so: nothing lost, quorum always. */
export function clientsWereServed(scenario: string, { written, followed, watched }: Seen<unknown>): void {
  figure(scenario, 'writes: sent, retried once, failed', `${written.writes}, ${written.retried}, ${written.failed}`);
  figure(scenario, 'longest gap between two writes that succeeded', written.longestGap, 'ms');
  figure(
    scenario,
    'watch: changes told, skipped, times it was broken off',
    `${followed.events}, ${followed.skipped}, ${followed.ends.length}`,
  );
  figure(scenario, 'reads: sent, retried once, failed', `${followed.polls}, ${followed.retried}, ${followed.failed}`);
  figure(scenario, 'fewest healthy etcd members at any time', watched.fewestMembers);
  figure(scenario, 'fewest ready apiservers at any time', watched.fewestApis);
  figure(scenario, 'looks (of 250 ms) in all, and at which no member led', `${watched.looks}, ${watched.leaderless}`);
  expect(written, written.seen.join('\n')).toMatchObject({ failed: 0, kept: written.acknowledged });
  // what was never written cannot be told of
  expect(followed.skipped, followed.ends.join('\n')).toBeLessThanOrEqual(written.failed);
  expect(followed.last).toBeGreaterThanOrEqual(written.acknowledged);
  expect(watched.fewestMembers).toBeGreaterThanOrEqual(2);
  expect(watched.mostBroken, JSON.stringify(watched.changes)).toBeLessThanOrEqual(1);
}
