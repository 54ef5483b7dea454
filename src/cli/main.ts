import { CommanderError } from 'commander';
import { BootstrapError, EXIT_STATUS } from '../base/errors.ts';
import { type Io, processIo } from './io.ts';
import { program } from './program.ts';
import { reportError } from './report.ts';

/**
 * Runs one command line. The only place that turns errors into words and an exit status.
 * @param argv the arguments after the program's name
 */
export async function main(argv: readonly string[]): Promise<void> {
  const io = processIo({ quiet: false, color: !argv.includes('--no-color') });
  endQuietlyOnClosedPipe();
  let status = 0;
  try {
    await program((ended) => {
      status = ended;
    }, argv[0]).parseAsync(argv, { from: 'user' });
  } catch (error) {
    status = exitStatus(error, io, argv.includes('--verbose') || argv.includes('-v'));
  }
  process.exitCode = status;
}

function exitStatus(error: unknown, io: Io, verbose: boolean): number {
  if (error instanceof CommanderError) {
    // commander has printed its own message by now; help and version end well
    return error.exitCode === 0 ? 0 : EXIT_STATUS.usage;
  }
  io.progress('');
  reportError(error, io, verbose);
  return error instanceof BootstrapError ? EXIT_STATUS[error.code] : EXIT_STATUS.internal;
}

/** `bootstrap config schema | head -1` is no error of ours. */
function endQuietlyOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(process.exitCode ?? 0);
    });
  }
}
