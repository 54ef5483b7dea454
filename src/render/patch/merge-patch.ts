import type { Json } from '../../spec/tree.ts';
import { isMap, mapOf } from '../json.ts';

/** Lays a JSON merge patch on `target` (RFC 7386 section 2): maps merge, null takes away, everything else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isMap(patch)) return patch;
  const entries = new Map(isMap(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) entries.delete(key);
    else entries.set(key, mergePatch(entries.get(key), value));
  }
  return mapOf(entries);
}
