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

/** Whether a node does what its new revision says. */
export function judge(input: ProofInput): Seen {
  const pods = input.pods.map((pod) => judgePod(pod, input.mirrors));
  const unmet = [
    ...said('kubelet', input.kubelet),
    ...pods.flatMap(({ unmet }) => unmet),
    ...said('etcd', input.etcd),
    ...said('kube-apiserver', input.apiServer),
    ...said('kube-controller-manager', input.controllerManager),
    ...said('kube-scheduler', input.scheduler),
    ...input.certificates,
  ];
  if (!unmet.length) return { kind: 'good' };
  return { kind: pods.some(({ hopeless }) => hopeless) ? 'hopeless' : 'not-yet', unmet };
}

const said = (who: string, what: Unwell): readonly string[] => (what === undefined ? [] : [`${who}: ${what}`]);

function judgePod(
  { component, mirror, inputsDigest, manifestDigest }: WantedPod,
  mirrors: ProofInput['mirrors'],
): { readonly unmet: readonly string[]; readonly hopeless: boolean } {
  const no = (what: string, hopeless = false) => ({ unmet: [`${component}: ${what}`], hopeless });
  if (mirrors === 'unknown') return no('no apiserver can be asked for its mirror pod');
  const seen = mirrors.get(mirror);
  if (!seen) return no('has no mirror pod yet');
  const { annotations, waitingReason, restarts, lastTermination } = seen;
  if (annotations[INPUTS_DIGEST] !== inputsDigest || annotations[MANIFEST_DIGEST] !== manifestDigest)
    return no('the pod is still the old one');
  if (seen.ready) return { unmet: [], hopeless: false };
  if (waitingReason === undefined) return no('the pod is not ready yet');
  if (waitingReason !== 'CrashLoopBackOff')
    return no(`${waitingReason}${seen.waitingMessage ? `: ${seen.waitingMessage}` : ''}`);
  const exit = lastTermination ? `, exit status ${lastTermination.exitCode}` : '';
  return no(`crashes (${restarts} restarts${exit})`, restarts >= HOPELESS_RESTARTS);
}
