import { errorAt } from '../../base/fault.ts';
import { child, childPath, type ScalarTree, type Tree } from '../tree.ts';
import { type Outcome, placeOf, placeOfField } from './outcome.ts';
import { isNull, textTree } from './scalars.ts';
import { nameOthers, wrongValue } from './wrong-value.ts';

/** Flags of v1beta3: a map as in the cluster file. */
export function argsOfMap(value: Tree, outcome: Outcome): Tree | undefined {
  if (value.kind !== 'map') {
    return wrongValue(value, 'map', outcome, 'v1beta3 has maps where v1beta4 has lists of {name, value}');
  }
  const args = new Map<string, Tree>();
  for (const [name, argument] of value.entries) {
    const text = argumentText(argument, argument, outcome);
    if (name === '') outcome.faults.push(errorAt(placeOfField(value, name, argument), 'the flag has no name'));
    else if (text) args.set(name, text);
  }
  return { kind: 'map', ...placeOf(value), entries: args, ...(value.keys && { keys: value.keys }) };
}

/** Flags of v1beta4: a list of `{name, value}`. A name that stands several times becomes one entry with a list. */
export function argsOfList(value: Tree, outcome: Outcome): Tree | undefined {
  if (value.kind !== 'list') {
    return wrongValue(value, 'list', outcome, 'v1beta4 has lists of {name, value} where v1beta3 has maps');
  }
  const args = new Map<string, Tree>();
  for (const item of value.items) {
    if (item.kind !== 'map') {
      wrongValue(item, 'map', outcome);
      continue;
    }
    nameOthers(item, ['name', 'value'], outcome);
    const name = child(item, 'name');
    const text = argumentText(child(item, 'value'), item, outcome);
    if (name?.kind !== 'scalar' || typeof name.value !== 'string' || name.value === '') {
      outcome.faults.push(errorAt(placeOf(name ?? item), 'the flag has no name; it must be a text'));
    } else if (text) {
      args.set(name.value, repeated(args.get(name.value), text, childPath(value.path, name.value)));
    }
  }
  return { kind: 'map', ...placeOf(value), entries: args };
}

function repeated(earlier: Tree | undefined, text: ScalarTree, path: string): Tree {
  if (!earlier) return text;
  const items = earlier.kind === 'list' ? earlier.items : [earlier];
  return { kind: 'list', path, origin: earlier.origin, items: [...items, text] };
}

/** Go's decoder makes '' of a value that is absent or null; everything else must be a text. */
function argumentText(value: Tree | undefined, owner: Tree, outcome: Outcome): ScalarTree | undefined {
  if (!value || isNull(value)) return textTree(value ?? owner, '');
  if (value.kind === 'scalar' && typeof value.value === 'string') return value;
  return wrongValue(value, 'text', outcome);
}
