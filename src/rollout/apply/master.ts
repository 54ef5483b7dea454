import type { Bundle } from '../../bundle/bundle.ts';
import type { ClusterNode } from '../../spec/cluster.ts';
import type { NodeAgent } from '../agent.ts';

/** One master that is worked on: what it shall have, and the way to it. */
export interface Master {
  readonly name: string;
  readonly node: ClusterNode;
  readonly bundle: Bundle;
  /** `bundleDigest` of the bundle. */
  readonly digest: string;
  readonly agent: NodeAgent;
}
