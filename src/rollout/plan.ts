import type { FileEffect } from '../bundle/bundle.ts';

/**
 * How the nodes are brought to what is wanted.
 * - `first-boot`: no etcd of this cluster has ever run: all nodes together.
 * - `cold-start`: etcd has data, but no member answers anywhere: there is no quorum to lose, all nodes together.
 * - `rolling`: one node at a time.
 */
export type Mode = 'first-boot' | 'cold-start' | 'rolling';

/** What `apply` would do. */
export interface Plan {
  readonly cluster: string;
  readonly mode: Mode;
  /** In the order in which they are worked on; nodes without changes are there too. */
  readonly nodes: readonly NodePlan[];
  readonly quorum: {
    /** etcd members that run on the nodes of the plan; 0 with an external etcd. */
    readonly members: number;
    /** Members that must be up for writes. */
    readonly needed: number;
    /** Healthy members before, and the fewest while it is carried out. */
    readonly before: number;
    readonly during: number;
  };
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
  readonly changes: readonly FileChange[];
  readonly drift: readonly Drift[];
  /** Paths of files in the manifests directory that are nobody's: the kubelet runs them. */
  readonly strays: readonly string[];
  readonly kubelet: KubeletAction;
  /** Why the kubelet is restarted or started; empty where it is not. */
  readonly kubeletWhy: readonly string[];
  /** Pods that the kubelet makes, replaces or ends. */
  readonly pods: readonly PodChange[];
  /** A revision that was put in place and never confirmed, or was interrupted. */
  readonly unfinished: { readonly revision: number; readonly state: string } | undefined;
}

/** `reload`: daemon-reload and restart; `start`: daemon-reload, enable and start. */
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
  /** Unified diff of the contents, for files that are no secrets and no certificates. */
  readonly diff: string | undefined;
  /** What the certificate in the file says, before and after. */
  readonly certificate: { readonly before?: CertificateFacts; readonly after?: CertificateFacts } | undefined;
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
