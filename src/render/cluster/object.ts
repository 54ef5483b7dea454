import type { Taint } from '../../spec/cluster.ts';
import type { JsonMap } from '../json.ts';

/** An API object, as it is applied. Its kind is one of `API_KINDS`. */
export interface ClusterObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for a kind that lives in no namespace. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly data: JsonMap;
}

/** Everything that has to be in the cluster's API. */
export interface ClusterObjects {
  /** In the order in which they are applied. */
  readonly objects: readonly ClusterObject[];
  readonly nodes: readonly NodeMarks[];
}

/** Labels and taints of one master that its kubelet cannot set itself, or would not set again. */
export interface NodeMarks {
  readonly node: string;
  /** Set once, when the node is new to the cluster. */
  readonly once: Marks;
  /** From the cluster file: set whenever they are missing. */
  readonly always: Marks;
}

interface Marks {
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

/** E.g. `ConfigMap kube-system/kubeadm-config`. */
export function objectName({ kind, namespace, name }: Omit<ClusterObject, 'data' | 'apiVersion'>): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
