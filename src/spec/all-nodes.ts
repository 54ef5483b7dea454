import type { Cluster, ClusterNode } from './cluster.ts';

/** All machines: the masters first, each kind in the order of the cluster file. */
export function allNodes({ nodes, plainNodes }: Pick<Cluster, 'nodes' | 'plainNodes'>): readonly ClusterNode[] {
  return [...nodes, ...plainNodes];
}
