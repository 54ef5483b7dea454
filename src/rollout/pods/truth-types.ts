import type { DeclaredPod } from './declared.ts';
import type { Run } from './runs.ts';
import type { MirrorSeen } from './seen.ts';

/** What is true of the user's pods, and where that is not what the cluster file says. */
export interface PodsTruth {
  /** Node by node; on each those that are declared first. */
  readonly rows: readonly PodRow[];
  /** In the order of the rows; those of whole nodes before those of their pods. */
  readonly problems: readonly PodProblem[];
  /** What could not be looked at and is no problem by itself. */
  readonly notes: readonly string[];
}

export interface PodRow {
  readonly node: string;
  /** `default/static-web`; of kube-system the name alone. */
  readonly pod: string;
  /** Undefined where nobody has declared it. */
  readonly declared: DeclaredPod | undefined;
  readonly source: SourceState;
  /** Its file on the node, where there is or should be one. */
  readonly path: string | undefined;
  readonly run: Run;
  readonly mirror: MirrorState;
}

/** Where the kubelet has the pod from. */
export type SourceState =
  /** As the cluster file wants it. */
  | 'in place'
  | 'by URL'
  /** Not run, as the cluster file wants it. */
  | 'stopped'
  /** What was applied or published last is not what the cluster file wants now. */
  | 'older'
  /** Of a pod that shall not run any more: still there, since that was not applied. */
  | 'left'
  | 'not applied'
  /** Somebody has changed or removed its file on the node, or has put it back. */
  | 'edited'
  | 'missing'
  /** A file, or another URL, that nobody has declared. */
  | 'stray'
  | 'unknown';

export type MirrorState =
  /** There is no API that could show one, or nothing to be shown. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'missing' }
  /** It shows a manifest that does not run. */
  | { readonly kind: 'stale'; readonly pod: MirrorSeen }
  | { readonly kind: 'seen'; readonly pod: MirrorSeen };

type PodProblemCode =
  | 'unreachable'
  | 'not-applied'
  | 'edited'
  | 'older'
  | 'not-running'
  | 'not-ready'
  | 'still-running'
  | 'two-sources'
  | 'no-mirror'
  | 'stale-mirror'
  | 'undeclared'
  | 'kubelet';

export interface PodProblem {
  readonly code: PodProblemCode;
  readonly node: string;
  /** Undefined where it is the whole node's. */
  readonly pod: string | undefined;
  /** A sentence without its subject: `runs an older manifest than the one in its file`. */
  readonly what: string;
  /** What to do about it. */
  readonly todo: string;
}
