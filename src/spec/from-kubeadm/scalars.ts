import type { Located } from '../../base/fault.ts';
import type { ScalarTree, Tree } from '../tree.ts';
import { placeOf } from './outcome.ts';

/** A boolean as kubeadm reads it: its YAML 1.1 takes `yes`, `no`, `on` and `off` as well. */
export function readBoolean(value: Tree): boolean | undefined {
  if (value.kind !== 'scalar') return undefined;
  if (typeof value.value === 'boolean') return value.value;
  if (/^(y|Y|yes|Yes|YES|on|On|ON)$/.test(value.source)) return true;
  return /^(n|N|no|No|NO|off|Off|OFF)$/.test(value.source) ? false : undefined;
}

export function isNull(value: Tree): boolean {
  return value.kind === 'scalar' && value.value === null;
}

export function isText(value: Tree): boolean {
  return value.kind === 'scalar' && typeof value.value === 'string';
}

export function booleanTree(at: Located, value: boolean): ScalarTree {
  return { kind: 'scalar', ...placeOf(at), value, source: String(value) };
}

export function textTree(at: Located, value: string): ScalarTree {
  return { kind: 'scalar', ...placeOf(at), value, source: value };
}

/** The same text in lower-case letters; anything else as it is. */
export function lowerCase(value: Tree): Tree {
  return value.kind === 'scalar' && typeof value.value === 'string'
    ? textTree(value, value.value.toLowerCase())
    : value;
}
