import { type Fault, warningAt } from '../../base/fault.ts';
import { locate } from '../../spec/tree.ts';
import type { NodeInput } from '../context.ts';
import { mayKubeletSetLabel } from '../node-labels.ts';
import { hasApi } from '../view/common.ts';

/** What does nothing on a host that has no control plane, or for which there is none. */
export function checkPlainNode({ cluster, node }: NodeInput): readonly Fault[] {
  if (node.role === 'master') return [];
  const place = (...path: readonly string[]) => locate(cluster.spec, ['nodes', node.index, ...path]);
  const joins = hasApi(cluster);
  const others = Object.keys(node.labels).filter((key) => !mayKubeletSetLabel(key));
  return [
    ...others.map((key) => {
      // plugin/pkg/admission/noderestriction: only those of well_known_labels.go and in no name space of Kubernetes
      const hint = joins ? `kubectl label node ${node.name} ${key}=${node.labels[key] ?? ''}` : 'take it out';
      return warningAt(place('labels', key), `is not set on ${node.name}: no kubelet may give itself this label`, hint);
    }),
    ...(node.taints.length && !joins
      ? [warningAt(place('taints'), 'do nothing: without masters there is no scheduler to keep away', 'take them out')]
      : []),
    ...node.patches
      .filter(({ target }) => target !== 'kubeletconfiguration')
      .map(({ at, target }) => warningAt(at, `changes nothing on ${node.name}, which has no ${target}`)),
  ];
}
