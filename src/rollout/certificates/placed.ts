import { type Pem, SecretPem } from '../../base/pem.ts';
import { SecretText } from '../../base/secret.ts';
import type { BundleFile } from '../../bundle/bundle.ts';
import type { Inventory } from '../../pki/inventory.ts';
import type { Authority, KeyPair, NodeLeaf, Pki } from '../../pki/pki.ts';
import type { RenderContext } from '../../render/context.ts';
import { renderCluster } from '../../render/render.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Cluster } from '../../spec/cluster.ts';

/** A file of a node in which something of the PKI lies. */
export type PlacedFile = Pick<BundleFile, 'path' | 'effect' | 'sensitive'>;

/** Where a thing lies on a node, by node, then by what it is (`leafPlace`, `authorityPlace`, `SERVICE_ACCOUNT_PLACE`). */
export type Placement = ReadonlyMap<string, ReadonlyMap<string, readonly PlacedFile[]>>;

export const leafPlace = (name: string): string => `leaf ${name}`;
/** @param part the file that signs, or those that say what is trusted */
export const authorityPlace = (name: string, part: 'signer' | 'bundle'): string => `${part} ${name}`;
export const SERVICE_ACCOUNT_PLACE = 'service-account';

/**
 * Which files of each node hold what of the PKI, and what follows from a change there: read off the bundles, rendered
 * with a mark in the place of each certificate and key. So it needs no certificate to be there.
 * @param signs whether the key of the cluster CA is in the cluster directory
 * @throws BootstrapError `cluster-file` where the cluster cannot be rendered
 */
export function placementOf(cluster: Cluster, inventory: Inventory, context: RenderContext, signs: boolean): Placement {
  const places = new Map(allNodes(cluster).map(({ name }) => [name, new Map<string, PlacedFile[]>()]));
  const marks = new Map<string, string>();
  const mark = (what: string, part: string): string => {
    // as long as no other begins with it, and in base64 without a rest: kubeconfigs hold it so
    const text = `{${what} ${part}}`.padEnd(Math.ceil((what.length + part.length + 3) / 3) * 3, '}');
    marks.set(text, what);
    marks.set(Buffer.from(text).toString('base64'), what);
    return text;
  };
  const { bundles } = renderCluster(cluster, markedPki(inventory, mark, signs), context);
  for (const { node, files } of bundles) {
    const own = places.get(node);
    for (const { path, effect, sensitive, content } of files) {
      const text = content.toString('latin1');
      const held = new Set([...marks].filter(([each]) => text.includes(each)).map(([, what]) => what));
      for (const what of held) own?.set(what, [...(own.get(what) ?? []), { path, effect, sensitive }]);
    }
  }
  return places;
}

/** A leaf's mark names no node: where it lies there is the question, and each node has its own bundle. */
function markedPki(inventory: Inventory, mark: (what: string, part: string) => string, signs: boolean): Pki {
  const pair = (what: string): KeyPair => ({
    certificate: mark(what, 'certificate') as Pem,
    key: new SecretPem(mark(what, 'key')),
  });
  const nodes = new Map<string, Map<NodeLeaf, KeyPair>>();
  for (const { use } of inventory.leaves) {
    if (use.kind !== 'node') continue;
    const leaves = nodes.get(use.node) ?? new Map<NodeLeaf, KeyPair>();
    nodes.set(use.node, leaves.set(use.leaf, pair(leafPlace(use.leaf))));
  }
  const authorities = inventory.authorities.map(({ name }): readonly [typeof name, Authority] => {
    const own = pair(authorityPlace(name, 'signer'));
    const key = signs || name !== 'kubernetes' ? own.key : undefined;
    const bundle = mark(authorityPlace(name, 'bundle'), 'certificates') as Pem;
    return [name, { certificate: own.certificate, key, signer: { certificate: own.certificate, key }, bundle }];
  });
  const { key, certificate } = pair(SERVICE_ACCOUNT_PLACE);
  return {
    authorities: new Map(authorities),
    serviceAccount: { key, publicKeys: certificate },
    admin: pair('admin of the directory'),
    superAdmin: pair('super-admin of the directory'),
    nodes,
    serve: inventory.tokens.length
      ? {
          pair: pair('serve of the directory'),
          tokens: new Map(inventory.tokens.map(({ node }) => [node, new SecretText('token')])),
        }
      : undefined,
  };
}
