/** Replaces what stands between two offsets. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text with all splices done, those of one offset in their order; they must not overlap. Everything else stays as it
 * is, to the byte.
 */
export function spliced(text: string, splices: readonly Splice[]): string {
  return [...splices]
    .reverse()
    .sort((a, b) => b.start - a.start || b.end - a.end)
    .reduce((done, { start, end, text: put }) => done.slice(0, start) + put + done.slice(end), text);
}

/** How lines end in this text: as the first one does. */
export function lineBreakOf(text: string): string {
  return /\r?\n/.exec(text)?.[0] ?? '\n';
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Where the line ends, before its line break. */
export function lineEnd(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  if (end < 0) return text.length;
  return end > offset && text[end - 1] === '\r' ? end - 1 : end;
}

/** How many characters stand before it in its line. */
export function columnOf(text: string, offset: number): number {
  const start = lineStart(text, offset);
  return offset - start - (start === 0 && text.startsWith('\ufeff') ? 1 : 0);
}

/** Whether nothing but white space stands before it in its line. */
export function isFirstInLine(text: string, offset: number): boolean {
  return /^\ufeff?\s*$/.test(text.slice(lineStart(text, offset), offset));
}

/** Behind the blanks that stand there, in the same line. */
export function afterBlanks(text: string, offset: number): number {
  let end = offset;
  while (text[end] === ' ' || text[end] === '\t') end++;
  return end;
}

/** Takes whole lines away, from that of `start` to that of `end`. */
export function withoutLines(text: string, start: number, end: number): Splice {
  const from = lineStart(text, start);
  const next = text.indexOf('\n', end);
  if (next >= 0) return { start: from, end: next + 1, text: '' };
  // the last line has no line break, so the one before it must do without
  return { start: from === 0 ? 0 : lineEnd(text, from - 1), end: text.length, text: '' };
}

/**
 * The end of the last of the comment lines that follow the line of `offset` and are indented by at least `column`; blank
 * lines may stand between them only where `overBlanks` says so. Where there is none, the end of that line itself.
 */
export function afterComments(text: string, offset: number, column: number, overBlanks: boolean): number {
  let found = lineEnd(text, offset);
  for (let end = found; ; ) {
    const next = text.indexOf('\n', end) + 1;
    if (next === 0 || next >= text.length) return found;
    end = lineEnd(text, next);
    const line = text.slice(next, end);
    const indent = /^ *(?=#)/.exec(line)?.[0].length;
    if (indent !== undefined && indent >= column) found = end;
    else if (!overBlanks || line.trim() !== '') return found;
  }
}
