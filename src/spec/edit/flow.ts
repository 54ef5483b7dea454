import { isMap, isPair, isScalar, Scalar } from 'yaml';
import { afterBlanks, isFirstInLine, lineBreakOf, lineEnd, lineStart, type Splice, withoutLines } from './lines.ts';
import { type Collection, endOf, startOf, tokensBefore } from './nodes.ts';

/** Whether the keys of a map in braces, or of the maps in a list, are quoted, as in JSON. */
export function isJsonLike(collection: Collection): boolean {
  const [first] = collection.items;
  if (isPair(first)) return isScalar(first.key) && first.key.type === Scalar.QUOTE_DOUBLE;
  if (isMap(first)) return isJsonLike(first);
  return isScalar(first) && first.type === Scalar.QUOTE_DOUBLE;
}

/** Puts an item at the end of a collection in brackets; on a line of its own where the last one has one. */
export function appendToFlow(text: string, collection: Collection, item: string): readonly Splice[] {
  const last = collection.items.length - 1;
  if (last < 0) return [insertion((collection.range?.[0] ?? 0) + 1, item)];
  const [start, end] = [startOf(collection, last), endOf(collection.items[last], text)];
  const closing = (collection.range?.[1] ?? 0) - 1;
  const lineStop = lineEnd(text, end);
  if (!isFirstInLine(text, start) || closing <= lineStop) return [insertion(end, `, ${item}`)];
  const hasComma = text[afterBlanks(text, end)] === ',';
  const indent = text.slice(lineStart(text, start), start);
  return [
    ...(hasComma ? [] : [insertion(end, ',')]),
    insertion(lineStop, `${lineBreakOf(text)}${indent}${item}${hasComma ? ',' : ''}`),
  ];
}

/** Takes an item out of a collection in brackets, with one comma, and with its line where nothing else is there. */
export function deleteFromFlow(text: string, collection: Collection, index: number): readonly Splice[] {
  const [start, end] = [startOf(collection, index), endOf(collection.items[index], text)];
  const next = commaBefore(collection, index + 1);
  const stop = next === undefined ? end : next + 1;
  const rest = text.slice(stop, lineEnd(text, stop));
  const ownLine = isFirstInLine(text, start) && /^\s*(?:#.*)?$/.test(rest);
  const previous = next === undefined ? commaBefore(collection, index) : undefined;
  const comma = previous === undefined ? [] : [{ start: previous, end: previous + 1, text: '' }];
  if (ownLine) return [...comma, withoutLines(text, start, stop)];
  if (next !== undefined) return [{ start, end: afterBlanks(text, stop), text: '' }];
  // the blanks between the comma and the item go with it
  const from = text.slice(0, start).replace(/[ \t]+$/, '').length;
  if (previous !== undefined && from === previous + 1) return [{ start: previous, end, text: '' }];
  return [...comma, { start: index === 0 ? start : from, end, text: '' }];
}

/** Offset of the comma between an item and the one before it. */
function commaBefore(collection: Collection, index: number): number | undefined {
  return tokensBefore(collection, index).find(({ type }) => type === 'comma')?.offset;
}

function insertion(at: number, text: string): Splice {
  return { start: at, end: at, text };
}
