import { createColors } from 'picocolors';

/** How a command speaks: data on stdout, all else on stderr. */
export interface Io {
  /** A line, or several, of the command's result. */
  out(text: string): void;
  /** A line for the person at the terminal: errors and warnings. */
  err(text: string): void;
  /** Progress and advice, left out with --quiet. */
  note(text: string): void;
  /** What goes on just now, on a terminal only, in place of what it said before; '' clears it. */
  progress(text: string): void;
  readonly color: ReturnType<typeof createColors>;
  /** A person can be asked. */
  readonly interactive: boolean;
  readonly columns: number;
}

export interface IoFlags {
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** The process's own streams. Colour only on a terminal, and not where NO_COLOR or --no-color says otherwise. */
export function processIo(flags: IoFlags): Io {
  const { stdout, stderr, env } = process;
  const colorful =
    flags.color !== false &&
    !env['NO_COLOR'] &&
    env['TERM'] !== 'dumb' &&
    Boolean(stdout.isTTY) &&
    Boolean(stderr.isTTY);
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    note: (text) => void (flags.quiet || stderr.write(`${text}\n`)),
    progress: (text) => void (stderr.isTTY && !flags.quiet && stderr.write(`\r\x1b[K${text}`)),
    color: createColors(colorful),
    // a getter, because merely looking at process.stdin takes 3 ms
    get interactive() {
      return Boolean(process.stdin.isTTY) && Boolean(stderr.isTTY);
    },
    columns: stdout.columns ?? 80,
  };
}
