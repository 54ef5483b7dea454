import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';

const MEMORY = '/dev/shm';
/** What all worlds that run at once put there, several times over. */
const ENOUGH = 6 * 1024 ** 3;

/**
 * Where tests make their directories: in memory, where there is plenty and programs may be run from it. Three etcds in
 * each world and every atomic write force their data to the disk, for which half of the machines would wait.
 */
export function scratchDir(): string {
  try {
    accessSync(MEMORY, constants.W_OK);
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .find(([, path]) => path === MEMORY);
    const { bavail, bsize } = statfsSync(MEMORY);
    const mayRun = mount !== undefined && !mount[3]?.split(',').includes('noexec');
    return mayRun && bavail * bsize >= ENOUGH ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}
