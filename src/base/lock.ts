import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { BootstrapError } from './errors.ts';

const LOCK = '.bootstrap.lock';

interface Holder {
  readonly pid: number;
  /** Start time of the process in clock ticks (field 22 of /proc/PID/stat), so that a reused PID is told apart. */
  readonly started: string;
  readonly host: string;
  readonly command: string;
  readonly since: string;
}

export interface Lock {
  release(): void;
}

function startTime(pid: number): string {
  try {
    return (
      readFileSync(`/proc/${pid}/stat`, 'latin1')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? ''
    );
  } catch {
    return '';
  }
}

function isAlive({ pid, started, host }: Holder): boolean {
  // another machine's processes cannot be seen: it is taken at its word
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startTime(pid);
  return !now || !started || now === started;
}

function readHolder(path: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return holder !== null && typeof holder === 'object' && 'pid' in holder ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Takes the lock of a directory; a lock whose process is gone is taken over.
 * @param command what the holder does, for the message others get
 * @throws BootstrapError `locked` that says who holds it, from where, since when
 */
export function acquireLock(dir: string, command: string, now: Date): Lock {
  const path = join(dir, LOCK);
  const own = join(dir, `${LOCK}.${process.pid}`);
  const holder: Holder = {
    pid: process.pid,
    started: startTime(process.pid),
    host: hostname(),
    command,
    since: now.toISOString(),
  };
  writeFileSync(own, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        // a link appears with its content or not at all, unlike a file that is created and then written
        linkSync(own, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const other = readHolder(path);
      if (other && isAlive(other)) throw lockedError(path, other);
      takeAway(path, other);
    }
    throw new BootstrapError('locked', `${path}: other commands take the lock over and over`);
  } finally {
    rmSync(own, { force: true });
  }
}

/** Moves a dead holder's lock aside; puts it back where another command was quicker and it is not that one any more. */
function takeAway(path: string, dead: Holder | undefined): void {
  const aside = `${path}.stale-${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const found = readHolder(aside);
  if (found && (found.pid !== dead?.pid || found.since !== dead.since)) {
    try {
      linkSync(aside, path);
    } catch {
      // a third command has it by now
    }
  }
  rmSync(aside, { force: true });
}

function lockedError(path: string, { pid, host, command, since }: Holder): BootstrapError {
  const message = `another command works in this directory: \`${command}\` (process ${pid} on ${host}, since ${since})`;
  const hint =
    host === hostname()
      ? 'wait for it to end'
      : `wait for it to end; if that machine is gone, remove ${basename(path)}`;
  return new BootstrapError('locked', message, { hint });
}
