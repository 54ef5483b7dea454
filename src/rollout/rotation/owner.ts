import { below, type JsonMap } from '../../render/json.ts';
import { listAt } from '../../render/overlay.ts';
import type { Json } from '../../spec/tree.ts';
import type { Workload } from './finding.ts';
import { fullName, nameOf, textAt } from './object-text.ts';

/** What made a pod; the pod itself where nothing did. */
export interface Owner {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

const WORKLOADS: readonly string[] = ['Deployment', 'DaemonSet', 'StatefulSet'] satisfies readonly Workload['kind'][];

/** The controller of a pod, or that of its ReplicaSet. */
export function ownerOf(pod: JsonMap, replicaSets: readonly JsonMap[]): Owner {
  const namespace = textAt(pod, 'metadata', 'namespace');
  const controller = controllerOf(pod);
  if (!controller) return { kind: 'Pod', namespace, name: nameOf(pod) };
  const owner = { kind: textAt(controller, 'kind'), namespace, name: textAt(controller, 'name') };
  if (owner.kind !== 'ReplicaSet') return owner;
  const replicaSet = replicaSets.find((one) => fullName(one) === `${namespace}/${owner.name}`);
  const above = replicaSet && controllerOf(replicaSet);
  return above ? { kind: textAt(above, 'kind'), namespace, name: textAt(above, 'name') } : owner;
}

function controllerOf(object: JsonMap): Json | undefined {
  return listAt(object, 'metadata', 'ownerReferences').find((one) => below(one, 'controller') === true);
}

export function workloadOf({ kind, namespace, name }: Owner): Workload | undefined {
  return WORKLOADS.includes(kind) ? { kind: kind as Workload['kind'], namespace, name } : undefined;
}

/** How its pods are started anew, to be read after an object's name. */
export function restartCommand(owner: Owner, pods: readonly string[]): string {
  const { kind, namespace, name } = owner;
  if (workloadOf(owner)) return `\`kubectl rollout restart ${kind.toLowerCase()}/${name} -n ${namespace}\``;
  if (kind === 'Pod')
    return `delete it and make it again, since nothing else does: \`kubectl delete pod ${name} -n ${namespace}\``;
  if (kind === 'Job') return `wait until it has ended, or \`kubectl delete job ${name} -n ${namespace}\``;
  return `\`kubectl delete pod ${pods.join(' ')} -n ${namespace}\`: ${kind} ${name} makes them anew`;
}
