import { CommanderError } from 'commander';
import { BootstrapError, EXIT_STATUS } from '../base/errors.ts';
import { Interrupted } from './interrupted.ts';
import { type Io, processIo } from './io.ts';
import { program } from './program.ts';
import { reportError, reportErrorData } from './report.ts';
import { endOnClosedStreams } from './streams.ts';

/**
 * Runs one command line. The only place that turns errors into words and an exit status.
 * @param argv the arguments after the program's name
 */
export async function main(argv: readonly string[]): Promise<void> {
  const io = processIo({ quiet: false, color: !argv.includes('--no-color') });
  let status = 0;
  endOnClosedStreams(() => status);
  // should nothing be left that the process waits for, though the command has not ended, this is how it ends
  process.exitCode = EXIT_STATUS.internal;
  try {
    needWorkingDirectory();
    await program((ended) => {
      status = ended;
    }, argv[0]).parseAsync(argv, { from: 'user' });
  } catch (error) {
    io.progress('');
    status = failure(error, argv, io);
  }
  process.exitCode = status;
}

/** Says what went wrong; gives the exit status. */
function failure(error: unknown, argv: readonly string[], io: Io): number {
  if (error instanceof Interrupted) {
    io.err(error.message);
    if (error.hint) io.err(`  ${error.hint}`);
    return error.status;
  }
  if (error instanceof CommanderError) {
    // help and version end well
    if (error.exitCode === 0) return 0;
    const message = error.code === 'commander.help' ? 'a command is missing' : error.message.replace(/^error: /, '');
    // commander has printed its own message by now
    reportErrorData(new BootstrapError('usage', message), wantedData(argv), io);
    return EXIT_STATUS.usage;
  }
  reportError(error, io, argv.includes('--verbose') || argv.includes('-v'));
  reportErrorData(error, wantedData(argv), io);
  return error instanceof BootstrapError ? EXIT_STATUS[error.code] : EXIT_STATUS.internal;
}

/** The format of `-o`, read from the words themselves: what failed may be their parsing. */
function wantedData(argv: readonly string[]): 'json' | 'yaml' | undefined {
  const found = /\0(?:-o|--output[\0=])\0?(json|yaml)\0/.exec(`\0${argv.join('\0')}\0`)?.[1];
  return found === 'json' || found === 'yaml' ? found : undefined;
}

function needWorkingDirectory(): void {
  try {
    process.cwd();
  } catch (cause) {
    throw new BootstrapError('failed', 'the working directory is there no more', {
      hint: 'change to one that is: cd /',
      cause,
    });
  }
}
