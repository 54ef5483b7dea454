import { constants } from 'node:os';
import { acquireLock } from '../base/lock.ts';
import type { Io } from './io.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does the work under the directory's lock. Where the user interrupts it, the lock is given back at once; whatever was
 * written until then is whole, and the same command goes on from there.
 * @throws BootstrapError `locked` where another command has it, and what `work` throws
 */
export async function withLock<T>(dir: string, command: string, io: Io, work: () => Promise<T>): Promise<T> {
  const lock = acquireLock(dir, command, new Date());
  const handlers = SIGNALS.map((signal) => {
    const end = () => {
      lock.release();
      io.progress('');
      io.err(`interrupted; \`${command}\` goes on from here`);
      process.exit(128 + constants.signals[signal]);
    };
    process.once(signal, end);
    return () => process.removeListener(signal, end);
  });
  try {
    return await work();
  } finally {
    for (const remove of handlers) remove();
    lock.release();
  }
}

/** Shows how many keys there are already; RSA ones take a second or two each. */
export function keyProgress(io: Io): (made: number) => void {
  return (made) => io.progress(`${made} keys made`);
}
