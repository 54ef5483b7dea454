import { BootstrapError, EXIT_STATUS } from '../../base/errors.ts';
import { bare } from '../../rollout/bare.ts';
import type { Io } from '../io.ts';
import { reportError } from '../report.ts';

/** Says before anything is done which plain nodes will be left out. */
export function warnOfUnreached(io: Io, unreached: ReadonlyMap<string, BootstrapError>): void {
  for (const [node, error] of unreached) io.err(`${io.color.yellow('warning:')} ${node}: ${bare(node, error)}`);
}

/** Where none of the nodes can be reached there is nothing to go on with. @throws BootstrapError `unreachable` */
export function refuseUnreached(unreached: ReadonlyMap<string, BootstrapError>): void {
  const [first, ...more] = unreached.values();
  if (!first) return;
  if (!more.length) throw first;
  const lines = [...unreached].map(([node, error]) => `  ${node}: ${bare(node, error)}`);
  throw new BootstrapError('unreachable', [`none of the ${unreached.size} nodes can be reached`, ...lines].join('\n'));
}

/**
 * What is said in the end where plain nodes could not be reached and nobody had asked for just these: everything else is
 * done. Undefined where all were reached.
 */
function unreachedError(unreached: ReadonlyMap<string, BootstrapError>): BootstrapError | undefined {
  const [first, ...more] = [...unreached];
  if (!first) return undefined;
  const names = [...unreached.keys()];
  const message = more.length
    ? [
        `${names.length} nodes could not be reached, and were left out:`,
        ...[...unreached].map(([node, error]) => `  ${node}: ${bare(node, error)}`),
      ].join('\n')
    : `${first[0]} could not be reached, and was left out: ${bare(first[0], first[1])}`;
  const again = names.length > 3 ? '--node NODE' : names.map((name) => `--node ${name}`).join(' ');
  return new BootstrapError('unreachable', message, {
    hint: `once ${more.length ? 'they are' : 'it is'} back: the same command again, with \`${again}\` for just ${more.length ? 'these' : 'this one'}`,
  });
}

/** The exit status of a command, beside its result: 69 where plain nodes were left out, however the others are. */
export function endWithUnreached(io: Io, unreached: ReadonlyMap<string, BootstrapError>, status: number): number {
  const error = unreachedError(unreached);
  if (!error) return status;
  reportError(error, io, false);
  return EXIT_STATUS[error.code];
}
