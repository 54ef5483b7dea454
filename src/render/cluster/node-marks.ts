import type { Cluster } from '../../spec/cluster.ts';
import { locate } from '../../spec/tree.ts';
import type { NodeMarks } from './object.ts';

/** What `kubeadm init` marks a control-plane node with (phases/markcontrolplane). No kubelet may set the first itself. */
export const CONTROL_PLANE_LABEL = 'node-role.kubernetes.io/control-plane';
const LABELS = { [CONTROL_PLANE_LABEL]: '', 'node.kubernetes.io/exclude-from-external-load-balancers': '' } as const;

/**
 * Labels and taints of the masters. Those that the cluster file gives are kept; kubeadm's own are set once, so that a
 * user can take them away from a running cluster.
 */
export function nodeMarks(cluster: Cluster): readonly NodeMarks[] {
  return cluster.nodes.map(({ name, index, labels, taints }) => {
    const isDefault = locate(cluster.spec, ['nodes', index, 'taints']).origin.kind === 'default';
    return {
      node: name,
      once: { labels: LABELS, taints: isDefault ? taints : [] },
      always: { labels, taints: isDefault ? [] : taints },
    };
  });
}
