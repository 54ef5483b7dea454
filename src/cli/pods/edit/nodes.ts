import { allNodes } from '../../../spec/all-nodes.ts';
import type { Cluster } from '../../../spec/cluster.ts';

/** Nodes in the order of the cluster file, each once; undefined where these are all there are. */
export function concerned(cluster: Cluster, nodes: readonly string[]): readonly string[] | undefined {
  const all = allNodes(cluster).map(({ name }) => name);
  return all.every((name) => nodes.includes(name)) ? undefined : all.filter((name) => nodes.includes(name));
}
