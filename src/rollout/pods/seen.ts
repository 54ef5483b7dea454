import type { MirrorPod } from '../probe/mirror-pod.ts';
import type { RuntimePods } from '../runtime-pods.ts';

/** All that was looked at for the user's pods, once. Whatever could not be seen is said to be so; nothing is an exception. */
export interface PodsSeen {
  /** Those that were asked for, in the order of the cluster file. */
  readonly nodes: readonly NodeSeen[];
  readonly mirrors: MirrorsSeen;
  /** What this cluster directory has for its server, node by node: pod → digest; undefined where nothing was published. */
  readonly published: ReadonlyMap<string, ReadonlyMap<string, string>> | undefined;
}

export interface NodeSeen {
  readonly node: string;
  readonly contact: 'reached' | Unreached;
  /** Of the kubelet's unit, as in {@link NodeFacts}. */
  readonly kubelet: string;
  /** Number of the revision that was applied last. */
  readonly revision: number | undefined;
  /** A revision is being put in place, or is not confirmed yet. */
  readonly isChanging: boolean;
  /** What that revision consists of: path → SHA-256. */
  readonly index: ReadonlyMap<string, string>;
  /** What lies on the node now of that, and of what the cluster file wants: path → SHA-256. */
  readonly files: ReadonlyMap<string, string>;
  /** What the kubelet would run, in the order in which it reads them. */
  readonly manifests: readonly ManifestSeen[];
  /** Undefined where it could not be asked. */
  readonly runtime: RuntimePods | undefined;
  /** What the kubelet has logged last of a pod that does not run: its name, e.g. `default/web-cp1` → one line. */
  readonly kubeletSays: ReadonlyMap<string, string>;
  /** The last thing that a pod's container has written, of those that do not run. */
  readonly podSays: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch. */
  readonly clock: number;
}

interface Unreached {
  readonly why: string;
  readonly hint: string | undefined;
}

export interface ManifestSeen {
  readonly path: string;
  /** The pod that it declares, e.g. `default/static-web`; undefined where it cannot be read as one. */
  readonly pod: string | undefined;
  /** The digest of ours that it carries. */
  readonly digest: string | undefined;
  readonly containers: readonly string[];
}

export type MirrorsSeen =
  /** The cluster has no masters. */
  | { readonly kind: 'none' }
  | { readonly kind: 'silent'; readonly why: string }
  /** By the pod's name with its node's behind it, e.g. `default/web-cp1`. */
  | { readonly kind: 'seen'; readonly pods: ReadonlyMap<string, MirrorSeen>; readonly namespaces: ReadonlySet<string> };

export interface MirrorSeen extends MirrorPod {
  readonly labels: Readonly<Record<string, string>>;
}

/** What is known of a node that cannot be looked at. */
export function unreachedNode(node: string, why: string, hint: string | undefined): NodeSeen {
  return {
    node,
    contact: { why, hint },
    kubelet: 'unknown',
    revision: undefined,
    isChanging: false,
    index: new Map(),
    files: new Map(),
    manifests: [],
    runtime: undefined,
    kubeletSays: new Map(),
    podSays: new Map(),
    clock: 0,
  };
}
