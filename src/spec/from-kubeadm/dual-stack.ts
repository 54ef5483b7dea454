import { familyOf } from '../cidr.ts';
import { isAddress } from '../names.ts';
import { asText } from '../read-tree.ts';
import { at, type Tree } from '../tree.ts';
import { sameAddress } from './compare.ts';
import type { Setting } from './node-sources.ts';
import { textTree } from './scalars.ts';

export interface DualStack {
  readonly addresses: readonly Tree[];
  /** The settings without the flag. */
  readonly settings: readonly Setting[];
}

/**
 * The kubelet's `node-ip` flag with an address of each family is how kubeadm is told of dual stack; in the cluster file
 * the node's second address says so, and the flag is rendered from both.
 * @returns undefined where there is no such flag, or where it does not begin with the advertise address
 */
export function dualStackOf(address: Tree, settings: readonly Setting[]): DualStack | undefined {
  const args = settings.find(({ block }) => block === 'kubelet.extraArgs');
  const flag = at(args?.tree, ['node-ip']);
  const [first = '', second = '', ...others] = (asText(flag) ?? '').split(',').map((part) => part.trim());
  if (args?.tree.kind !== 'map' || !flag || others.length || !isAddress(first) || !isAddress(second)) return undefined;
  if (familyOf(first) === familyOf(second) || !sameAddress(first, asText(address))) return undefined;
  const entries = new Map(args.tree.entries);
  entries.delete('node-ip');
  const tree = { ...args.tree, entries };
  const rest = settings.flatMap((setting) => (setting !== args ? [setting] : entries.size ? [{ ...args, tree }] : []));
  return { addresses: [address, textTree(flag, second)], settings: rest };
}
