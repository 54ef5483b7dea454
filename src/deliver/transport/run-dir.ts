import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A socket's path may have 107 bytes (unix(7); macOS: 103), and ssh makes it under a name that is 17 longer. What is
 * left of that for the directory, where names in it have at most ten.
 */
const MAX_LENGTH = 70;

const NAME = /^bootstrap-(\d+)-[A-Za-z0-9]{6}$/;
const DAY = 864e5;

/** Those that this process has made and not yet removed. */
const mine = new Set<string>();

/**
 * Makes the directory of this run's connections: only for this user, under a short path, gone with `removeRunDir`. What
 * killed runs have left behind goes as well.
 * @param runtimeDir XDG_RUNTIME_DIR
 */
export function makeRunDir(runtimeDir: string | undefined): string {
  const parents = [...(runtimeDir?.startsWith('/') ? [runtimeDir] : []), '/tmp'];
  let failure: unknown;
  for (const parent of parents) {
    const prefix = join(parent, `bootstrap-${process.pid}-`);
    if (Buffer.byteLength(prefix) + 6 > MAX_LENGTH) continue;
    try {
      const dir = mkdtempSync(prefix);
      chmodSync(dir, 0o700);
      mine.add(dir);
      removeLeftBehind(parent);
      return dir;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Removes it with all that is in it; nothing happens where it is gone already. */
export function removeRunDir(dir: string): void {
  mine.delete(dir);
  rmSync(dir, { recursive: true, force: true });
}

export function removeRunDirsNow(): void {
  for (const dir of mine) removeRunDir(dir);
}

function removeLeftBehind(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = NAME.exec(name)?.[1];
    const dir = join(parent, name);
    try {
      if (pid === undefined || isRunning(Number(pid))) continue;
      const { uid, mtimeMs } = lstatSync(dir);
      // a process of another container is not seen from here
      if (uid === process.getuid?.() && mtimeMs < Date.now() - DAY) rmSync(dir, { recursive: true, force: true });
    } catch {
      // another run was quicker
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
