import type { Fault } from '../base/fault.ts';
import { checkDataDir } from './check/data-dir.ts';
import { checkFiles } from './check/files.ts';
import { checkPlainNode } from './check/plain-node.ts';
import { checkPorts } from './check/ports.ts';
import { checkReach } from './check/reach.ts';
import type { NodeInput, PlannedPod } from './context.ts';
import { type ProcessKubeconfig, processKubeconfigs } from './kubeconfig.ts';
import { KUBELET_CONFIG, KUBELET_DROP_IN, KUBELET_UNIT, KUBERNETES, MANIFESTS } from './layout.ts';
import { kubeletListeners, PROXY_LISTENERS, podListeners } from './listeners.ts';
import { type PkiFile, pkiFiles } from './pki-files.ts';
import { type PlannedKubelet, planKubelet } from './plan-kubelet.ts';
import { attempt, planPods, templateOf } from './plan-pods.ts';
import { type PlannedStaticPod, planStaticPods } from './static-pods/plan-static-pods.ts';
import { hasApi } from './view/common.ts';

/** Everything about one node that does not need the content of its certificates. */
export interface NodePlan {
  readonly input: NodeInput;
  /** Those of the control plane: none on a plain node. */
  readonly pods: readonly PlannedPod[];
  /** The user's own. */
  readonly staticPods: readonly PlannedStaticPod[];
  /** Undefined where a template of the user's cannot be filled; then there is a fault. */
  readonly kubelet: PlannedKubelet | undefined;
  readonly kubeletUnit: string | undefined;
  readonly kubeconfigs: readonly ProcessKubeconfig[];
  readonly pkiFiles: readonly PkiFile[];
  readonly faults: readonly Fault[];
}

/**
 * Steps one to four for one node, and what can only be checked with all of its parts together.
 * @param signs whether the key of the cluster CA is at hand
 */
export function planNode(input: NodeInput, signs: boolean): NodePlan {
  const { cluster, node } = input;
  const isMaster = node.role === 'master';
  const pods = isMaster ? planPods(input, signs) : { value: [], faults: [] };
  const kubelet = attempt(() => planKubelet(input));
  const unit = attempt(() => ({
    value: node.kubelet.installUnit ? templateOf(input, 'kubelet/kubelet.service').fill({}) : undefined,
    faults: [],
  }));
  const kubeconfigs = attempt(() => ({ value: processKubeconfigs(input, cluster, node), faults: [] }));
  const pki = pkiFiles(cluster, node);
  const listeners = [
    ...pods.value.flatMap((pod) => podListeners(input, pod)),
    ...(kubelet.value ? kubeletListeners(input, kubelet.value.config, kubelet.value.flags) : []),
    ...(hasApi(cluster) ? PROXY_LISTENERS : []),
  ];
  const rendered = [
    ...pki.map((file) => file.path),
    ...pods.value.map((pod) => manifestPath(pod.component)),
    ...(kubeconfigs.value ?? []).map((file) => file.path),
    ...(isMaster ? [ADMIN_KUBECONFIG] : []),
    KUBELET_CONFIG,
    KUBELET_DROP_IN,
    ...(node.kubelet.installUnit ? [KUBELET_UNIT] : []),
  ];
  const own = planStaticPods(input, listeners, rendered);
  return {
    input,
    pods: pods.value,
    staticPods: own.pods,
    kubelet: kubelet.value,
    kubeletUnit: unit.value,
    kubeconfigs: kubeconfigs.value ?? [],
    pkiFiles: pki,
    faults: [
      ...(isMaster ? checkDataDir(input) : checkPlainNode(input)),
      ...pods.faults,
      ...kubelet.faults,
      ...unit.faults,
      ...kubeconfigs.faults,
      ...checkReach(input, pods.value),
      ...checkPorts(listeners),
      ...checkFiles(node.files, rendered),
      ...own.faults,
    ],
  };
}

export function manifestPath(component: string): string {
  return `${MANIFESTS}/${component}.yaml`;
}

/** For whoever works on the master itself. */
export const ADMIN_KUBECONFIG = `${KUBERNETES}/admin.conf`;
