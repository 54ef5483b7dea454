import type { FileEffect } from '../bundle/bundle.ts';
import type { ServedChange } from '../deliver/serve/publish.ts';
import type { Expired } from './plan/expired.ts';

/**
 * How the nodes are brought to what is wanted.
 * - `first-boot`: no etcd of this cluster has ever run: all nodes together.
 * - `cold-start`: etcd has data, but no member answers anywhere: there is no quorum to lose, all nodes together.
 * - `renewal`: certificates that etcd's members show each other have expired, so that a quorum cannot be relied on, nor
 *   be seen: new ones are put in place on all nodes together, and no pod is touched.
 * - `rolling`: one node at a time.
 */
export type Mode = 'first-boot' | 'cold-start' | 'renewal' | 'rolling';

/** What `apply` would do. Mode, quorum, leader and order are the masters' alone. */
export interface Plan {
  readonly cluster: string;
  readonly mode: Mode;
  /** In the order in which they are worked on; nodes without changes are there too. */
  readonly nodes: readonly NodePlan[];
  /** Hosts without a control plane, in the order in which they are worked on after the masters. */
  readonly plainNodes: readonly NodePlan[];
  readonly quorum: {
    /** etcd members that run on the nodes of the plan; 0 with an external etcd. */
    readonly members: number;
    /** Members that must be up for writes. */
    readonly needed: number;
    /** Healthy members before, and the fewest while it is carried out. */
    readonly before: number;
    readonly during: number;
  };
  /** The node whose etcd member leads: it is worked on last. */
  readonly leader: string | undefined;
  /** Nodes that are worked on first, because something is wrong there: what, in words. */
  readonly unwell: ReadonlyMap<string, string>;
  /** Nodes on which certificates have expired, whatever the mode. */
  readonly expired: ReadonlyMap<string, Expired>;
  /** What would change in the lists of pods that kubelets poll. */
  readonly served: readonly ServedChange[];
  /** API objects that would be created or changed; undefined where no API answers yet: all of them come after first boot. */
  readonly objects: readonly ObjectChange[] | undefined;
}

export interface NodePlan {
  readonly node: string;
  /** `bundleDigest` of what is wanted. */
  readonly digest: string;
  /** SHA-256 over what was seen of the node's files, revisions and transaction: another one means the node has moved. */
  readonly observed: string;
  readonly currentRevision: number | undefined;
  /** That revision consists of exactly what is wanted. Where not, one is written even if no file changes. */
  readonly recorded: boolean;
  readonly changes: readonly FileChange[];
  readonly drift: readonly Drift[];
  /** Paths of files in the manifests directory that are nobody's: the kubelet runs them. */
  readonly strays: readonly string[];
  /** Those of them that declare a pod of ours as well: the kubelet runs only one of the two. */
  readonly clashes: readonly Clash[];
  readonly kubelet: KubeletAction;
  /** Why the kubelet is restarted or started; empty where it is not. */
  readonly kubeletWhy: readonly string[];
  /** The kubelet also gives up the client certificate that it got by itself, and logs in with the delivered one. */
  readonly givesUpIdentity: boolean;
  /** Pods that the kubelet makes, replaces or ends. */
  readonly pods: readonly PodChange[];
  /** A revision that was put in place and never confirmed, or was interrupted. */
  readonly unfinished: { readonly revision: number; readonly state: string } | undefined;
}

/** A file that declares the same pod as one of ours. */
export interface Clash {
  readonly path: string;
  readonly pod: string;
  readonly ours: string;
  /** Of two files with the same pod the kubelet runs the one that sorts last (measured, kubelet-static-pods.md). */
  readonly wins: boolean;
}

/** `reload`: daemon-reload and restart; `start`: daemon-reload, enable and start, or restart where it runs already. */
export type KubeletAction = 'none' | 'restart' | 'reload' | 'start';

export interface PodChange {
  readonly pod: string;
  readonly kind: 'start' | 'restart' | 'stop';
  readonly why: readonly string[];
}

export interface FileState {
  readonly sha256: string;
  readonly mode: number;
  readonly owner: string;
}

export interface FileChange {
  readonly kind: 'create' | 'change' | 'remove';
  readonly path: string;
  readonly effect: FileEffect;
  readonly sensitive: boolean;
  readonly before: FileState | undefined;
  readonly after: FileState | undefined;
  /** The content differs, not only mode or owner. */
  readonly rewritten: boolean;
  /**
   * Unified diff of the contents, for files that are no secrets and no certificates. The digests that a manifest carries
   * are shown as `…`: a person learns nothing from them, and they differ from node to node.
   */
  readonly diff: string | undefined;
  /** What the certificates in the file say, before and after; those of a bundle in their order. */
  readonly certificates:
    | { readonly before: readonly CertificateFacts[]; readonly after: readonly CertificateFacts[] }
    | undefined;
}

export interface CertificateFacts {
  readonly subject: string;
  readonly sans: readonly string[];
  readonly issuer: string;
  /** ISO 8601. */
  readonly notAfter: string;
  readonly daysLeft: number;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
}

/** A file that is not as the last revision left it. */
export interface Drift {
  readonly path: string;
  readonly what: 'changed' | 'missing' | 'mode' | 'owner';
  /** In words, e.g. `mode 0644 instead of 0600`. */
  readonly detail: string;
}

export interface ObjectChange {
  readonly kind: 'create' | 'change';
  /** E.g. `ConfigMap kube-system/kubeadm-config`. */
  readonly object: string;
  /** Fields that differ, as dotted paths; never values of Secrets. */
  readonly fields: readonly string[];
}
