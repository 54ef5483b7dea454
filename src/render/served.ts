import type { JsonMap } from './json.ts';

/** What the kubelet of one node gets from its `staticPodURL`. */
export interface ServedNode {
  readonly node: string;
  /** As the kubelet is to have them, with their digests, sorted by namespace and name. Never empty. */
  readonly pods: readonly JsonMap[];
}
