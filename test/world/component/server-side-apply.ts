import { canonical, isMap, type Json, type JsonMap, listAt, mapAt, textAt } from '../json.ts';

/** Fields as lists of keys; a list is one field (`x-kubernetes-list-type: atomic`, here for all). */
type Fields = ReadonlyMap<string, readonly string[]>;

interface Owner {
  readonly manager: string;
  readonly operation: string;
  readonly fields: Fields;
}

/** Not owned by anybody (structured-merge-diff strips them). */
const SERVERS_OWN = ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp', 'managedFields'];

export type Applied =
  | { readonly kind: 'object'; readonly object: JsonMap }
  | { readonly kind: 'conflict'; readonly with: readonly { readonly manager: string; readonly field: string }[] };

/**
 * Server-side apply (kubernetes.io/docs/reference/using-api/server-side-apply), of objects without associative lists: what
 * is applied is laid over the object; what this manager had applied before and does not now goes, unless another owns it;
 * a field that another manager has given another value is a conflict, unless forced.
 */
export function applyTo(live: JsonMap | undefined, applied: JsonMap, manager: string, force: boolean): Applied {
  const owners = live ? ownersOf(live) : [];
  const fields = fieldsOf(applied);
  const isMine = (owner: Owner) => owner.manager === manager && owner.operation === 'Apply';
  const others = owners.filter((owner) => !isMine(owner));
  const differs = (path: readonly string[]) => !same(valueAt(live, path), valueAt(applied, path));
  const conflicts = others.flatMap(({ manager: other, fields: theirs }) =>
    [...fields]
      .filter(([name, path]) => theirs.has(name) && differs(path))
      .map(([, path]) => ({ manager: other, field: `.${path.join('.')}` })),
  );
  if (conflicts.length && !force) return { kind: 'conflict', with: conflicts };
  const lost = new Set(conflicts.map(({ field }) => field));
  const kept = others.map((owner) => ({
    ...owner,
    fields: new Map([...owner.fields].filter(([, path]) => !lost.has(`.${path.join('.')}`))),
  }));
  let object = overlaid(live ?? {}, applied) as JsonMap;
  for (const [name, path] of owners.find(isMine)?.fields ?? []) {
    if (!fields.has(name) && !kept.some((owner) => owner.fields.has(name))) object = without(object, path);
  }
  return { kind: 'object', object: owned(object, [...kept, { manager, operation: 'Apply', fields }]) };
}

/** An object after a create, update or patch: who has changed a field owns it. */
export function updated(live: JsonMap | undefined, object: JsonMap, manager: string): JsonMap {
  const owners = live ? ownersOf(live) : [];
  const now = fieldsOf(object);
  const changed = new Map([...now].filter(([, path]) => !same(valueAt(live, path), valueAt(object, path))));
  const isMine = (owner: Owner) => owner.manager === manager && owner.operation === 'Update';
  const rest = owners.map((owner) => ({
    ...owner,
    fields: new Map([...owner.fields].filter(([name]) => now.has(name) && (isMine(owner) || !changed.has(name)))),
  }));
  const before = rest.find(isMine)?.fields ?? new Map<string, readonly string[]>();
  return owned(object, [
    ...rest.filter((owner) => !isMine(owner)),
    { manager, operation: 'Update', fields: new Map([...before, ...changed]) },
  ]);
}

function fieldsOf(object: JsonMap): Fields {
  const found = new Map<string, readonly string[]>();
  const walk = (value: Json, path: readonly string[]): void => {
    if (path.length === 2 && path[0] === 'metadata' && SERVERS_OWN.includes(path[1] ?? '')) return;
    if (path.length === 1 && (path[0] === 'apiVersion' || path[0] === 'kind')) return;
    if (isMap(value) && Object.keys(value).length) {
      for (const [key, part] of Object.entries(value)) walk(part, [...path, key]);
    } else if (path.length > 1 || !isMap(value)) found.set(JSON.stringify(path), path);
  };
  walk(object, []);
  return found;
}

function ownersOf(object: JsonMap): readonly Owner[] {
  return listAt(object, 'metadata', 'managedFields').map((entry) => {
    const fields = new Map<string, readonly string[]>();
    const walk = (value: JsonMap, path: readonly string[]): void => {
      const keys = Object.keys(value);
      if (!keys.length && path.length) fields.set(JSON.stringify(path), path);
      for (const key of keys) walk(mapAt(value, key), [...path, key.replace(/^f:/, '')]);
    };
    walk(mapAt(entry, 'fieldsV1'), []);
    return { manager: textAt(entry, 'manager'), operation: textAt(entry, 'operation'), fields };
  });
}

function owned(object: JsonMap, owners: readonly Owner[]): JsonMap {
  const managedFields = owners
    .filter(({ fields }) => fields.size)
    .map(({ manager, operation, fields }) => {
      const fieldsV1: Record<string, Json> = {};
      for (const path of fields.values()) {
        let here = fieldsV1;
        for (const key of path) {
          here[`f:${key}`] ??= {};
          here = here[`f:${key}`] as Record<string, Json>;
        }
      }
      return { manager, operation, fieldsType: 'FieldsV1', fieldsV1 };
    });
  return { ...object, metadata: { ...mapAt(object, 'metadata'), managedFields } };
}

function overlaid(below: Json | undefined, above: Json): Json {
  if (!isMap(above)) return above;
  const result: Record<string, Json> = isMap(below) ? { ...below } : {};
  for (const [key, value] of Object.entries(above)) result[key] = overlaid(result[key], value);
  return result;
}

function valueAt(object: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((here, key) => (isMap(here) ? here[key] : undefined), object);
}

const same = (a: Json | undefined, b: Json | undefined) => canonical(a ?? null) === canonical(b ?? null);

function without(object: JsonMap, [key = '', ...rest]: readonly string[]): JsonMap {
  const { [key]: part, ...others } = object;
  return rest.length && isMap(part) ? { ...object, [key]: without(part, rest) } : others;
}
