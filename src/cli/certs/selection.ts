import { BootstrapError } from '../../base/errors.ts';
import type { Inventory, LeafEntry } from '../../pki/inventory.ts';
import { leafName, leafNode, selectLeaves } from '../../pki/select.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { count, parseTime } from '../format.ts';
import { chosenNodes } from '../nodes.ts';

/** The certificates that names and `--node` choose. @throws BootstrapError `usage` where there are none of such a name */
export function chosenLeaves(
  cluster: Cluster,
  inventory: Inventory,
  names: readonly string[],
  nodes: readonly string[] | undefined,
): readonly LeafEntry[] {
  return selectLeaves(inventory, names, nodes?.length ? chosenNodes(cluster, nodes) : undefined);
}

/**
 * The time of `--expires-within` in milliseconds.
 * @throws BootstrapError `usage` where even a new certificate would end within it
 */
export function expiresWithin(text: string | undefined, { certValidity }: Inventory): number | undefined {
  if (text === undefined) return undefined;
  const within = parseTime('--expires-within', text);
  if (within < certValidity) return within;
  throw new BootstrapError('usage', `--expires-within ${text}: certificates are not valid for longer than that`, {
    hint: `every run would issue all of them again; spec.pki.certValidity is ${certValidity / 3_600_000}h`,
  });
}

/** Certificates by name, a line for all nodes that have the same ones: `cp1, cp2: apiserver, etcd/server`. */
export function leafLines(entries: readonly LeafEntry[]): readonly string[] {
  const byNode = new Map<string, string[]>();
  for (const entry of entries) {
    const node = leafNode(entry) ?? '';
    byNode.set(node, [...(byNode.get(node) ?? []), leafName(entry)]);
  }
  const byNames = new Map<string, string[]>();
  for (const [node, names] of byNode) {
    const text = names.join(', ');
    byNames.set(text, [...(byNames.get(text) ?? []), node || 'here']);
  }
  return [...byNames].map(([names, nodes]) => `${nodes.join(', ')}: ${names}`);
}

/** `3 certificates`. */
export const certificates = (n: number): string => count(n, 'certificate');
