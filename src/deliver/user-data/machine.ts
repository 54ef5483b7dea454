import type { Secret } from '../../base/secret.ts';
import { type Bundle, makeBundle } from '../../bundle/bundle.ts';

/** What the user-data of one machine is made from. */
export interface Machine {
  readonly bundle: Bundle;
  /** `bundleDigest` of the bundle. */
  readonly digest: string;
  /** What the machine has to be called; undefined where the kubelet is told its node's name by a flag. */
  readonly hostname: string | undefined;
  /** Where etcd keeps its data; undefined where none runs here. */
  readonly etcdDataDir: string | undefined;
}

/** How the secrets get to the machine. */
export type Secrets =
  /** With the user-data. */
  | { readonly kind: 'inline' }
  /** Later: the kubelet does not start before `apply` has brought them. */
  | { readonly kind: 'none' }
  /** The machine fetches everything, encrypted; its user-data holds from where, the digest and the key. */
  | { readonly kind: 'fetch'; readonly url: string; readonly sealed: Sealed };

/** Something encrypted, that may lie anywhere. */
export interface Sealed {
  readonly content: Buffer;
  /** Hex, of the content. */
  readonly sha256: string;
  readonly key: Secret;
}

/** Who is said to have brought a revision that came with user-data. The same everywhere, so that equal input gives equal bytes. */
export const BY = 'user-data';

/**
 * What may come before the secrets do: all that others may know and that makes nothing run. Manifests are left out, since a
 * kubelet that somebody starts would run them without their keys.
 */
export function withoutSecrets({ node, directories, files }: Bundle): Bundle {
  return makeBundle(
    node,
    directories,
    files.filter(({ sensitive, effect }) => !sensitive && effect.kind !== 'manifest'),
  );
}
