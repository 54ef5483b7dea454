import { BootstrapError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { Inventory, LeafEntry } from './inventory.ts';

/** What a certificate is called: on every node the same, `apiserver` or `etcd/server`; and `admin`, `super-admin`, `serve`. */
export function leafName({ use }: LeafEntry): string {
  return use.kind === 'node' ? use.leaf : use.kind;
}

/** The node that has it; undefined for those of the cluster directory itself. */
export function leafNode({ use }: LeafEntry): string | undefined {
  return use.kind === 'node' ? use.node : undefined;
}

/**
 * The certificates that are meant, in the order of the inventory.
 * @param names as `certs list` shows them, on all nodes; or one alone: `cp1/apiserver`, `pki/nodes/cp1/apiserver.crt`. All where there is none
 * @param nodes only those of these nodes; of all, and those of the cluster directory itself, where it is undefined
 * @throws BootstrapError `usage` where there is none of such a name, with the nearest one
 */
export function selectLeaves(
  { leaves, authorities }: Inventory,
  names: readonly string[],
  nodes?: ReadonlySet<string>,
): readonly LeafEntry[] {
  const inNodes = (entry: LeafEntry) => {
    const node = leafNode(entry);
    return nodes === undefined || (node !== undefined && nodes.has(node));
  };
  const chosen = new Set<LeafEntry>();
  for (const given of names) {
    const name = given.replace(/^(\.\/)?pki\//, '').replace(/\.(crt|key)$/, '');
    const meant = leaves.filter((entry) => namesOf(entry).includes(name));
    if (!meant.length) throw unknown(given, name, leaves, authorities);
    const there = meant.filter(inNodes);
    if (!there.length) {
      throw new BootstrapError('usage', `${given} is no certificate of ${[...(nodes ?? [])].join(', ')}`, {
        hint: meant.every((entry) => leafNode(entry) === undefined)
          ? 'it is one of the cluster directory: leave --node out'
          : `it is one of ${meant.map(leafNode).join(', ')}`,
      });
    }
    for (const entry of there) chosen.add(entry);
  }
  return leaves.filter((entry) => (names.length ? chosen.has(entry) : inNodes(entry)));
}

function namesOf(entry: LeafEntry): readonly string[] {
  return [leafName(entry), entry.path, entry.path.replace(/^nodes\//, '')];
}

function unknown(
  given: string,
  name: string,
  leaves: Inventory['leaves'],
  authorities: Inventory['authorities'],
): BootstrapError {
  const ca = authorities.find((entry) => entry.name === name || entry.path === name);
  if (ca) {
    return new BootstrapError('usage', `${given} is a CA: those are not renewed`, {
      hint: `\`bootstrap certs rotate-ca ${ca.name}\` replaces it`,
    });
  }
  if (name === 'sa' || name === 'service-account') {
    return new BootstrapError('usage', `${given} is a key without a certificate`, {
      hint: '`bootstrap certs rotate-sa-key` replaces it',
    });
  }
  const all = [...new Set(leaves.map(leafName))];
  return new BootstrapError('usage', `there is no certificate ${JSON.stringify(given)}`, {
    hint: didYouMean(name, [...new Set(leaves.flatMap(namesOf))]) ?? `certificates: ${all.join(', ')}`,
  });
}
