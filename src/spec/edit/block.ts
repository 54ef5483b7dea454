import { isMap, isSeq, type YAMLMap, type YAMLSeq } from 'yaml';
import { CannotEdit } from './cannot-edit.ts';
import {
  afterBlanks,
  afterComments,
  columnOf,
  isFirstInLine,
  lineBreakOf,
  lineEnd,
  lineStart,
  type Splice,
  withoutLines,
} from './lines.ts';
import { colonOf, endOf, isFlow, isNothing, pairOf, startOf, tokensBefore } from './nodes.ts';

/** Puts lines behind the last field of a block map, and behind comments that are still about that or belong to the map. */
export function appendToBlockMap(text: string, map: YAMLMap, lines: readonly string[]): readonly Splice[] {
  const at = afterComments(text, endOf(map, text), columnOf(text, startOf(map, 0)), true);
  return [below(text, at, lines)];
}

/** Puts lines behind the last item of a block list. */
export function appendToBlockSeq(text: string, seq: YAMLSeq, lines: readonly string[]): readonly Splice[] {
  const last = seq.items.length - 1;
  const at = afterComments(text, endOf(seq, text), columnOf(text, dashOf(seq, last)) + 1, false);
  return [below(text, at, lines)];
}

/** Takes an item out of a block list, with the comments in it. */
export function deleteFromBlockSeq(text: string, seq: YAMLSeq, index: number): readonly Splice[] {
  const dash = dashOf(seq, index);
  if (!isFirstInLine(text, dash)) throw new CannotEdit('it does not begin a line', dash);
  const end = afterComments(text, endOf(seq.items[index], text), columnOf(text, dash) + 1, false);
  return [withoutLines(text, dash, end)];
}

/** Takes a field out of a block map. */
export function deleteFromBlockMap(text: string, map: YAMLMap, key: string): readonly Splice[] {
  const pair = pairOf(map, key);
  const index = pair ? map.items.indexOf(pair as (typeof map.items)[number]) : -1;
  if (!pair || index < 0) return [];
  const [start, end] = [startOf(map, index), endOf(pair, text)];
  if (isFirstInLine(text, start)) return [withoutLines(text, start, end)];
  if (index + 1 >= map.items.length || !/^\s*-\s+$/.test(text.slice(lineStart(text, start), start)))
    throw new CannotEdit('it does not begin a line', start);
  // the first field of a list's item: the next one comes up to the dash, unless a comment stands between them
  const next = startOf(map, index + 1);
  const isCommented = text.slice(end, next).includes('#');
  return [{ start, end: isCommented ? end : next, text: '' }];
}

/**
 * Takes a list of one item out of a block map, its key and that item: comments of their own lines between the two stay.
 */
export function deleteLastOf(text: string, map: YAMLMap, key: string): readonly Splice[] {
  const pair = pairOf(map, key);
  const seq = pair?.value;
  if (!pair || !isSeq(seq) || isFlow(seq)) return deleteFromBlockMap(text, map, key);
  const start = startOf(map, map.items.indexOf(pair as (typeof map.items)[number]));
  if (!isFirstInLine(text, start)) throw new CannotEdit('it does not begin a line', start);
  const item = deleteFromBlockSeq(text, seq, 0);
  const isEmptyLast = item.some((splice) => splice.end === text.length && splice.text === '');
  // at the end of a file without a line break the two cannot be told apart by lines
  return isEmptyLast && !text.endsWith('\n')
    ? [withoutLines(text, start, endOf(pair, text))]
    : [withoutLines(text, start, start), ...item];
}

/** Writes lines below a key that has no value yet, or an empty one. */
export function fillBlock(text: string, map: YAMLMap, key: string, lines: readonly string[]): readonly Splice[] {
  const pair = pairOf(map, key);
  const colon = pair && colonOf(pair);
  if (!pair || colon === undefined) throw new CannotEdit('it has no value of its own');
  const { value } = pair;
  const range = !isNothing(value) || hasText(value) ? (value as { range?: readonly number[] }).range : undefined;
  const [start = colon, end = colon] = range ?? [];
  if (lineEnd(text, colon) !== lineEnd(text, end)) throw new CannotEdit('its value is on several lines', colon);
  const from = text.slice(colon, start).trim() === '' ? colon : start;
  const rest = text.slice(afterBlanks(text, end), lineEnd(text, end));
  const removed = { start: from, end: rest === '' ? lineEnd(text, end) : end, text: '' };
  return [...(start === end ? [] : [removed]), below(text, lineEnd(text, end), lines)];
}

/** How far the lists of a map are indented below their keys: as its first one is. */
export function listIndent(text: string, map: YAMLMap): string {
  const indent = ' '.repeat(columnOf(text, startOf(map, 0)));
  for (const { value } of map.items) {
    if (isSeq(value) && !isFlow(value) && value.items.length) return ' '.repeat(columnOf(text, dashOf(value, 0)));
    // the style of what is further down will do as well
    if (isMap(value) && !isFlow(value) && value.items.length) {
      const found = value.items.find((pair) => isSeq(pair.value) && !isFlow(pair.value) && pair.value.items.length);
      if (found && isSeq(found.value)) {
        const step =
          columnOf(text, dashOf(found.value, 0)) - columnOf(text, startOf(value, value.items.indexOf(found)));
        return indent + ' '.repeat(Math.max(0, step));
      }
    }
  }
  return `${indent}  `;
}

export function dashOf(seq: YAMLSeq, index: number): number {
  const dash = tokensBefore(seq, index).find(({ type }) => type === 'seq-item-ind');
  if (!dash) throw new CannotEdit('nothing stands there');
  return dash.offset;
}

function hasText(value: unknown): boolean {
  const range = (value as { range?: readonly [number, number, number] } | null)?.range;
  return range !== undefined && range[0] !== range[1];
}

/** New lines below the one that ends there. */
function below(text: string, at: number, lines: readonly string[]): Splice {
  const lineBreak = lineBreakOf(text);
  return { start: at, end: at, text: lines.map((line) => `${lineBreak}${line}`).join('') };
}
