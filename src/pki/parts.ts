import type { Pem, SecretPem } from '../base/pem.ts';
import type { SecretText } from '../base/secret.ts';
import type { Certificate } from './certificate.ts';
import type { AuthorityEntry, LeafEntry } from './inventory.ts';
import type { Authority, AuthorityPair, KeyPair, NodeLeaf, Pki } from './pki.ts';

/** A CA that has its certificate. */
export interface CertifiedAuthority {
  readonly entry: AuthorityEntry;
  readonly certificate: Certificate;
  readonly key: SecretPem | undefined;
  /** What the controller-manager signs with; undefined where that is this CA itself. */
  readonly signer: AuthorityPair | undefined;
  /** Everything that is trusted, this CA included. */
  readonly bundle: readonly Certificate[];
}

export interface LeafPair {
  readonly entry: LeafEntry;
  readonly pair: KeyPair;
}

/** A complete Pki in the order of its inventory. */
export interface PkiParts {
  readonly authorities: readonly CertifiedAuthority[];
  readonly serviceAccount: Pki['serviceAccount'];
  readonly leaves: readonly LeafPair[];
  /** Node name → the token that it shows to `bootstrap serve`. */
  readonly tokens: ReadonlyMap<string, SecretText>;
}

export function makePki({ authorities, serviceAccount, leaves, tokens }: PkiParts): Pki {
  const nodes = new Map<string, Map<NodeLeaf, KeyPair>>();
  let admin: KeyPair | undefined;
  let superAdmin: KeyPair | undefined;
  let serve: KeyPair | undefined;
  for (const { entry, pair } of leaves) {
    if (entry.use.kind === 'admin') admin = pair;
    else if (entry.use.kind === 'super-admin') superAdmin = pair;
    else if (entry.use.kind === 'serve') serve = pair;
    else {
      const { node, leaf } = entry.use;
      nodes.set(node, (nodes.get(node) ?? new Map<NodeLeaf, KeyPair>()).set(leaf, pair));
    }
  }
  if (!admin || !superAdmin) throw new Error('an inventory without administrators');
  return {
    authorities: new Map(authorities.map((authority) => [authority.entry.name, asAuthority(authority)])),
    serviceAccount,
    admin,
    superAdmin,
    nodes,
    serve: serve && { pair: serve, tokens },
  };
}

function asAuthority({ certificate, key, signer, bundle }: CertifiedAuthority): Authority {
  const pair = { certificate: certificate.pem, key };
  return { ...pair, signer: signer ?? pair, bundle: bundle.map(({ pem }) => pem).join('') as Pem };
}
