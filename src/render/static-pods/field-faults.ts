import { errorAt, type Fault } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { type FieldType, fieldsOf, type PodField, type ScalarType } from '../../kubernetes/pod-fields.ts';
import { childPath, type MapTree, type ScalarTree, type Tree } from '../../spec/tree.ts';
import { isQuantity } from './quantity.ts';
import { show } from './show.ts';

/** Types whose fields people put one level off, and where they belong. */
const HOMES: Readonly<Record<string, string>> = {
  ObjectMeta: 'metadata',
  PodSpec: 'the spec of the pod',
  Container: 'a container',
  ContainerPort: 'a port of a container',
  PodSecurityContext: 'the securityContext of the pod',
  SecurityContext: 'the securityContext of a container',
};

/**
 * What keeps a document from being read as it is meant: fields that Kubernetes does not know (the kubelet drops them
 * without a word), fields that are missing and values of another type (it refuses the whole pod).
 */
export function fieldFaults(tree: Tree, type: string): readonly Fault[] {
  return valueFaults(tree, { kind: 'object', type });
}

type Visit = (value: Tree, field: PodField, type: string) => void;

/** Calls `visit` for every field of the document that Kubernetes knows. */
export function eachField(tree: Tree, type: string, visit: Visit): void {
  const walk = (value: Tree, field: FieldType): void => {
    if (field.kind === 'list' && value.kind === 'list') for (const item of value.items) walk(item, field.item);
    if (value.kind !== 'map') return;
    if (field.kind === 'map') for (const item of value.entries.values()) walk(item, field.item);
    if (field.kind !== 'object') return;
    for (const [name, item] of value.entries) {
      const known = fieldsOf(field.type).get(name);
      if (!known) continue;
      visit(item, known, field.type);
      walk(item, known.type);
    }
  };
  walk(tree, { kind: 'object', type });
}

function valueFaults(value: Tree, type: FieldType): readonly Fault[] {
  switch (type.kind) {
    case 'object':
      return value.kind === 'map' ? objectFaults(value, type.type) : [wrong(value, 'a map')];
    case 'map':
      if (value.kind !== 'map') return [wrong(value, 'a map')];
      return [...value.entries.values()].flatMap((item) => valueFaults(item, type.item));
    case 'list':
      if (value.kind !== 'list') return [wrong(value, 'a list', 'begin each entry with "- "')];
      return value.items.flatMap((item) => valueFaults(item, type.item));
    case 'any':
      return infinities(value);
    default:
      return value.kind === 'scalar' ? scalarFaults(value, type) : [wrong(value, WANTED[type.kind])];
  }
}

/** The one thing that JSON cannot hold, wherever nobody looks closer. */
function infinities(value: Tree): readonly Fault[] {
  if (value.kind === 'list') return value.items.flatMap(infinities);
  if (value.kind === 'map') return [...value.entries.values()].flatMap(infinities);
  if (typeof value.value !== 'number' || Number.isFinite(value.value)) return [];
  return [errorAt(value, `${show(value)} is no number that JSON can hold`)];
}

function objectFaults(map: MapTree, type: string): readonly Fault[] {
  const fields = fieldsOf(type);
  const faults: Fault[] = [];
  for (const [name, value] of map.entries) {
    const field = fields.get(name);
    // as in Kubernetes, a field without a value is none
    const isEmpty = value.kind === 'scalar' && value.value === null;
    if (!field) faults.push(unknown(map, name, type));
    else if (!isEmpty) faults.push(...valueFaults(value, field.type));
    // a value may be empty; what has a name needs one
    const mustSay = field?.required && field.type.kind === 'string' && name !== 'value';
    if (mustSay && value.kind === 'scalar' && value.value === '') faults.push(errorAt(value, 'must not be empty'));
  }
  for (const { name, required } of fields.values()) {
    const value = map.entries.get(name);
    if (!required || (value && !(value.kind === 'scalar' && value.value === null))) continue;
    faults.push(errorAt({ path: childPath(map.path, name), origin: value?.origin ?? map.origin }, 'is missing'));
  }
  return faults;
}

function unknown(map: MapTree, name: string, type: string): Fault {
  const known = [...fieldsOf(type).keys()];
  const home = Object.keys(HOMES).find((candidate) => candidate !== type && fieldsOf(candidate).has(name));
  const hint =
    (home && `it is a field of ${HOMES[home]}`) ??
    didYouMean(name, known) ??
    (known.length <= 12 ? `known here: ${known.join(', ')}` : undefined);
  const at = { path: childPath(map.path, name), origin: map.keys?.get(name) ?? map.origin };
  return errorAt(at, 'unknown field; the kubelet would drop it without a word', hint);
}

const WANTED = {
  string: 'a text',
  time: 'a time such as 2026-01-31T12:00:00Z',
  boolean: 'true or false',
  int32: 'a whole number',
  int64: 'a whole number',
  quantity: 'a quantity such as 500m or 64Mi',
  'int-or-string': 'a whole number or a text',
  word: 'a text',
} as const;

function scalarFaults(scalar: ScalarTree, type: ScalarType): readonly Fault[] {
  const { value } = scalar;
  switch (type.kind) {
    case 'string':
      return typeof value === 'string' ? [] : [wrong(scalar, WANTED.string)];
    case 'time':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? [] : [wrong(scalar, WANTED.time)];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrong(scalar, WANTED.boolean)];
    case 'quantity':
      return isQuantity(value) ? [] : [wrong(scalar, WANTED.quantity)];
    case 'int-or-string':
      if (typeof value === 'string') return [];
      return isWhole(value, 32) ? [] : [wrong(scalar, WANTED['int-or-string'])];
    case 'word':
      if (typeof value === 'string' && type.words.includes(value)) return [];
      return [
        errorAt(
          scalar,
          `${show(scalar)} is not one of ${type.words.filter(Boolean).join(', ')}`,
          didYouMean(scalar.source, type.words),
        ),
      ];
    default:
      return isWhole(value, type.kind === 'int32' ? 32 : 64) ? [] : [wrong(scalar, WANTED[type.kind])];
  }
}

function isWhole(value: ScalarTree['value'], bits: 32 | 64): boolean {
  if (!Number.isSafeInteger(value)) return false;
  return bits === 64 || (Number(value) >= -(2 ** 31) && Number(value) < 2 ** 31);
}

function wrong(value: Tree, wanted: string, hint?: string): Fault {
  // a password may stand there
  if (/\.env\[\d+\]\.value$/.test(value.path) && value.kind === 'scalar' && value.value !== null) {
    return errorAt(value, `must be ${wanted}, not a ${typeof value.value}`, 'write it in quotes');
  }
  return errorAt(value, `must be ${wanted}, not ${show(value)}`, hintFor(value, wanted) ?? hint);
}

function hintFor(value: Tree, wanted: string): string | undefined {
  if (value.kind !== 'scalar' || value.value === null) return undefined;
  if (wanted === WANTED.string) return `write it in quotes: ${JSON.stringify(value.source)}`;
  if (wanted === WANTED.boolean && /^(?:y|yes|on|true)$/i.test(value.source)) return 'write true, without quotes';
  if (wanted === WANTED.boolean && /^(?:n|no|off|false)$/i.test(value.source)) return 'write false, without quotes';
  if (wanted === WANTED.int32 && /^\d+$/.test(value.source)) {
    return typeof value.value === 'string' ? 'write it without quotes' : 'it is too large';
  }
  return undefined;
}
