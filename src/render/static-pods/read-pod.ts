import { errorAt, type Fault, type Located, warningAt } from '../../base/fault.ts';
import { at, locate, type MapTree, toJson } from '../../spec/tree.ts';
import type { JsonMap } from '../json.ts';
import { asKubernetesReads } from './normal.ts';
import { hostPathsOf, hostPortsOf, isSetAt, textAt } from './parts.ts';
import type { StaticPod } from './static-pod.ts';

export interface Found {
  readonly pods: readonly StaticPod[];
  readonly faults: readonly Fault[];
}

/**
 * The pod of one object of kind Pod, whose fields somebody else looks at.
 * @param specAt where its spec is, or should be
 */
export function readPod(object: MapTree, specAt: Located): Found {
  const tree = asKubernetesReads(object);
  const name = textAt(tree, 'metadata', 'name');
  const faults: Fault[] = [];
  if (!name && !isSetAt(tree, 'metadata', 'name')) {
    // pkg/kubelet/config/common.go: "invalid pod: name is needed for the pod"
    const hint = isSetAt(tree, 'metadata', 'generateName')
      ? 'generateName is for the API server; write the name out'
      : 'the kubelet adds "-" and the name of the node to it';
    faults.push(errorAt(locate(tree, ['metadata', 'name']), 'a static pod needs a name', hint));
  }
  if (isSetAt(tree, 'status')) {
    const hint = 'it is what a cluster once said of the pod; take it out';
    faults.push(warningAt(locate(tree, ['status']), 'is left out', hint));
  }
  const spec = at(tree, ['spec']);
  if (!spec) faults.push(errorAt(specAt, 'is missing'));
  if (!name || spec?.kind !== 'map' || tree.kind !== 'map') return { pods: [], faults };
  const entries = new Map(tree.entries);
  entries.delete('status');
  const kept: MapTree = { ...tree, entries };
  const pod: StaticPod = {
    name,
    namespace: textAt(kept, 'metadata', 'namespace') || 'default',
    manifest: toJson(kept) as JsonMap,
    tree: kept,
    ports: hostPortsOf(kept),
    hostPaths: hostPathsOf(kept),
  };
  return { pods: [pod], faults };
}
