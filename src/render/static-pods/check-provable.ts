import { errorAt, type Fault } from '../../base/fault.ts';
import { locate } from '../../spec/tree.ts';
import { isSetAt, numberAt, textAt } from './parts.ts';
import { quote } from './show.ts';
import type { StaticPod } from './static-pod.ts';

/** Those that every API server makes by itself. */
const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const PRIORITY_CLASSES = ['', 'system-node-critical', 'system-cluster-critical'];

/**
 * What would keep `apply` from ever seeing the pod ready: it commits a revision only once each pod of it is, by what the
 * API says, also where the cluster is just being made and has no objects of the user's yet.
 */
export function checkProvable({ tree, namespace }: StaticPod): readonly Fault[] {
  const faults: Fault[] = [];
  const refuse = (field: string, why: string, hint: string) => {
    faults.push(errorAt(locate(tree, ['spec', field]), `${why}, so apply could not prove the pod`, hint));
  };
  const policy = textAt(tree, 'spec', 'restartPolicy');
  if (policy === 'Never' || policy === 'OnFailure') {
    refuse('restartPolicy', 'what ends by itself is not ready for good', 'take it out, or let the program wait');
  }
  if (isSetAt(tree, 'spec', 'activeDeadlineSeconds')) {
    refuse('activeDeadlineSeconds', 'the pod would be ended and stay so', 'take it out');
  }
  if (isSetAt(tree, 'spec', 'readinessGates')) {
    refuse('readinessGates', 'nobody sets conditions of a static pod', 'take them out');
  }
  const priorityClass = textAt(tree, 'spec', 'priorityClassName');
  if (!PRIORITY_CLASSES.includes(priorityClass)) {
    const why = `a new cluster has no PriorityClass ${quote(priorityClass)} and does not show the pod`;
    refuse('priorityClassName', why, 'take it out, or write system-node-critical');
  } else if (!priorityClass && numberAt(tree, 'spec', 'priority')) {
    const why = 'the API server does not show a pod with a number and no PriorityClass';
    refuse('priority', why, 'write priorityClassName: system-node-critical instead');
  }
  if (isSetAt(tree, 'spec', 'runtimeClassName')) {
    refuse('runtimeClassName', 'a new cluster has no RuntimeClass, and the kubelet waits for it', 'take it out');
  }
  if (!NAMESPACES.includes(namespace)) {
    const message = `a new cluster has no namespace ${quote(namespace)} and does not show the pod, so apply could not prove it`;
    faults.push(errorAt(locate(tree, ['metadata', 'namespace']), message, `take one of ${NAMESPACES.join(', ')}`));
  }
  return faults;
}
