import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Box } from './node-box.ts';

const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** What is another each time, and what the script makes of it is not: where the box is, times, numbers of processes. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME'],
  // uptimes: of the lock and of the deadline
  [new RegExp(`${BOOT}([\\t ])\\d+`, 'g'), 'BOOT$1UPTIME'],
  // who holds `busy` or `lease`, and who takes that from one that is dead
  [new RegExp(`${BOOT.slice(0, 8)}([:-])\\d+[:-]\\d+`, 'g'), 'BOOT$1PROCESS'],
  [/(\.trash-)\d+/g, '$1PROCESS'],
  [/(\.(?:staging|transaction)-)\w{6}/g, '$1RANDOM'],
];

/**
 * Everything of a node that what runs on it later could find: each path with its mode, what it holds and which other paths
 * are the same file. Two boxes with the same state differ in nothing but what is different at each run.
 */
export function stateOf(box: Box): string {
  const names = new Map<bigint, string>();
  const plain = (text: string) =>
    PASSING.reduce((so, [what, word]) => so.replace(what, word), text.replaceAll(box.root, ''));
  const lines = readdirSync(box.root, { recursive: true, encoding: 'utf8' })
    .map((path) => ({ path, shown: plain(path) }))
    .sort((a, b) => (a.shown < b.shown ? -1 : 1))
    .map(({ path, shown }) => {
      const at = join(box.root, path);
      const stat = lstatSync(at, { bigint: true });
      const mode = stat.mode.toString(8);
      if (stat.isDirectory()) return `${mode} ${shown}`;
      const first = names.get(stat.ino) ?? shown;
      names.set(stat.ino, first);
      return `${mode} ${shown} ${first} ${plain(stat.isSymbolicLink() ? readlinkSync(at) : readFileSync(at, 'utf8'))}`;
    });
  return lines.join('\n');
}
