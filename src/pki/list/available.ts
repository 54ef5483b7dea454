import { type Pem, SecretPem } from '../../base/pem.ts';
import { SecretText } from '../../base/secret.ts';
import type { Inventory, LeafEntry } from '../inventory.ts';
import type { Authority, KeyPair, NodeLeaf, Pki } from '../pki.ts';
import type { PkiStore } from '../store.ts';
import { SERVICE_ACCOUNT } from '../stored.ts';
import { readToken } from '../tokens.ts';

/**
 * The PKI as far as it is there, for looking at masters and for nothing else: what is missing is empty, and whether
 * things fit together is not asked.
 */
export function availablePki(inventory: Inventory, store: PkiStore): Pki {
  const open = (path: string) => (store.read(path)?.text ?? '') as Pem;
  const secret = (path: string) => new SecretPem(store.read(path)?.text ?? '');
  const pair = ({ path }: Pick<LeafEntry, 'path'>): KeyPair => ({
    certificate: open(`${path}.crt`),
    key: secret(`${path}.key`),
  });
  const serve = inventory.leaves.find(({ use }) => use.kind === 'serve');
  const token = (path: string) => readToken(store.read(path)?.text ?? '') ?? new SecretText('');
  const ofKind = (kind: 'admin' | 'super-admin') =>
    pair(inventory.leaves.find(({ use }) => use.kind === kind) ?? { path: kind });
  const nodes = new Map<string, Map<NodeLeaf, KeyPair>>();
  for (const entry of inventory.leaves) {
    const { use } = entry;
    if (use.kind !== 'node') continue;
    nodes.set(use.node, (nodes.get(use.node) ?? new Map<NodeLeaf, KeyPair>()).set(use.leaf, pair(entry)));
  }
  const authorities = inventory.authorities.map(({ name, path }): readonly [typeof name, Authority] => {
    const withKey = (file: string) => ({
      certificate: open(`${file}.crt`),
      key: store.read(`${file}.key`) ? secret(`${file}.key`) : undefined,
    });
    const own = withKey(path);
    const signer = store.read(`${path}-signer.crt`) ? withKey(`${path}-signer`) : own;
    return [name, { ...own, signer, bundle: open(`${path}-bundle.crt`) || own.certificate }];
  });
  return {
    authorities: new Map(authorities),
    serviceAccount: { key: secret(SERVICE_ACCOUNT.key), publicKeys: open(SERVICE_ACCOUNT.publicKeys) },
    admin: ofKind('admin'),
    superAdmin: ofKind('super-admin'),
    nodes,
    serve: serve && {
      pair: pair(serve),
      tokens: new Map(inventory.tokens.map(({ node, path }) => [node, token(path)])),
    },
  };
}
