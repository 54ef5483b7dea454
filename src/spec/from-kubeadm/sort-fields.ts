import type { Located } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { parseDuration } from '../duration.ts';
import { childPath, type MapTree, type Tree } from '../tree.ts';
import { convertValue, isEmpty } from './convert-value.ts';
import { type ApiVersion, type Field, fieldsOf, KINDS, type Kind } from './fields.ts';
import { type Outcome, placeOfField } from './outcome.ts';
import type { KubeadmDocument } from './read-documents.ts';
import { isNull, readBoolean } from './scalars.ts';
import { wrongValue } from './wrong-value.ts';

/** A value that has a place in the cluster file, in the shape that the cluster file wants. */
export interface FieldValue {
  readonly tree: Tree;
  readonly at: Located;
  readonly to: string;
}

/**
 * Goes through every field of a document: what is not carried over, asks for nothing, is unknown or of the wrong type
 * goes into `outcome`.
 * @returns the rest by their paths, for the caller to put in place
 */
export function sortFields({ kind, version, tree }: KubeadmDocument, outcome: Outcome): Map<string, FieldValue> {
  const fields = fieldsOf(kind, version);
  const values = new Map<string, FieldValue>();
  const visit = (map: MapTree, prefix: string): void => {
    for (const [key, value] of map.entries) {
      const path = childPath(prefix, key);
      if (prefix === '' && (key === 'apiVersion' || key === 'kind')) continue;
      const at = placeOfField(map, key, value);
      const field = fields.get(path);
      if (field) {
        sortField(field, value, at, { path, version, values, outcome });
      } else if (!isStruct(fields, path)) {
        outcome.notCarried.push({
          at,
          why: `is not a field of ${kind} ${version}${unknownHint(kind, version, prefix, key)}`,
        });
      } else if (value.kind === 'map') {
        visit(value, path);
      } else if (!isNull(value)) {
        wrongValue(value, 'map', outcome);
      }
    }
  };
  visit(tree, '');
  return values;
}

interface Context {
  readonly path: string;
  readonly version: ApiVersion;
  readonly values: Map<string, FieldValue>;
  readonly outcome: Outcome;
}

function sortField(field: Field, value: Tree, at: Located, { path, version, values, outcome }: Context): void {
  if (isNull(value)) return;
  if (isEmpty(value, field.type) || isSame(value, field.same)) {
    outcome.carried.push({ at, to: undefined });
    return;
  }
  const tree = convertValue(value, field.type, version, outcome);
  if (!tree) return;
  if ('to' in field) values.set(path, { tree, at, to: field.to });
  else outcome.notCarried.push({ at, why: field.why });
}

function isSame(value: Tree, same: Field['same']): boolean {
  if (value.kind !== 'scalar' || same === undefined) return false;
  if (typeof same === 'boolean') return readBoolean(value) === same;
  if (value.value === same) return true;
  const duration = parseDuration(String(same));
  return duration !== undefined && typeof value.value === 'string' && parseDuration(value.value) === duration;
}

function isStruct(fields: ReadonlyMap<string, Field>, path: string): boolean {
  return [...fields.keys()].some((known) => known.startsWith(`${path}.`));
}

/** Where a field that is not known there may belong: another version, another kind, another name. */
function unknownHint(kind: Kind, version: ApiVersion, parent: string, key: string): string {
  const other: ApiVersion = version === 'v1beta3' ? 'v1beta4' : 'v1beta3';
  if (namesIn(kind, other, parent).has(key)) return `, only of ${other}`;
  const owner = KINDS.find((name) => (name !== kind || parent !== '') && namesIn(name, version, '').has(key));
  if (owner) return `; it is one of ${owner}`;
  const meant = didYouMean(key, namesIn(kind, version, parent));
  return meant ? `; ${meant}` : '';
}

/** The names of the fields right below a path. */
function namesIn(kind: Kind, version: ApiVersion, parent: string): ReadonlySet<string> {
  const prefix = parent ? `${parent}.` : '';
  const below = [...fieldsOf(kind, version).keys()].filter((path) => path.startsWith(prefix));
  return new Set(below.map((path) => path.slice(prefix.length).split('.')[0] ?? ''));
}
