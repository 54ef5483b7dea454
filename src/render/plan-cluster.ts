import { allNodes } from '../spec/all-nodes.ts';
import type { Cluster } from '../spec/cluster.ts';
import type { RenderContext } from './context.ts';
import { type NodePlan, planNode } from './plan-node.ts';

const memory = new WeakMap<
  Cluster,
  { readonly context: RenderContext; readonly signs: boolean; readonly plans: readonly NodePlan[] }
>();

/**
 * The plans of all nodes, the masters first. A run checks a cluster before it makes keys and renders it afterwards: the same plans serve both.
 * @param signs whether the key of the cluster CA is at hand
 */
export function planCluster(cluster: Cluster, context: RenderContext, signs: boolean): readonly NodePlan[] {
  const known = memory.get(cluster);
  if (known && known.context === context && known.signs === signs) return known.plans;
  const plans = allNodes(cluster).map((node) => planNode({ ...context, cluster, node }, signs));
  memory.set(cluster, { context, signs, plans });
  return plans;
}
