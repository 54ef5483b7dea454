import { createHash } from 'node:crypto';

/** What has to happen on the node once a file's content has changed there. */
export type FileEffect =
  /** Nothing: its readers reload it by themselves, or nobody keeps it in memory. */
  | { readonly kind: 'none' }
  /**
   * It is a static-pod manifest: the kubelet replaces that pod by itself. `pod` is its name, with the namespace before it
   * outside of kube-system: `etcd`, `default/static-web`.
   */
  | { readonly kind: 'manifest'; readonly pod: string }
  /**
   * These pods read it only at start; their manifests carry its digest, so the kubelet restarts them. With `kubelet`,
   * the kubelet itself reads it only at start as well.
   */
  | { readonly kind: 'pods'; readonly pods: readonly string[]; readonly kubelet?: true }
  /** The kubelet reads it only at start. */
  | { readonly kind: 'kubelet' }
  /** A systemd unit or drop-in of the kubelet: daemon-reload, then restart it. */
  | { readonly kind: 'kubelet-unit' };

export interface BundleFile {
  /** Absolute path on the node. */
  readonly path: string;
  readonly content: Buffer;
  /** Hex; only where the content is not here: a secret of a revision that the node alone has. `content` is empty then. */
  readonly sha256?: string;
  /** Permission bits, e.g. 0o600. */
  readonly mode: number;
  /** `user:group` by name. */
  readonly owner: string;
  /** Holds a private key, a token or the like: its content is never shown. */
  readonly sensitive: boolean;
  readonly effect: FileEffect;
}

export interface BundleDirectory {
  readonly path: string;
  readonly mode: number;
  readonly owner: string;
}

/** Everything that one node has to have on its disk. Paths are unique and sorted. */
export interface Bundle {
  readonly node: string;
  /** Directories whose mode matters; parents of files that are not listed are 0755. Sorted, parents first. */
  readonly directories: readonly BundleDirectory[];
  readonly files: readonly BundleFile[];
}

const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);

/** Sorts and freezes. The caller vouches that paths are unique. */
export function makeBundle(
  node: string,
  directories: readonly BundleDirectory[],
  files: readonly BundleFile[],
): Bundle {
  return Object.freeze({
    node,
    directories: Object.freeze([...directories].sort(byPath)),
    files: Object.freeze([...files].sort(byPath)),
  });
}

/** SHA-256 (hex) over path, mode, owner and content of every file: equal digests mean equal bundles. */
export function bundleDigest(bundle: Bundle): string {
  const hash = createHash('sha256');
  for (const file of bundle.files) {
    hash.update(`${file.path}\0${file.mode.toString(8)}\0${file.owner}\0${file.content.length}\0`).update(file.content);
  }
  return hash.digest('hex');
}
