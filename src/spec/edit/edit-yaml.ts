import { isSeq, type Node } from 'yaml';
import type { Json, Segment } from '../tree.ts';
import {
  appendToBlockMap,
  appendToBlockSeq,
  dashOf,
  deleteFromBlockMap,
  deleteFromBlockSeq,
  deleteLastOf,
  fillBlock,
  listIndent,
} from './block.ts';
import { appendToFlow, deleteFromFlow, isJsonLike } from './flow.ts';
import { columnOf, spliced } from './lines.ts';
import { colonOf, endOf, isFlow, isNothing, mapAt, nodeAt, pairOf, parsed, seqAt, startOf } from './nodes.ts';
import { blockItem, field, flow } from './write.ts';

/**
 * Changes of YAML text that leave everything else as it is, to the byte: comments, order, quotes, line ends. Each takes the
 * text and gives the new one. All of them throw CannotEdit.
 */

/** Puts an item at the end of the list `key` of the map at `path`; makes the list where there is none. */
export function appendItem(text: string, path: readonly Segment[], key: string, item: Json): string {
  const map = mapAt(parsed(text), path);
  const list = pairOf(map, key)?.value;
  if (isSeq(list) && list.items.length) {
    if (isFlow(list)) return spliced(text, appendToFlow(text, list, flow(item, isJsonLike(list))));
    const indent = ' '.repeat(columnOf(text, dashOf(list, list.items.length - 1)));
    return spliced(text, appendToBlockSeq(text, list, blockItem(item, indent)));
  }
  if (isFlow(map)) return setField(text, path, key, [item]);
  const lines = blockItem(item, listIndent(text, map));
  if (pairOf(map, key)) {
    // an alias is refused
    if (!isNothing(list)) nodeAt(parsed(text), [...path, key]);
    return spliced(text, fillBlock(text, map, key, lines));
  }
  const indent = ' '.repeat(columnOf(text, startOf(map, 0)));
  return spliced(text, appendToBlockMap(text, map, [`${indent}${flow(key, false)}:`, ...lines]));
}

/** Takes an item out of the list `key` of the map at `path`; the key goes with its last one. */
export function deleteItem(text: string, path: readonly Segment[], key: string, index: number): string {
  const doc = parsed(text);
  const list = seqAt(doc, [...path, key]);
  if (list.items.length === 1) {
    const map = mapAt(doc, path);
    return isFlow(map) ? deleteField(text, path, key) : spliced(text, deleteLastOf(text, map, key));
  }
  return spliced(text, isFlow(list) ? deleteFromFlow(text, list, index) : deleteFromBlockSeq(text, list, index));
}

/** Gives a field a value on one line; where both are lists, only the items that differ are touched. */
export function setField(text: string, path: readonly Segment[], key: string, value: Json): string {
  const doc = parsed(text);
  const map = mapAt(doc, path);
  const pair = pairOf(map, key);
  const quoted = isJsonLike(map);
  if (!pair) {
    const written = field(key, value, quoted);
    if (isFlow(map)) return spliced(text, appendToFlow(text, map, written));
    return spliced(text, appendToBlockMap(text, map, [' '.repeat(columnOf(text, startOf(map, 0))) + written]));
  }
  const present = pair.value as Node | null;
  const range = present?.range;
  if (isNothing(present) && (!range || range[0] === range[1])) {
    const at = colonOf(pair) ?? endOf(pair, text);
    return spliced(text, [{ start: at, end: at, text: ` ${flow(value, quoted)}` }]);
  }
  const node = nodeAt(doc, [...path, key]);
  if (isSeq(node) && node.items.length && Array.isArray(value)) return withItems(text, path, key, value);
  if (isSeq(node) && !isFlow(node)) return setField(deleteField(text, path, key), path, key, value);
  const start = node.range?.[0] ?? 0;
  return spliced(text, [{ start, end: endOf(node, text), text: flow(value, quoted) }]);
}

/** Takes a field out of the map at `path`. */
export function deleteField(text: string, path: readonly Segment[], key: string): string {
  const map = mapAt(parsed(text), path);
  const pair = pairOf(map, key);
  if (!pair) return text;
  if (!isFlow(map)) return spliced(text, deleteFromBlockMap(text, map, key));
  return spliced(text, deleteFromFlow(text, map, map.items.indexOf(pair as (typeof map.items)[number])));
}

/** The same list with these items: new ones come to its end, what is not wanted any more goes. */
function withItems(text: string, path: readonly Segment[], key: string, wanted: readonly Json[]): string {
  const itemsOf = (now: string) => seqAt(parsed(now), [...path, key]).toJSON() as readonly Json[];
  const there = itemsOf(text);
  let now = text;
  for (const item of wanted) if (!there.includes(item)) now = appendItem(now, path, key, item);
  for (const item of there) if (!wanted.includes(item)) now = deleteItem(now, path, key, itemsOf(now).indexOf(item));
  return now;
}
