import { BootstrapError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import type { Cluster, ClusterNode } from '../spec/cluster.ts';

/** The node of this name. @throws BootstrapError `usage` with the nearest name */
export function nodeNamed(cluster: Cluster, name: string): ClusterNode {
  const node = cluster.nodes.find((each) => each.name === name);
  if (node) return node;
  const names = cluster.nodes.map((each) => each.name);
  throw new BootstrapError('usage', `there is no node ${JSON.stringify(name)}`, {
    hint: didYouMean(name, names) ?? `nodes: ${names.join(', ')}`,
  });
}

/** The nodes named by `--node`; all of them where there is none. */
export function chosenNodes(cluster: Cluster, names: readonly string[] | undefined): ReadonlySet<string> {
  if (!names?.length) return new Set(cluster.nodes.map((node) => node.name));
  return new Set(names.map((name) => nodeNamed(cluster, name).name));
}
