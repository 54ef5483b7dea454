import { isList, isMap, type JsonMap, sameJson, withEntries } from '../../render/json.ts';
import type { Json } from '../../spec/tree.ts';

/**
 * The object without the field that an apiserver names in a conflict, e.g. `.data.Corefile` or
 * `.spec.template.spec.containers[name="coredns"].image` (structured-merge-diff, fieldpath.Path.String). Keys are written
 * there as they are, dots and all, so they are looked for in the object.
 * @returns undefined where it has no such field
 */
export function withoutField(object: JsonMap, field: string): JsonMap | undefined {
  const left = without(object, field);
  return left !== undefined && left !== GONE && isMap(left) ? left : undefined;
}

const GONE = Symbol('the value itself is what the path names');

function without(value: Json, path: string): Json | typeof GONE | undefined {
  if (path === '') return GONE;
  if (isMap(value) && path.startsWith('.')) return withoutKey(value, path.slice(1));
  if (isList(value) && path.startsWith('[')) return withoutItem(value, path);
  return undefined;
}

function withoutKey(map: JsonMap, path: string): JsonMap | undefined {
  // the longest key first: `config.conf` before a `config`
  const keys = Object.keys(map).filter((key) => path === key || /^[.[]/.test(path.slice(key.length)));
  for (const key of keys.sort((a, b) => b.length - a.length)) {
    if (!path.startsWith(key)) continue;
    const left = without(map[key] as Json, path.slice(key.length));
    if (left !== undefined) return withEntries(map, { [key]: left === GONE ? undefined : left });
  }
  return undefined;
}

function withoutItem(list: readonly Json[], path: string): Json | undefined {
  const selector = /^\[((?:"(?:[^"\\]|\\.)*"|[^\]"])*)\]/.exec(path);
  if (!selector) return undefined;
  const index = list.findIndex((item, i) => matches(item, i, selector[1] ?? ''));
  if (index < 0) return undefined;
  const left = without(list[index] as Json, path.slice(selector[0].length));
  if (left === undefined) return undefined;
  return list.flatMap((item, i) => (i !== index ? [item] : left === GONE ? [] : [left]));
}

/** `name="coredns"`, `containerPort=53,protocol="TCP"` for items of a map, `="a"` for those of a set, `0` for an index. */
function matches(item: Json, index: number, selector: string): boolean {
  if (/^\d+$/.test(selector)) return index === Number(selector);
  const pairs = [...selector.matchAll(/([^=,"]*)=("(?:[^"\\]|\\.)*"|[^,"]*)/g)];
  return (
    pairs.length > 0 &&
    pairs.every(([, key = '', text = '']) => {
      const wanted = value(text);
      return key === '' ? sameJson(item, wanted) : isMap(item) && sameJson(item[key], wanted);
    })
  );
}

function value(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
