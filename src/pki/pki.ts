import type { Pem, SecretPem } from '../base/pem.ts';

export type AuthorityName = 'kubernetes' | 'etcd' | 'front-proxy';

/** A CA: the one certificate that signs, its key where it is here, and everything that is trusted in its name. */
export interface Authority {
  readonly certificate: Pem;
  /** Undefined where the CA's key is kept elsewhere. */
  readonly key: SecretPem | undefined;
  /** The signing certificate first; during a rotation the other trusted ones after it. */
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
}
