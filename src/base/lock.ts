import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { BootstrapError } from './errors.ts';
import { startTime } from './process-start.ts';
import { systemErrorCode, systemErrorReason } from './system-error.ts';

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

function isAlive({ pid, started, host }: Holder): boolean {
  // another machine's processes cannot be seen: it is taken at its word
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemErrorCode(error) === 'ESRCH') return false;
  }
  const now = startTime(pid);
  return !now || !started || now === started;
}

/** Undefined where the lock is gone, or holds what no command has written. */
function readHolder(path: string): Holder | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    // another user's lock, or a directory: that must not be taken for one whose holder is gone
    throw impossible(path, 'read', error);
  }
  try {
    const holder: unknown = JSON.parse(text);
    return holder !== null && typeof holder === 'object' && 'pid' in holder ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

function impossible(path: string, what: 'read' | 'written', cause: unknown): BootstrapError {
  const code = systemErrorCode(cause);
  const hint =
    code === 'EISDIR'
      ? `remove that directory: ${basename(path)} is the name of the lock`
      : code === 'EPERM' || code === 'ENOTSUP'
        ? 'the directory must be yours, on a file system with hard links'
        : undefined;
  return new BootstrapError('failed', `${path}: cannot be ${what}: ${systemErrorReason(cause)}`, {
    ...(hint && { hint }),
    cause,
  });
}

/**
 * Takes the lock of a directory; a lock whose process is gone is taken over.
 * @param command what the holder does, for the message others get
 * @throws BootstrapError `locked` that says who holds it, from where, since when; `failed` where the directory cannot be written
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
  try {
    writeFileSync(own, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        // a link appears with its content or not at all, unlike a file that is created and then written
        linkSync(own, path);
        return { release: () => discard(path) };
      } catch (error) {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
      }
      const other = readHolder(path);
      if (other && isAlive(other)) throw lockedError(path, other);
      takeAway(path, other);
    }
    throw new BootstrapError('locked', `${path}: other commands take the lock over and over`);
  } catch (error) {
    throw systemErrorCode(error) === undefined ? error : impossible(path, 'written', error);
  } finally {
    discard(own);
  }
}

/** Where it cannot be removed, it is a lock whose process is gone soon: the next command takes it over. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // as above
  }
}

/** Moves a dead holder's lock aside; puts it back where another command was quicker and it is not that one any more. */
function takeAway(path: string, dead: Holder | undefined): void {
  const aside = `${path}.stale-${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  const found = readHolder(aside);
  if (found && (found.pid !== dead?.pid || found.since !== dead.since)) {
    try {
      linkSync(aside, path);
    } catch {
      // a third command has it by now
    }
  }
  discard(aside);
}

function lockedError(path: string, { pid, host, command, since }: Holder): BootstrapError {
  const message = `another command works in this directory: \`${command}\` (process ${pid} on ${host}, since ${since})`;
  const hint =
    host === hostname()
      ? 'wait for it to end'
      : `wait for it to end; if that machine is gone, remove ${basename(path)}`;
  return new BootstrapError('locked', message, { hint });
}
