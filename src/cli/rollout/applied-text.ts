import { join } from 'node:path';
import { shellQuoted } from '../../base/posix-quote.ts';
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
  if (!nodes.length && !objects.length) {
    return `nothing to do: ${count(plan.nodes.length, 'master')} ${plan.nodes.length === 1 ? 'is' : 'are'} as the cluster file says`;
  }
  const done = [
    ...(nodes.length ? [nodes.map(([node, revision]) => `${node} is at revision ${revision}`).join(', ')] : []),
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

export function appliedData({ plan, revisions, objects }: Applied): { readonly [key: string]: Json } {
  return {
    mode: plan.mode,
    nodes: plan.nodes.map(({ node, currentRevision }) => ({
      node,
      revision: revisions.get(node) ?? currentRevision ?? null,
      changed: revisions.has(node),
    })),
    objects,
  };
}
