import { readdirSync, readFileSync } from 'node:fs';
import { descendants } from '../support/sshd.ts';

/** The processes that carry this value of BOOTSTRAP_NODE_ROOT, wherever they were started from. */
export function processesOf(root: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(`BOOTSTRAP_NODE_ROOT=${root}`))
    .map(Number);
}

/** Ends these processes and all that they have started, at once. */
export function killAll(pids: readonly number[]): void {
  for (const pid of [...pids, ...pids.flatMap(descendants)]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended by itself
    }
  }
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
