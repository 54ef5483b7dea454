import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { errorAt, type Fault, type Origin, type Place } from '../base/fault.ts';
import { childPath, type MapTree, type ScalarTree, type Tree } from './tree.ts';

/** Enough for thousands of nodes; an anchor bomb passes it within its first few levels. */
const MAX_VALUES = 200_000;
const MAX_DEPTH = 64;

export interface YamlSource {
  /** The file's name as the user would write it. */
  readonly file: string;
  readonly text: string;
  /** What a place in this file means: the cluster file, or a profile. */
  readonly origin: (place: Place) => Origin;
}

export interface YamlResult {
  /** One tree a document. Empty where there are faults. */
  readonly documents: readonly Tree[];
  readonly faults: readonly Fault[];
}

/** Thrown inside the walk, caught at its top: the rest of the document cannot be trusted. */
class WalkFault extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** Reads YAML text into trees. Never throws on bad input: everything that is wrong comes back as placed faults. */
export function readYaml(source: YamlSource): YamlResult {
  const lines = new LineCounter();
  const originAt = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return source.origin({ file: source.file, line: Math.max(line, 1), column: Math.max(col, 1) });
  };
  try {
    const parsed = parseAllDocuments(source.text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
    const documents: readonly Document.Parsed[] = 'empty' in parsed ? [] : parsed;
    const syntax = documents.flatMap((doc) =>
      doc.errors.map((e) => errorAt({ path: '', origin: originAt(e.pos[0]) }, yamlMessage(e.code, e.message))),
    );
    if (syntax.length) return { documents: [], faults: syntax.slice(0, 20) };
    return { documents: documents.map((doc) => new Walk(doc, originAt).tree()), faults: [] };
  } catch (error) {
    if (error instanceof WalkFault) return { documents: [], faults: [error.fault] };
    // the parser's own recursion limit, or one of ours: the input is at fault, not the program
    const message =
      error instanceof RangeError ? 'is nested too deeply' : `cannot be read as YAML: ${(error as Error).message}`;
    return { documents: [], faults: [errorAt({ path: '', origin: originAt(0) }, message)] };
  }
}

function yamlMessage(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice in the same map';
  if (/call stack/i.test(message)) return 'is nested too deeply';
  if (code === 'TAB_AS_INDENT') return 'a tab is used as indentation; YAML allows spaces only';
  const text = message.replace(/\s+/g, ' ').trim();
  return `not valid YAML: ${text.length > 200 ? `${text.slice(0, 197)}...` : text}`;
}

class Walk {
  readonly #doc: Document.Parsed;
  readonly #originAt: (offset: number) => Origin;
  #values = 0;

  constructor(doc: Document.Parsed, originAt: (offset: number) => Origin) {
    this.#doc = doc;
    this.#originAt = originAt;
  }

  tree(): Tree {
    return this.#node(this.#doc.contents, '', this.#originAt(0), 0);
  }

  #node(node: Node | null | undefined, path: string, parent: Origin, depth: number): Tree {
    const origin = node?.range ? this.#originAt(node.range[0]) : parent;
    if (++this.#values > MAX_VALUES) {
      throw new WalkFault(
        errorAt({ path, origin }, `holds more than ${MAX_VALUES} values once its aliases are resolved`),
      );
    }
    if (depth > MAX_DEPTH)
      throw new WalkFault(errorAt({ path, origin }, `is nested more than ${MAX_DEPTH} levels deep`));
    if (!node) return { kind: 'scalar', path, origin, value: null, source: '' };
    if (isAlias(node)) {
      const target = node.resolve(this.#doc);
      if (!target)
        throw new WalkFault(errorAt({ path, origin }, `there is no anchor "&${node.source}" before this alias`));
      return this.#node(target, path, origin, depth + 1);
    }
    if (isScalar(node)) return this.#scalar(node, path, origin);
    if (isSeq(node)) {
      const items = node.items.map((item, i) => this.#node(item as Node, childPath(path, i), origin, depth + 1));
      return { kind: 'list', path, origin, items };
    }
    if (isMap(node)) return this.#map(node, path, origin, depth);
    throw new WalkFault(errorAt({ path, origin }, 'holds something that is neither a map, a list nor a plain value'));
  }

  #map(node: YAMLMap, path: string, origin: Origin, depth: number): MapTree {
    const entries = new Map<string, Tree>();
    const keys = new Map<string, Origin>();
    const merged: MapTree[] = [];
    for (const pair of node.items) {
      const key = this.#key(pair, path, origin);
      const value = this.#node(pair.value as Node | null, childPath(path, key.text), key.origin, depth + 1);
      if (key.text === '<<' && key.merge) {
        merged.push(...this.#merged(value, path));
        continue;
      }
      entries.set(key.text, value);
      keys.set(key.text, key.origin);
    }
    for (const map of merged) for (const [k, v] of map.entries) if (!entries.has(k)) entries.set(k, v);
    return { kind: 'map', path, origin, entries, keys };
  }

  /** The maps behind a merge key (`<<: *a`, `<<: [*a, *b]`). */
  #merged(value: Tree, path: string): readonly MapTree[] {
    const maps = value.kind === 'list' ? value.items : [value];
    return maps.map((map) => {
      if (map.kind !== 'map')
        throw new WalkFault(errorAt({ path, origin: map.origin }, 'a merge key (<<) takes a map or a list of maps'));
      return rebase(map, path);
    });
  }

  #key(pair: Pair, path: string, parent: Origin): { text: string; origin: Origin; merge: boolean } {
    const key = isPair(pair) && isAlias(pair.key) ? pair.key.resolve(this.#doc) : pair.key;
    if (!isScalar(key))
      throw new WalkFault(errorAt({ path, origin: parent }, 'a key must be a plain value, not a map or a list'));
    const origin = key.range ? this.#originAt(key.range[0]) : parent;
    return { text: scalarSource(key), origin, merge: key.type === 'PLAIN' };
  }

  #scalar(node: Scalar, path: string, origin: Origin): ScalarTree {
    const { value } = node;
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      return { kind: 'scalar', path, origin, value, source: scalarSource(node) };
    }
    throw new WalkFault(errorAt({ path, origin }, 'is not a text, number, boolean or null'));
  }
}

/** Booleans in one spelling, numbers as written, texts as they are. */
function scalarSource(node: Scalar): string {
  if (typeof node.value === 'string') return node.value;
  if (typeof node.value === 'number') return (node.source ?? String(node.value)).trim();
  return String(node.value);
}

/** The same map under another path, for values that a merge key brings in. */
function rebase(map: MapTree, path: string): MapTree {
  const move = (tree: Tree, to: string): Tree => {
    switch (tree.kind) {
      case 'scalar':
        return { ...tree, path: to };
      case 'list':
        return { ...tree, path: to, items: tree.items.map((item, i) => move(item, childPath(to, i))) };
      case 'map':
        return {
          ...tree,
          path: to,
          entries: new Map([...tree.entries].map(([k, v]) => [k, move(v, childPath(to, k))])),
        };
    }
  };
  return move(map, path) as MapTree;
}
