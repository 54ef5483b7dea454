import { writeSync } from 'node:fs';

/**
 * Ends the process where its output cannot be written. `bootstrap config schema | head -1` is no error of ours; a full
 * disk is one, in a line on stderr.
 */
export function endOnClosedStreams(): void {
  for (const [name, stream] of Object.entries({ stdout: process.stdout, stderr: process.stderr })) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') process.exit(process.exitCode ?? 0);
      try {
        writeSync(2, `error: ${name} cannot be written: ${message.replace(/^[A-Z]+: |, write$/g, '')}\n`);
      } catch {
        // stderr itself is the one: there is nobody to tell
      }
      process.exit(1);
    });
  }
}
