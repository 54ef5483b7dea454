import { FORMATS } from '../../spec/formats.ts';
import { isAddress } from '../../spec/names.ts';
import type { NewNode } from './new-cluster.ts';

/** What is wrong with the name of one more node; undefined where nothing is. */
export function nodeNameFault(name: string, nodes: readonly NewNode[]): string | undefined {
  if (isAddress(name)) return `"${name}" is an IP address, not the name of a node`;
  const taken = nodes.some((node) => node.name === name);
  return FORMATS['node-name']?.(name) ?? (taken ? `there is a node "${name}" already` : undefined);
}

/** What is wrong with the address of one more node. */
export function addressFault(address: string, nodes: readonly NewNode[]): string | undefined {
  const owner = nodes.find((node) => node.addresses.includes(address));
  return FORMATS['ip']?.(address) ?? (owner && `"${address}" is the address of ${owner.name} already`);
}
