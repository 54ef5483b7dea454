import type { Located, Origin } from '../base/fault.ts';

/** A value read from YAML whose every part knows its path in its own document and where it was written. */
export type Tree = ScalarTree | MapTree | ListTree;

export interface ScalarTree extends Located {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** The text as it was written, so that `1.10` or `0x1F` is not changed on its way into a flag. */
  readonly source: string;
}

export interface MapTree extends Located {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Tree>;
  /** Where each key stands, where that is known: an unknown field is pointed at by its key. */
  readonly keys?: ReadonlyMap<string, Origin>;
}

interface ListTree extends Located {
  readonly kind: 'list';
  readonly items: readonly Tree[];
}

export type Segment = string | number;
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const plainKey = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** `spec.nodes` + `0` → `spec.nodes[0]`; keys that hold dots or the like are quoted: `labels["a.b/c"]`. */
export function childPath(path: string, segment: Segment): string {
  if (typeof segment === 'number') return `${path}[${segment}]`;
  if (!plainKey.test(segment)) return `${path}[${JSON.stringify(segment)}]`;
  return path ? `${path}.${segment}` : segment;
}

export function child(tree: Tree | undefined, segment: Segment): Tree | undefined {
  if (tree?.kind === 'map' && typeof segment === 'string') return tree.entries.get(segment);
  if (tree?.kind === 'list' && typeof segment === 'number') return tree.items[segment];
  return undefined;
}

export function at(tree: Tree | undefined, segments: readonly Segment[]): Tree | undefined {
  return segments.reduce<Tree | undefined>(child, tree);
}

/** Path and origin of the value at `segments`; where there is none, of its nearest ancestor with the full path. */
export function locate(tree: Tree, segments: readonly Segment[]): Located {
  let found: Tree = tree;
  let path = tree.path;
  for (const [i, segment] of segments.entries()) {
    const next = child(found, segment);
    if (!next) return { path: segments.slice(i).reduce(childPath, path), origin: found.origin };
    found = next;
    path = next.path;
  }
  return { path, origin: found.origin };
}

/** The plain value. Maps become objects without a prototype, so that no key of the user's can reach one. */
export function toJson(tree: Tree): Json {
  switch (tree.kind) {
    case 'scalar':
      return tree.value;
    case 'list':
      return tree.items.map(toJson);
    case 'map': {
      const out: Record<string, Json> = Object.create(null);
      for (const [key, value] of tree.entries) out[key] = toJson(value);
      return out;
    }
  }
}

/** A tree for a value that was made here, every part of it with the same origin. */
export function fromJson(value: Json, path: string, origin: Origin): Tree {
  if (Array.isArray(value)) {
    return { kind: 'list', path, origin, items: value.map((v: Json, i) => fromJson(v, childPath(path, i), origin)) };
  }
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).map(([k, v]) => [k, fromJson(v, childPath(path, k), origin)] as const);
    return { kind: 'map', path, origin, entries: new Map(entries) };
  }
  return { kind: 'scalar', path, origin, value: value as ScalarTree['value'], source: String(value) };
}

/** Lays `over` on `base`: maps merge deep, everything else is replaced. Order: base's keys, then new ones of `over`. */
export function mergeTrees(base: Tree | undefined, over: Tree | undefined): Tree | undefined {
  if (!base || !over) return over ?? base;
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [key, value] of over.entries) entries.set(key, mergeTrees(entries.get(key), value) ?? value);
  const keys = new Map([...(base.keys ?? []), ...(over.keys ?? [])]);
  return { kind: 'map', path: over.path, origin: over.origin, entries, keys };
}

/** Below these keys a null means something: a flag, a field or a key that is taken away. */
const NULL_COUNTS: ReadonlySet<string> = new Set(['extraArgs', 'config', 'patch']);

/** Leaves out every `key:` without a value: as in Kubernetes, that is the same as no key at all. */
export function pruneNulls(tree: Tree): Tree {
  if (tree.kind === 'list') return { ...tree, items: tree.items.map(pruneNulls) };
  if (tree.kind === 'scalar') return tree;
  const entries = new Map<string, Tree>();
  for (const [key, value] of tree.entries) {
    if (value.kind === 'scalar' && value.value === null) continue;
    entries.set(key, NULL_COUNTS.has(key) ? value : pruneNulls(value));
  }
  return { ...tree, entries };
}

/** The same tree with `value` at `segments`; maps on the way are made. A list index must exist or be the next one. */
export function setAt(tree: Tree | undefined, segments: readonly Segment[], value: Tree, path = ''): Tree {
  const [segment, ...rest] = segments;
  if (segment === undefined) return value;
  const below = setAt(child(tree, segment), rest, value, childPath(tree?.path ?? path, segment));
  if (typeof segment === 'number') {
    const items = tree?.kind === 'list' ? [...tree.items] : [];
    items[segment] = below;
    return { kind: 'list', path: tree?.path ?? path, origin: tree?.origin ?? value.origin, items };
  }
  const entries = new Map(tree?.kind === 'map' ? tree.entries : []);
  entries.set(segment, below);
  const keys = tree?.kind === 'map' && tree.keys ? { keys: tree.keys } : {};
  return { kind: 'map', path: tree?.path ?? path, origin: tree?.origin ?? value.origin, entries, ...keys };
}
