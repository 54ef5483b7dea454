import { errorAt } from '../../base/fault.ts';
import type { MapTree, Tree } from '../tree.ts';
import { type Outcome, placeOf, placeOfField } from './outcome.ts';

const WORDS = {
  text: 'a text',
  duration: 'a duration such as "4m"',
  integer: 'a whole number',
  boolean: 'true or false',
  map: 'a map',
  list: 'a list',
} as const;

/** Notes that a value is of the wrong type. It is not shown itself: values of flags and variables may be secrets. */
export function wrongValue(value: Tree, wanted: keyof typeof WORDS, outcome: Outcome, hint?: string): undefined {
  const scalar = value.kind === 'scalar' ? value.value : undefined;
  const got = value.kind !== 'scalar' ? `a ${value.kind}` : scalar === null ? 'empty' : `a ${typeof scalar}`;
  const quotes = wanted === 'text' && (typeof scalar === 'number' || typeof scalar === 'boolean');
  const message = `must be ${WORDS[wanted]}, not ${got.replace('string', 'text')}`;
  outcome.faults.push(errorAt(placeOf(value), message, hint ?? (quotes ? 'write it in quotes' : undefined)));
  return undefined;
}

/** Names the fields of a list's entry that are not among the known ones. */
export function nameOthers(item: MapTree, known: readonly string[], outcome: Outcome): void {
  for (const [key, value] of item.entries) {
    if (known.includes(key)) continue;
    outcome.notCarried.push({ at: placeOfField(item, key, value), why: `is not one of ${known.join(', ')}` });
  }
}
