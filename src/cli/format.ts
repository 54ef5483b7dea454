import { BootstrapError } from '../base/errors.ts';
import { emitYaml } from '../base/yaml-emit.ts';
import { parseDuration } from '../spec/duration.ts';
import type { Json } from '../spec/tree.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';

/** Prints a result: as text by `text`, or the data itself for scripts. */
export function printResult(io: Io, output: CommonOptions['output'], data: Json, text: () => string): void {
  if (output === 'json') io.out(JSON.stringify(data, null, 2));
  else if (output === 'yaml') io.out(emitYaml(data).trimEnd());
  else {
    const lines = text();
    if (lines) io.out(lines);
  }
}

/** Rows under a header, columns as wide as they need to be; the last one may be as long as it likes. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, i) => Math.max(...[header, ...rows].map((row) => (row[i] ?? '').length)));
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/**
 * Reads the time of `--renew-before`: a Go duration, or days as `30d`.
 * @returns milliseconds
 * @throws BootstrapError `usage`
 */
export function parseTime(option: string, text: string): number {
  const days = /^(\d{1,5})d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDuration(text) : Number(days) * 864e5;
  if (ms !== undefined && ms >= 0) return ms;
  throw new BootstrapError('usage', `${option} ${text}: not a time such as 30d or 720h`);
}

/** `1 file`, `3 files`. */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n} ${n === 1 ? noun : plural}`;
}
