import { join } from 'node:path';
import { shellQuoted } from '../../base/posix-quote.ts';
import { allPlans } from '../../rollout/plan/plan-node.ts';
import type { Cluster } from '../../spec/cluster.ts';
import type { Json } from '../../spec/tree.ts';
import { count } from '../format.ts';
import { sameCluster } from '../same-cluster.ts';
import type { Workspace } from '../workspace.ts';
import type { Applied } from './apply-cluster.ts';

/** What `apply` says at its end: what was done, and after a first boot what comes next. */
export function appliedText(
  { plan, revisions, objects }: Applied,
  space: Workspace,
  cluster: Cluster,
  quiet: boolean,
): string {
  const nodes = [...revisions];
  const byUrl = plan.served.map(({ node }) => node);
  if (!nodes.length && !objects.length && !byUrl.length) {
    return `nothing to do: ${counted(plan)} ${allPlans(plan).length === 1 ? 'is' : 'are'} as the cluster file says`;
  }
  const done = [
    ...(nodes.length ? [nodes.map(([node, revision]) => `${node} is at revision ${revision}`).join(', ')] : []),
    ...(byUrl.length ? [`published for ${byUrl.join(', ')}: seen at the next poll of the URL`] : []),
    ...(objects.length ? [`${count(objects.length, 'API object')} applied`] : []),
  ].join('; ');
  if (quiet || plan.mode !== 'first-boot') return done;
  const within = sameCluster(space);
  return [
    `The control plane of ${cluster.name} is up: ${done}`,
    '',
    'Next',
    `  Ask it:         kubectl --kubeconfig ${shellQuoted(space.show(join(space.dir, 'admin.conf')))} get nodes`,
    `  Look after it:  bootstrap status${within}`,
    `  Add a worker:   bootstrap token create${within}   (prints its kubeadm join command)`,
  ].join('\n');
}

/** `3 masters and 2 nodes`. */
function counted({ nodes, plainNodes }: Applied['plan']): string {
  return [
    ...(nodes.length || !plainNodes.length ? [count(nodes.length, 'master')] : []),
    ...(plainNodes.length ? [count(plainNodes.length, 'node')] : []),
  ].join(' and ');
}

export function appliedData({ plan, revisions, objects, unreached }: Applied): { readonly [key: string]: Json } {
  return {
    mode: plan.mode,
    nodes: allPlans(plan).map(({ node, currentRevision }) => ({
      node,
      revision: revisions.get(node) ?? currentRevision ?? null,
      changed: revisions.has(node),
    })),
    objects,
    unreached: [...unreached.keys()],
  };
}
