import {
  type CST,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Segment } from '../tree.ts';
import { CannotEdit } from './cannot-edit.ts';

export type Collection = YAMLMap | YAMLSeq;

/** @throws CannotEdit where it is no single YAML document */
export function parsed(text: string): Document.Parsed {
  const doc = parseDocument(text, { keepSourceTokens: true });
  const [error] = doc.errors;
  if (error) throw new CannotEdit('it is not one document of valid YAML', error.pos[0]);
  return doc;
}

/** The node at the end of a path. @throws CannotEdit where an alias is on the way, or nothing */
export function nodeAt(doc: Document.Parsed, path: readonly Segment[]): Node {
  let node: Node | null | undefined = checked(doc.contents);
  for (const segment of path) {
    const offset = node?.range?.[0];
    if (isMap(node)) node = checked(pairOf(node, String(segment))?.value as Node | null);
    else if (isSeq(node)) node = checked(node.items[Number(segment)] as Node | undefined);
    else node = undefined;
    if (!node) throw new CannotEdit(`${JSON.stringify(segment)} does not stand here itself`, offset);
  }
  if (!node) throw new CannotEdit('nothing stands there');
  return node;
}

function checked(node: Node | null | undefined): Node | null | undefined {
  if (isAlias(node)) throw new CannotEdit(`the alias *${node.source} stands there`, node.range?.[0]);
  return node;
}

export function mapAt(doc: Document.Parsed, path: readonly Segment[]): YAMLMap {
  const node = nodeAt(doc, path);
  if (isMap(node)) return node;
  throw new CannotEdit('no map stands there', node.range?.[0]);
}

export function seqAt(doc: Document.Parsed, path: readonly Segment[]): YAMLSeq {
  const node = nodeAt(doc, path);
  if (isSeq(node)) return node;
  throw new CannotEdit('no list stands there', node.range?.[0]);
}

export function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

export const isFlow = (node: Collection): boolean => node.srcToken?.type === 'flow-collection';

/** A key without a value, `~` or `null`. */
export function isNothing(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

/** The tokens that stand before an item of a collection: indicators, comments, anchors. */
export function tokensBefore(collection: Collection, index: number): readonly CST.SourceToken[] {
  const token = collection.srcToken;
  return token && 'items' in token ? (token.items[index]?.start ?? []) : [];
}

/** Where an item begins, with its anchor or tag, but without `-` or `,`. */
export function startOf(collection: Collection, index: number): number {
  const item = collection.items[index];
  const node = (isPair(item) ? item.key : item) as Node | null;
  const property = tokensBefore(collection, index).find(({ type }) => type === 'anchor' || type === 'tag');
  const start = property?.offset ?? node?.range?.[0];
  if (start === undefined) throw new CannotEdit('nothing stands there');
  return start;
}

/** Behind the last character of a node's or a pair's content: no comment, no line break. */
export function endOf(item: unknown, text: string): number {
  if (isPair(item)) return endOfPair(item, text);
  if ((isMap(item) || isSeq(item)) && !isFlow(item) && item.items.length) return endOf(item.items.at(-1), text);
  const node = item as Node | null;
  if (!node?.range) throw new CannotEdit('nothing stands there');
  const end = node.range[1];
  const isBlock = isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED);
  return isBlock ? end - (/\r?\n$/.exec(text.slice(node.range[0], end))?.[0].length ?? 0) : end;
}

function endOfPair(pair: Pair, text: string): number {
  const colon = colonOf(pair);
  const value = pair.value as Node | null;
  const isEmpty = !value?.range || value.range[0] === value.range[1];
  if (!isEmpty) return endOf(value, text);
  const key = pair.key as Node | null;
  return colon ?? endOf(key, text);
}

/** Behind the colon of a pair. */
export function colonOf(pair: Pair): number | undefined {
  const colon = (pair as Pair & { srcToken?: CST.CollectionItem }).srcToken?.sep?.find(
    ({ type }) => type === 'map-value-ind',
  );
  return colon && colon.offset + 1;
}
