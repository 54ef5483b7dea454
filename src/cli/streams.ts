import { writeSync } from 'node:fs';

/** Pieces of work under way that must not end in the middle because nobody reads what is said. */
let outliving = 0;

/**
 * Ends the process where its output cannot be written. `bootstrap config schema | head -1` is no error of ours; a full
 * disk is one, in a line on stderr.
 * @param status how the command has ended; 0 as long as it has not
 */
export function endOnClosedStreams(status: () => number = () => 0): void {
  for (const [name, stream] of Object.entries({ stdout: process.stdout, stderr: process.stderr })) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (outliving) return;
      // the latter from a reader at the other end of a socket, as Node's child processes have
      if (code === 'EPIPE' || code === 'ECONNRESET') process.exit(status());
      try {
        writeSync(2, `error: ${name} cannot be written: ${message.replace(/^[A-Z]+: |, write$/g, '')}\n`);
      } catch {
        // stderr itself is the one: there is nobody to tell
      }
      process.exit(1);
    });
  }
}

/**
 * Does work that goes on where its output cannot be written: masters are not left in the middle of a change because
 * somebody has closed a pager or a terminal (which also sends SIGHUP, and that is heard).
 */
export async function outlivingStreams<T>(work: () => Promise<T>): Promise<T> {
  outliving += 1;
  try {
    return await work();
  } finally {
    outliving -= 1;
  }
}
