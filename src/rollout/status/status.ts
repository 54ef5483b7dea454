import type { NodeComponent } from './observe.ts';
import type { Verdict } from './verdict.ts';

/** What `status` shows. Everything is in it as data: text and JSON only say it. */
export interface Status {
  readonly cluster: {
    readonly name: string;
    readonly kubernetesVersion: string;
    readonly endpoint: string | undefined;
    readonly etcd: 'local' | 'external' | 'none';
  };
  /** False where no node that was reached has ever had anything applied to it. */
  readonly applied: boolean;
  readonly nodes: readonly NodeStatus[];
  /** Undefined with an external etcd. */
  readonly etcd: EtcdStatus | undefined;
  /** Soonest end first. */
  readonly certificates: readonly CertificateStatus[];
  /** Worst first; empty where all is well. */
  readonly problems: readonly Problem[];
}

export interface ComponentStatus extends Verdict {
  readonly component: NodeComponent;
  /** Of its container; undefined where that is not known. */
  readonly restarts: number | undefined;
}

export interface NodeStatus {
  readonly node: string;
  readonly role: 'master' | 'node';
  /** Why it could not be reached. */
  readonly unreachable: string | undefined;
  readonly components: readonly ComponentStatus[];
  readonly revision: RevisionStatus;
  readonly drift: readonly { readonly path: string; readonly detail: string }[];
  readonly strays: readonly string[];
  readonly clock: ClockSkew | undefined;
  readonly disk: { readonly freeBytes: number; readonly writable: boolean } | undefined;
  /** Who works on it just now, or has left the lock behind. */
  readonly lock:
    | { readonly who: string; readonly since: string; readonly secondsLeft: number; readonly live: boolean }
    | undefined;
  readonly kubeletVersion: string | undefined;
}

export interface RevisionStatus {
  /** The one committed last; undefined where there is none, or the node was not reached. */
  readonly current: number | undefined;
  readonly at: string | undefined;
  readonly by: string | undefined;
  /** It is what the cluster file wants now; undefined where that cannot be said. */
  readonly wanted: boolean | undefined;
  readonly unfinished: { readonly to: number; readonly state: string; readonly live: boolean } | undefined;
  readonly reverted: { readonly revision: number; readonly at: string; readonly why: string } | undefined;
}

export interface ClockSkew {
  /** How far the node's clock is ahead of this machine's; negative where behind. */
  readonly milliseconds: number;
  /** Half the round trip: the true value lies within this much of it. */
  readonly uncertainty: number;
  /** More than a second for certain. */
  readonly isOff: boolean;
  /** More than a second perhaps: the way to the node is too slow to tell. */
  readonly perhapsOff: boolean;
}

export interface EtcdStatus {
  readonly members: readonly MemberStatus[];
  readonly voters: number;
  readonly healthyVoters: number;
  /** Voters on nodes that could not be reached, and so could not be asked. */
  readonly unseen: number;
  readonly needed: number;
  /** How many more members may fail before nothing can be written; negative where that is so already. */
  readonly spare: number;
  readonly leader: string | undefined;
  /** What the members do not agree on. */
  readonly disagreements: readonly string[];
  /** Why nothing is known of it. */
  readonly silent: string | undefined;
}

export interface MemberStatus {
  readonly name: string;
  readonly id: string;
  readonly healthy: boolean;
  readonly learner: boolean;
  readonly leader: boolean;
  readonly lag: number | undefined;
  readonly dbSize: number | undefined;
  readonly alarms: readonly string[];
  /** It belongs to no node of the cluster file. */
  readonly foreign: boolean;
}

export interface CertificateStatus {
  /** In short: `apiserver`, `etcd/server`. */
  readonly name: string;
  readonly path: string;
  /** The nodes on which this very certificate is. */
  readonly nodes: readonly string[];
  /** ISO 8601. */
  readonly notAfter: string;
  /** Whole days, rounded towards 0; negative where it has expired. */
  readonly daysLeft: number;
  readonly state: 'ok' | 'ending' | 'expired' | 'not-yet-valid';
  /** In memory of a process, and another one than in the file, or in no file. */
  readonly servedBy: NodeComponent | undefined;
}

/** Every kind of problem there is. */
export type ProblemCode =
  | 'nothing-applied'
  | 'unreachable'
  | 'never-applied'
  | 'component'
  | 'boot'
  | 'etcd-quorum'
  | 'etcd-member'
  | 'certificate-expired'
  | 'certificate-ending'
  | 'certificate-not-yet-valid'
  | 'certificate-in-memory'
  | 'clock'
  | 'disk'
  | 'drift'
  | 'stray'
  | 'unfinished'
  | 'reverted'
  | 'not-applied'
  | 'kubelet-version';

export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly code: ProblemCode;
  /** Undefined where it is the whole cluster's. */
  readonly node: string | undefined;
  readonly component: NodeComponent | undefined;
  readonly what: string;
  /** What to do about it. */
  readonly hint: string;
}
