import { below, type JsonMap } from '../../render/json.ts';
import { listAt } from '../../render/overlay.ts';
import type { Seen } from '../apply/wait-for.ts';
import type { Workload } from './finding.ts';
import { textAt } from './object-text.ts';

/**
 * How far the rollout of a workload's present template is, by the rules of `kubectl rollout status`
 * (k8s.io/kubectl/pkg/polymorphichelpers, rollout_status.go). What is gone is done.
 */
export function rolloutOf(kind: Workload['kind'], object: JsonMap | undefined): Seen {
  if (!object) return { kind: 'good' };
  const hopeless = hindrance(kind, object);
  if (hopeless !== undefined) return { kind: 'hopeless', unmet: [hopeless] };
  if (number(object, 'metadata', 'generation') > number(object, 'status', 'observedGeneration')) {
    return { kind: 'not-yet', unmet: ['has not been looked at by its controller yet'] };
  }
  const { wanted, updated, available, all } = counts(kind, object);
  if (updated < wanted) return { kind: 'not-yet', unmet: [`has ${updated} of ${wanted} new pods`] };
  if (all > updated) return { kind: 'not-yet', unmet: [`still has ${all - updated} old pods`] };
  if (available < wanted) return { kind: 'not-yet', unmet: [`has ${available} of ${wanted} pods ready`] };
  return { kind: 'good' };
}

interface Counts {
  readonly wanted: number;
  /** Pods of the present template. */
  readonly updated: number;
  readonly available: number;
  /** Pods of whatever template. */
  readonly all: number;
}

function counts(kind: Workload['kind'], object: JsonMap): Counts {
  const status = (field: string) => number(object, 'status', field);
  if (kind === 'DaemonSet') {
    const updated = status('updatedNumberScheduled');
    return { wanted: status('desiredNumberScheduled'), updated, available: status('numberAvailable'), all: updated };
  }
  const replicas = below(object, 'spec', 'replicas');
  const wanted = typeof replicas === 'number' ? replicas : 1;
  const updated = status('updatedReplicas');
  if (kind === 'Deployment')
    return { wanted, updated, available: status('availableReplicas'), all: status('replicas') };
  return { wanted, updated, available: status('readyReplicas'), all: updated };
}

/** Why it will not come to an end by itself. */
function hindrance(kind: Workload['kind'], object: JsonMap): string | undefined {
  if (below(object, 'spec', 'paused') === true) return 'is paused: `kubectl rollout resume` lets it go on';
  if (kind !== 'Deployment') {
    if (textAt(object, 'spec', 'updateStrategy', 'type') === 'OnDelete') {
      return 'makes new pods only where the old ones are deleted (updateStrategy OnDelete)';
    }
    if (number(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') > 0) {
      return 'leaves some of its pods as they are (partition of its updateStrategy)';
    }
    return undefined;
  }
  const late = listAt(object, 'status', 'conditions').some(
    (condition) => textAt(condition, 'reason') === 'ProgressDeadlineExceeded',
  );
  const isSeen = number(object, 'metadata', 'generation') <= number(object, 'status', 'observedGeneration');
  return late && isSeen ? 'has not got its new pods ready within its progressDeadlineSeconds' : undefined;
}

function number(object: JsonMap, ...keys: readonly string[]): number {
  const value = below(object, ...keys);
  return typeof value === 'number' ? value : 0;
}
