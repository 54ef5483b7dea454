import type { Io } from './io.ts';

/** Lines of a unified diff, coloured as people know them. */
export function paintedDiff(lines: readonly string[], color: Io['color']): readonly string[] {
  return lines.map((line) => {
    if (line.startsWith('+')) return color.green(line);
    if (line.startsWith('-')) return color.red(line);
    return line.startsWith('@@') ? color.cyan(line) : line;
  });
}
