import { isList, isMap, type JsonMap, sameJson, withEntries } from '../../render/json.ts';
import { childPath, type Json } from '../../spec/tree.ts';

/** What the apiserver keeps by itself. */
const KEPT_BY_THE_SERVER = ['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp', 'selfLink'];

/** Paths of all fields in which two states of one object differ, sorted; what the server itself keeps is left out. */
export function differingFields(before: JsonMap, after: JsonMap): readonly string[] {
  return [...fields(own(before), own(after), '')].sort();
}

function own(object: JsonMap): JsonMap {
  const metadata = object['metadata'];
  const taken = Object.fromEntries(KEPT_BY_THE_SERVER.map((name) => [name, undefined]));
  return withEntries(object, {
    status: undefined,
    ...(isMap(metadata) && { metadata: withEntries(metadata, taken) }),
  });
}

function* fields(a: Json | undefined, b: Json | undefined, path: string): Generator<string> {
  if (sameJson(a, b)) return;
  if (isMap(a) && isMap(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)]))
      yield* fields(a[key], b[key], childPath(path, key));
  } else if (isList(a) && isList(b) && a.length === b.length) {
    for (const [i, item] of a.entries()) yield* fields(item, b[i], childPath(path, i));
  } else {
    yield path;
  }
}
