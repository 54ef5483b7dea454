import type { Fault } from '../../../base/fault.ts';
import type { StaticPod, Via } from '../static-pod.ts';

/** What a check needs to know of the node on which the pod is to run. */
export interface Where {
  readonly via: Via;
  readonly node: string;
  /** Of the kubelet there. */
  readonly minor: number;
  /** There is no API server at all, for which something could be wrong with the pod. */
  readonly standsAlone?: boolean;
}

export type PodCheck = (pod: StaticPod, where: Where) => readonly Fault[];
