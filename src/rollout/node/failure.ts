import { BootstrapError, type ErrorCode } from '../../base/errors.ts';
import type { Outcome } from '../../deliver/transport/transport.ts';
import type { LockFacts } from '../node-facts.ts';
import { readLock } from './parse-facts.ts';

/** Who holds the lock, where that is what the script said. */
export function heldBy({ status, stdout }: Outcome): LockFacts | undefined {
  if (status !== 75) return undefined;
  const line = stdout
    .toString('utf8')
    .split('\n')
    .find((each) => each.startsWith('lock\t'));
  return readLock(line?.split('\t').slice(1));
}

/** A run of the script that has not gone well, as an error for the user. */
export function failure(node: string, verb: string, seconds: number, outcome: Outcome): BootstrapError {
  const { status, stderr } = outcome;
  const held = heldBy(outcome);
  if (held) {
    const { who, since, secondsLeft } = held;
    return new BootstrapError('locked', `${node}: another command works on this node: ${who}, since ${since}`, {
      hint: `wait for it to end; where it has died, its lock counts as given up in ${secondsLeft} s`,
    });
  }
  if (status === 124)
    return new BootstrapError('failed', `${node}: ${verb} took longer than ${seconds} s on the node`, {
      hint: 'run the same command again: it goes on where it stopped',
    });
  const codes: Readonly<Record<number, ErrorCode>> = { 75: 'locked', 76: 'refused', 64: 'internal', 70: 'internal' };
  const text = stderr.trim() || `\`${verb}\` ended with status ${status} on the node and said nothing`;
  return new BootstrapError(codes[status] ?? 'failed', `${node}: ${text}`);
}

/** The script has answered what this version does not understand. */
export function notUnderstood(node: string, verb: string, cause: unknown): BootstrapError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BootstrapError('failed', `${node}: what the node answered to \`${verb}\` cannot be read: ${reason}`, {
    cause,
  });
}
