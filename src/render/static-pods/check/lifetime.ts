import { errorAt, type Fault, warningAt } from '../../../base/fault.ts';
import { locate } from '../../../spec/tree.ts';
import { isSetAt, numberAt, textAt } from '../parts.ts';
import type { StaticPod } from '../static-pod.ts';
import type { Where } from './context.ts';

const MAX_INT32 = 2 ** 31 - 1;

/** When the pod ends, and what then. */
export function checkLifetime({ tree }: StaticPod, { standsAlone }: Where): readonly Fault[] {
  const faults: Fault[] = [];
  const policy = textAt(tree, 'spec', 'restartPolicy');
  if (policy === 'Never' || policy === 'OnFailure') {
    const ends = policy === 'Never' ? 'it ends' : 'it ends well';
    const message = `once ${ends}, the pod stays ended until its manifest changes or the machine starts again; then it runs once more`;
    faults.push(warningAt(locate(tree, ['spec', 'restartPolicy']), message, 'take it out where it is to run for good'));
  }
  const deadline = numberAt(tree, 'spec', 'activeDeadlineSeconds');
  if (deadline !== undefined) {
    const place = locate(tree, ['spec', 'activeDeadlineSeconds']);
    // pkg/kubelet/active_deadline.go: the pod fails and, with the same UID, is not started again
    const message = `the kubelet ends the pod after ${deadline} s, and nothing starts it again`;
    if (deadline < 1 || deadline > MAX_INT32)
      faults.push(errorAt(place, `${deadline} is not between 1 and ${MAX_INT32}`));
    else faults.push(warningAt(place, message, 'take it out where it is to run for good'));
  }
  // all else is about what the API makes of the pod
  if (standsAlone) return faults;
  if (isSetAt(tree, 'spec', 'readinessGates')) {
    const message = 'nobody sets conditions of a static pod, so it runs and is never ready';
    faults.push(warningAt(locate(tree, ['spec', 'readinessGates']), message, 'take them out'));
  }
  if (isSetAt(tree, 'spec', 'runtimeClassName')) {
    // pkg/kubelet/kuberuntime/kuberuntime_sandbox.go, createPodSandbox: looked up through the API where there is one
    const message =
      'without an API server the kubelet ignores it; with one it starts the pod only once that RuntimeClass is there';
    faults.push(warningAt(locate(tree, ['spec', 'runtimeClassName']), message));
  }
  return [...faults, ...checkPriority(tree)];
}

/** pkg/apis/scheduling/v1/helpers.go; they are there in every cluster. */
const SYSTEM_CLASSES: ReadonlyMap<string, number> = new Map([
  ['system-cluster-critical', 2_000_000_000],
  ['system-node-critical', 2_000_001_000],
]);

/**
 * To the kubelet every static pod is critical (pkg/kubelet/types/pod_update.go, IsCriticalPod): it takes the place of
 * others and is evicted last. Priority only counts where the node shuts down in order, and when the API server takes
 * the mirror pod (plugin/pkg/admission/priority, admitPod).
 */
function checkPriority(tree: StaticPod['tree']): readonly Fault[] {
  const name = textAt(tree, 'spec', 'priorityClassName');
  const priority = numberAt(tree, 'spec', 'priority');
  const place = locate(tree, ['spec', 'priority']);
  const wanted = SYSTEM_CLASSES.get(name);
  if (wanted !== undefined) {
    if (priority !== undefined && priority !== wanted) {
      const message = `must be ${wanted} with priorityClassName: ${name}, not ${priority}: the API server refuses to show the pod`;
      return [errorAt(place, message, 'take it out')];
    }
    if (textAt(tree, 'spec', 'preemptionPolicy') !== 'Never') return [];
    const message = `the API server refuses to show the pod: ${name} is PreemptLowerPriority`;
    return [errorAt(locate(tree, ['spec', 'preemptionPolicy']), message, 'take it out')];
  }
  if (name) {
    const message =
      'the pod runs, critical as all static pods; kubectl shows it only where the cluster has that PriorityClass';
    const hint = 'take it out, or write system-node-critical';
    return [warningAt(locate(tree, ['spec', 'priorityClassName']), message, hint)];
  }
  if (!priority || !isSetAt(tree, 'spec', 'priority')) return [];
  const message = 'the pod runs, but the API server refuses to show it: it takes no number without a PriorityClass';
  return [warningAt(place, message, 'write priorityClassName: system-node-critical instead')];
}
