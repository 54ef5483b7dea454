import { write } from 'node:fs';
import { systemErrorCode, systemErrorReason } from '../../base/system-error.ts';

/** Bytes that may wait to be written; what comes on top of them is lost. */
const MOST_WAITING = 4 * 1024 * 1024;
/** Milliseconds until the next try where a pipe is full. */
const FULL_PIPE = 50;
/** Milliseconds that the end of the program waits for what is left. */
const LAST_WAIT = 1000;

export interface LogWriter {
  write(text: string): void;
  /** Waits until everything is written, or for a second. */
  end(): Promise<void>;
}

/**
 * Writes text to a descriptor without ever holding up or ending what it is told about: where the reader of a log is slow
 * or gone, or its disk is full, lines are lost and no answer. `process.stdout` would stop, wait or grow without limit.
 * @param onTrouble is called with the reason when lines begin to be lost, and not again before some were written
 */
export function logWriter(descriptor: number, onTrouble: (why: string) => void): LogWriter {
  const waiting: Buffer[] = [];
  let bytes = 0;
  let isWriting = false;
  let isLosing = false;
  let drained = () => {};

  const lose = (why: string) => {
    if (!isLosing) onTrouble(why);
    isLosing = true;
  };
  const done = () => {
    isWriting = false;
    if (waiting.length) next();
    else drained();
  };
  const next = (): void => {
    const [first] = waiting;
    if (!first || isWriting) return;
    isWriting = true;
    write(descriptor, first, 0, first.length, null, (error, written) => {
      if (systemErrorCode(error) === 'EAGAIN') {
        setTimeout(done, FULL_PIPE).unref();
        return;
      }
      waiting.shift();
      bytes -= first.length;
      if (error) lose(systemErrorReason(error));
      else {
        isLosing = false;
        if (written < first.length) {
          waiting.unshift(first.subarray(written));
          bytes += first.length - written;
        }
      }
      done();
    });
  };
  return {
    write(text) {
      const chunk = Buffer.from(text);
      if (bytes + chunk.length > MOST_WAITING) return lose('it is not read');
      waiting.push(chunk);
      bytes += chunk.length;
      next();
    },
    end: () =>
      new Promise((resolve) => {
        const limit = setTimeout(resolve, LAST_WAIT);
        drained = () => {
          clearTimeout(limit);
          resolve();
        };
        if (!isWriting && !waiting.length) drained();
      }),
  };
}
