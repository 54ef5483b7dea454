import { errorAt, type Fault } from '../../base/fault.ts';
import { locate } from '../../spec/tree.ts';
import { isSetAt, numberAt, textAt } from './parts.ts';
import { quote } from './show.ts';
import type { StaticPod } from './static-pod.ts';

/** Those that every API server makes by itself. */
const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const PRIORITY_CLASSES = ['', 'system-node-critical', 'system-cluster-critical'];

/** By what `apply` sees that a pod runs. */
export interface Proof {
  /** By the pod that the API shows, and that it is ready; otherwise by its containers on the node. */
  readonly byMirror: boolean;
  /** There is no API server that the kubelet could ask. */
  readonly standsAlone: boolean;
}

/**
 * What would keep `apply` from ever seeing the pod run for good: it commits a revision only once each pod of it does, also
 * where the cluster is just being made and has no objects of the user's yet.
 */
export function checkProvable(pod: StaticPod, { byMirror, standsAlone }: Proof): readonly Fault[] {
  return [...checkLasting(pod), ...checkRuntimeClass(pod, standsAlone), ...(byMirror ? checkMirror(pod) : [])];
}

type Refusal = (field: string, why: string, hint: string) => Fault;

function refusing({ tree }: StaticPod): Refusal {
  return (field, why, hint) => errorAt(locate(tree, ['spec', field]), `${why}, so apply could not prove the pod`, hint);
}

function checkLasting(pod: StaticPod): readonly Fault[] {
  const refuse = refusing(pod);
  const faults: Fault[] = [];
  const policy = textAt(pod.tree, 'spec', 'restartPolicy');
  if (policy === 'Never' || policy === 'OnFailure') {
    const hint = 'take it out, or let the program wait';
    faults.push(refuse('restartPolicy', 'what ends by itself is not ready for good', hint));
  }
  if (isSetAt(pod.tree, 'spec', 'activeDeadlineSeconds')) {
    faults.push(refuse('activeDeadlineSeconds', 'the pod would be ended and stay so', 'take it out'));
  }
  return faults;
}

/** pkg/kubelet/kuberuntime/kuberuntime_sandbox.go, createPodSandbox: looked up through the API where there is one. */
function checkRuntimeClass(pod: StaticPod, standsAlone: boolean): readonly Fault[] {
  if (!isSetAt(pod.tree, 'spec', 'runtimeClassName')) return [];
  if (!standsAlone) {
    const why = 'a new cluster has no RuntimeClass, and the kubelet waits for it';
    return [refusing(pod)('runtimeClassName', why, 'take it out')];
  }
  const message = 'without an API server the kubelet ignores it, and runs the pod in the default runtime';
  return [errorAt(locate(pod.tree, ['spec', 'runtimeClassName']), message, 'take it out')];
}

/** What the API does not show, or never as ready. */
function checkMirror(pod: StaticPod): readonly Fault[] {
  const { tree, namespace } = pod;
  const refuse = refusing(pod);
  const faults: Fault[] = [];
  if (isSetAt(tree, 'spec', 'readinessGates')) {
    faults.push(refuse('readinessGates', 'nobody sets conditions of a static pod', 'take them out'));
  }
  const priorityClass = textAt(tree, 'spec', 'priorityClassName');
  if (!PRIORITY_CLASSES.includes(priorityClass)) {
    const why = `a new cluster has no PriorityClass ${quote(priorityClass)} and does not show the pod`;
    faults.push(refuse('priorityClassName', why, 'take it out, or write system-node-critical'));
  } else if (!priorityClass && numberAt(tree, 'spec', 'priority')) {
    const why = 'the API server does not show a pod with a number and no PriorityClass';
    faults.push(refuse('priority', why, 'write priorityClassName: system-node-critical instead'));
  }
  if (!NAMESPACES.includes(namespace)) {
    const message = `a new cluster has no namespace ${quote(namespace)} and does not show the pod, so apply could not prove it`;
    faults.push(errorAt(locate(tree, ['metadata', 'namespace']), message, `take one of ${NAMESPACES.join(', ')}`));
  }
  return faults;
}
