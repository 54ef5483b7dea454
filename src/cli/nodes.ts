import { BootstrapError } from '../base/errors.ts';
import { didYouMean } from '../base/suggest.ts';
import { allNodes } from '../spec/all-nodes.ts';
import type { Cluster, ClusterNode } from '../spec/cluster.ts';

/** The node of this name, a master or a plain one. @throws BootstrapError `usage` with the nearest name */
export function nodeNamed(cluster: Cluster, name: string): ClusterNode {
  const nodes = allNodes(cluster);
  const node = nodes.find((each) => each.name === name);
  if (node) return node;
  const names = nodes.map((each) => each.name);
  throw new BootstrapError('usage', `there is no node ${JSON.stringify(name)}`, {
    hint: didYouMean(name, names) ?? `nodes: ${names.join(', ')}`,
  });
}

/** The nodes named by `--node`; all of them, plain ones too, where there is none. */
export function chosenNodes(cluster: Cluster, names: readonly string[] | undefined): ReadonlySet<string> {
  if (!names?.length) return new Set(allNodes(cluster).map((node) => node.name));
  return new Set(names.map((name) => nodeNamed(cluster, name).name));
}

/**
 * Those of the chosen ones without which a command fails at once: every master, and plain nodes that were named. Of all
 * plain nodes together one may be switched off; the others are worked on, and it is named in the end.
 */
export function neededNodes(
  cluster: Cluster,
  chosen: ReadonlySet<string>,
  names: readonly string[] | undefined,
): ReadonlySet<string> {
  if (names?.length) return chosen;
  return new Set(cluster.nodes.map(({ name }) => name).filter((name) => chosen.has(name)));
}

/**
 * The machines that a rollout looks at: those that are chosen, and where a master is among them all masters, since each
 * step on one depends on the others.
 */
export function machinesFor(cluster: Cluster, chosen: ReadonlySet<string>): ReadonlySet<string> {
  const masters = cluster.nodes.some(({ name }) => chosen.has(name)) ? cluster.nodes : [];
  const plain = cluster.plainNodes.filter(({ name }) => chosen.has(name));
  return new Set([...masters, ...plain].map(({ name }) => name));
}
