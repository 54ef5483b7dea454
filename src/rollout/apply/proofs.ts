import { INPUTS_DIGEST, MANIFEST_DIGEST } from '../../render/stamp.ts';
import type { MirrorPod } from '../probe/mirror-pod.ts';
import type { Seen } from './wait-for.ts';

/** What must run on a node once its bundle is in place. */
export interface WantedPod {
  /** A component of the control plane, or what a pod of the user's is called: `default/static-web`. */
  readonly component: string;
  /** The same of its mirror pod: `etcd-cp1`, `default/static-web-cp1`. */
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
  /** Mirror pods that must go and are still there. */
  readonly lingering: readonly string[];
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
  const crashing = input.pods.filter((pod) => restartsOf(pod, input) > 0 && unmetOf(pod, input).length > 0);
  const own = [
    ...said('kubelet', input.kubelet),
    // one that was restarted on the way, and is well now, has done nothing wrong
    ...crashing.map((pod) => crashText(pod, input)),
    ...said('etcd', input.etcd),
    ...said('kube-apiserver', apiServer),
    ...told.filter((pod) => !crashing.includes(pod) && !isOldNews(pod, input)).flatMap((pod) => unmetOf(pod, input)),
    ...input.lingering.map((name) => `${name}: the pod is still there, but its manifest is gone`),
    ...said('kube-controller-manager', input.controllerManager),
    ...said('kube-scheduler', input.scheduler),
  ];
  // what does not run shows no certificate: that is said once
  const blamed = new Set(own.map(who));
  const unmet = [...own, ...input.certificates.filter((line) => !blamed.has(who(line)))];
  if (!unmet.length) return { kind: 'good' };
  const hopeless = crashing.some((pod) => restartsOf(pod, input) >= HOPELESS_RESTARTS);
  return { kind: hopeless ? 'hopeless' : 'not-yet', unmet };
}

/** While its apiserver is down, the node's kubelet cannot tell of the new pod of just that. */
function isOldNews(pod: WantedPod, { apiServer, mirrors }: ProofInput): boolean {
  if (apiServer === undefined) return false;
  const seen = mirrors === 'unknown' ? undefined : mirrors.get(pod.mirror);
  return !seen || !isNew(pod, seen);
}

const who = (line: string): string => line.slice(0, line.indexOf(':'));

const said = (who: string, what: Unwell): readonly string[] => (what === undefined ? [] : [`${who}: ${what}`]);

const restartsOf = ({ mirror }: WantedPod, { crashes }: ProofInput): number => crashes.get(mirror) ?? 0;

function crashText(pod: WantedPod, input: ProofInput): string {
  const restarts = restartsOf(pod, input);
  const end = input.mirrors === 'unknown' ? undefined : input.mirrors.get(pod.mirror)?.lastTermination;
  const status = end && input.apiServer === undefined ? `, exit status ${end.exitCode}` : '';
  return `${pod.component}: crashes (${restarts} ${restarts === 1 ? 'restart' : 'restarts'}${status})`;
}

/** A manifest that bootstrap has not written carries no digests. */
function isNew({ inputsDigest, manifestDigest }: WantedPod, { annotations }: MirrorPod): boolean {
  const carries = (name: string, digest: string) => (annotations[name] ?? '') === digest;
  return carries(INPUTS_DIGEST, inputsDigest) && carries(MANIFEST_DIGEST, manifestDigest);
}

function unmetOf(pod: WantedPod, { mirrors }: ProofInput): readonly string[] {
  const { component, mirror } = pod;
  if (mirrors === 'unknown') return [`${component}: no apiserver can be asked for its mirror pod`];
  const seen = mirrors.get(mirror);
  if (!seen) return [`${component}: has no mirror pod yet`];
  const { waitingReason, waitingMessage, ready } = seen;
  if (!isNew(pod, seen)) return [`${component}: the pod is still the old one`];
  if (ready) return [];
  if (waitingReason === undefined) return [`${component}: the pod is not ready yet`];
  return [`${component}: ${waitingReason}${waitingMessage ? `: ${waitingMessage}` : ''}`];
}
