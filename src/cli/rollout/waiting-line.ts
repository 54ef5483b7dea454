import type { Io } from '../io.ts';

/** Milliseconds between two lines on what is waited for, without a terminal. */
const RARELY = 15_000;

/** Cut to what fits on one line of the terminal, which is written over. */
export function cutLine({ columns }: Pick<Io, 'columns'>, text: string): string {
  return text.length > columns - 1 ? `${text.slice(0, columns - 2)}…` : text;
}

/**
 * Whether what is waited for is worth a line of its own now: where no line can be written over, but not every change of
 * mind. @returns a function that is asked with a key for each thing that is waited for
 */
export function worthALine(io: Pick<Io, 'interactive'>): (key: string) => boolean {
  const said = new Map<string, number>();
  return (key) => {
    const now = performance.now();
    if (io.interactive || now - (said.get(key) ?? -Infinity) < RARELY) return false;
    said.set(key, now);
    return true;
  };
}

/** Says what is waited for: on one line that is written over, elsewhere now and then. */
export function waitingLine(io: Io): (text: string) => void {
  const isWorthIt = worthALine(io);
  return (text) => {
    if (isWorthIt('')) {
      io.progress('');
      io.note(text);
    }
    io.progress(cutLine(io, text));
  };
}
