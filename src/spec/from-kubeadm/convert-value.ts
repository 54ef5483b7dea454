import { child, type MapTree, type Tree } from '../tree.ts';
import { argsOfList, argsOfMap } from './args.ts';
import type { ApiVersion, FieldType } from './fields.ts';
import { type Outcome, placeOf } from './outcome.ts';
import { booleanTree, isNull, isText, lowerCase, readBoolean } from './scalars.ts';
import { nameOthers, wrongValue } from './wrong-value.ts';

/** The fields of the entries of a list that the cluster file has as well. */
const ENTRY_FIELDS: Readonly<Record<'envs' | 'volumes' | 'taints', Readonly<Record<string, FieldType>>>> = {
  envs: { name: 'text', value: 'text', valueFrom: 'any' },
  volumes: { name: 'text', hostPath: 'text', mountPath: 'text', readOnly: 'boolean', pathType: 'text' },
  taints: { key: 'text', value: 'text', effect: 'text' },
};

/**
 * Brings a field's value into the shape that the cluster file wants. Wrong types and, in the entries of lists, unknown
 * fields go into `outcome`; formats are left to the check of the finished cluster file.
 * @returns undefined where the value cannot be used
 */
export function convertValue(value: Tree, type: FieldType, version: ApiVersion, outcome: Outcome): Tree | undefined {
  switch (type) {
    case 'any':
      return value;
    case 'text':
    case 'duration':
      return isText(value) ? value : wrongValue(value, type, outcome);
    case 'integer':
      return value.kind === 'scalar' && Number.isInteger(value.value) ? value : wrongValue(value, type, outcome);
    case 'boolean': {
      const read = readBoolean(value);
      return read === undefined ? wrongValue(value, type, outcome) : booleanTree(value, read);
    }
    case 'texts':
      return items(value, outcome, (item) => (isText(item) ? item : wrongValue(item, 'text', outcome)));
    case 'sans':
      return items(value, outcome, (item) => (isText(item) ? lowerCase(item) : wrongValue(item, 'text', outcome)));
    case 'args':
      return version === 'v1beta3' ? argsOfMap(value, outcome) : argsOfList(value, outcome);
    case 'envs':
    case 'volumes':
    case 'taints':
      return items(value, outcome, (item) => entry(item, ENTRY_FIELDS[type], version, outcome));
    case 'gates':
      return value.kind === 'map' ? value : wrongValue(value, 'map', outcome);
  }
}

const LISTS: readonly FieldType[] = ['any', 'texts', 'sans', 'args', 'envs', 'volumes'];
const MAPS: readonly FieldType[] = ['any', 'args', 'gates'];

/** True for what means the same as no value at all. An empty list of taints does not: it means no taints. */
export function isEmpty(value: Tree, type: FieldType): boolean {
  if (value.kind === 'list') return value.items.length === 0 && LISTS.includes(type);
  if (value.kind === 'map') return value.entries.size === 0 && MAPS.includes(type);
  return value.value === '' ? type === 'text' : value.value === 0 && type === 'integer';
}

function items(value: Tree, outcome: Outcome, convert: (item: Tree) => Tree | undefined): Tree | undefined {
  if (value.kind !== 'list') return wrongValue(value, 'list', outcome);
  return { ...value, items: value.items.flatMap((item) => convert(item) ?? []) };
}

function entry(
  item: Tree,
  types: Readonly<Record<string, FieldType>>,
  version: ApiVersion,
  outcome: Outcome,
): MapTree | undefined {
  if (item.kind !== 'map') return wrongValue(item, 'map', outcome);
  nameOthers(item, Object.keys(types), outcome);
  const fields = new Map<string, Tree>();
  for (const [name, type] of Object.entries(types)) {
    const value = child(item, name);
    const converted = value && !isNull(value) ? convertValue(value, type, version, outcome) : undefined;
    if (converted) fields.set(name, converted);
  }
  return { kind: 'map', ...placeOf(item), entries: fields, ...(item.keys && { keys: item.keys }) };
}
