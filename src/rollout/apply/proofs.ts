import { INPUTS_DIGEST, MANIFEST_DIGEST } from '../../render/stamp.ts';
import type { MirrorPod } from '../probe/mirror-pod.ts';
import type { Seen } from './wait-for.ts';

/** What must run on a node once its bundle is in place. */
export interface WantedPod {
  readonly component: string;
  /** Name of its mirror pod. */
  readonly mirror: string;
  readonly inputsDigest: string;
  readonly manifestDigest: string;
}

/** A check that was made: undefined where all is well, else what is wrong in words. */
export type Unwell = string | undefined;

export interface ProofInput {
  readonly kubelet: Unwell;
  readonly pods: readonly WantedPod[];
  /** By name of the mirror pod: restarts since the revision was put in place, as the node's own disk has them. */
  readonly crashes: ReadonlyMap<string, number>;
  /** By name of the mirror pod; `unknown` where no apiserver could be asked. */
  readonly mirrors: ReadonlyMap<string, MirrorPod> | 'unknown';
  readonly apiServer: Unwell;
  readonly etcd: Unwell;
  readonly controllerManager: Unwell;
  readonly scheduler: Unwell;
  /** Certificates that are served but are not those of the bundle. */
  readonly certificates: readonly string[];
}

/**
 * So many restarts of a container while it backs off mean that it does not come up by itself: one or two are usual while
 * the others of its node start, and the third comes 30 s after the first (kubelet, MaxContainerBackOff: 10 s doubled).
 */
const HOPELESS_RESTARTS = 3;

/**
 * Whether a node does what its new revision says. The kubelet speaks to the apiserver of its own node: while that one is
 * down what the API says of this node's pods is old, and is not held against them.
 */
export function judge(input: ProofInput): Seen {
  const { apiServer } = input;
  const told = input.pods.filter(({ component }) => apiServer === undefined || component === 'kube-apiserver');
  const crashing = input.pods.filter(({ mirror }) => (input.crashes.get(mirror) ?? 0) > 0);
  const pods = told.filter((pod) => !crashing.includes(pod)).flatMap((pod) => unmetOf(pod, input));
  const unmet = [
    ...said('kubelet', input.kubelet),
    ...crashing.map((pod) => `${pod.component}: ${crashText(pod, input)}`),
    ...said('etcd', input.etcd),
    ...said('kube-apiserver', apiServer),
    ...pods,
    ...said('kube-controller-manager', input.controllerManager),
    ...said('kube-scheduler', input.scheduler),
    ...input.certificates,
  ];
  // a container that was restarted once or twice on the way, and is well now, has done nothing wrong
  const others = unmet.filter((line) => !crashing.some((pod) => line === `${pod.component}: ${crashText(pod, input)}`));
  const isUp = (pod: WantedPod) => !unmetOf(pod, input).length;
  if (!others.length && crashing.every(isUp)) return { kind: 'good' };
  const hopeless = crashing.some((pod) => (input.crashes.get(pod.mirror) ?? 0) >= HOPELESS_RESTARTS && !isUp(pod));
  return { kind: hopeless ? 'hopeless' : 'not-yet', unmet };
}
