import ipaddr from 'ipaddr.js';
import { isAddress } from '../names.ts';
import { type Tree, toJson } from '../tree.ts';

/** Whether two texts are the same address: `fd00::1` and `fd00:0::1` are. */
export function sameAddress(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return (
    a === b ||
    (isAddress(a) && isAddress(b) && ipaddr.parse(a).toNormalizedString() === ipaddr.parse(b).toNormalizedString())
  );
}

/** Whether two trees hold the same value, wherever they were written. */
export function sameValue(a: Tree, b: Tree): boolean {
  return JSON.stringify(toJson(a)) === JSON.stringify(toJson(b));
}
