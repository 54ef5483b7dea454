import type { Pem, SecretPem } from '../base/pem.ts';
import type { SecretText } from '../base/secret.ts';

export type AuthorityName = 'kubernetes' | 'etcd' | 'front-proxy';

/** The certificate of a CA, and its key; that is undefined where it is kept elsewhere. */
export interface AuthorityPair {
  readonly certificate: Pem;
  readonly key: SecretPem | undefined;
}

/** A CA: the one that issues this cluster's certificates, and everything that is trusted in its name. */
export interface Authority extends AuthorityPair {
  /** What the controller-manager signs with: the same, but for one phase of a rotation. */
  readonly signer: AuthorityPair;
  /** All that is trusted, in an order that stays the same through a rotation: another one would restart processes. */
  readonly bundle: Pem;
}

export interface KeyPair {
  readonly certificate: Pem;
  readonly key: SecretPem;
}

/** Certificates and keys of one node, by use. The etcd ones are absent where etcd runs elsewhere. */
export type NodeLeaf =
  | 'apiserver'
  | 'apiserver-kubelet-client'
  | 'front-proxy-client'
  | 'apiserver-etcd-client'
  | 'etcd/server'
  | 'etcd/peer'
  | 'etcd/healthcheck-client'
  | 'admin'
  | 'controller-manager'
  | 'scheduler'
  | 'kubelet';

/** Certificates and keys of the whole cluster. Immutable once made. */
export interface Pki {
  readonly authorities: ReadonlyMap<AuthorityName, Authority>;
  readonly serviceAccount: {
    readonly key: SecretPem;
    /** One or more PUBLIC KEY blocks: all keys whose tokens are accepted. */
    readonly publicKeys: Pem;
  };
  /** The identities in the cluster directory's own `admin.conf` and `super-admin.conf`. */
  readonly admin: KeyPair;
  readonly superAdmin: KeyPair;
  /** Node name → leaf → pair. */
  readonly nodes: ReadonlyMap<string, ReadonlyMap<NodeLeaf, KeyPair>>;
  /** What kubelets get static pods from by URL; undefined where none does. */
  readonly serve: ServePki | undefined;
}

/** How `bootstrap serve` and the nodes know each other. */
interface ServePki {
  /** The server's own certificate, from the CA `kubernetes`. */
  readonly pair: KeyPair;
  /** Node name → the token that it shows: all nodes, whatever their role. */
  readonly tokens: ReadonlyMap<string, SecretText>;
}
