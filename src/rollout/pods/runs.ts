import { MANIFEST_DIGEST } from '../../render/stamp.ts';
import type { RuntimeContainer, RuntimePod, RuntimePods } from '../runtime-pods.ts';

/** What the container runtime makes of a pod. */
type RunState =
  /** All containers that last do. */
  | 'running'
  /** Some are yet to come, and its sandbox is young. */
  | 'starting'
  /** Some are yet to come, and that takes long. */
  | 'waiting'
  /** A container has ended. */
  | 'exited'
  /** It has a sandbox that is not up. */
  | 'down'
  | 'absent'
  /** The runtime cannot be asked, or does not tell. */
  | 'unknown';

export interface Run {
  readonly state: RunState;
  readonly pod: RuntimePod | undefined;
  /** Those that keep the state from being `running`. */
  readonly missing: readonly string[];
  readonly ended: readonly RuntimeContainer[];
  /** Of all its containers. */
  readonly restarts: number;
  /** Since when all of them run, ISO 8601. */
  readonly since: string | undefined;
}

/** A pod whose containers are not all there so long after its sandbox does not get there by itself. */
const START_LIMIT = 60_000;

/** All pods of that name on the node; more than one where an old one has yet to end, or two sources bring it. */
export function instancesOf(
  runtime: RuntimePods | undefined,
  node: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): readonly RuntimePod[] {
  const called = `${name}-${node.toLowerCase()}`;
  return runtime?.pods.filter((pod) => pod.namespace === namespace && pod.name === called) ?? [];
}

/**
 * The one to look at: that which carries the digest, else the newest. The record of a sandbox that has ended stays for a
 * minute or so; it counts only where it is of the manifest that is to run.
 * @param instances newest first
 */
export function chosenInstance(instances: readonly RuntimePod[], digest: string | undefined): RuntimePod | undefined {
  const isWanted = (pod: RuntimePod) => digest !== undefined && runningDigest(pod) === digest;
  return (
    instances.find((pod) => pod.ready && isWanted(pod)) ??
    instances.find(({ ready }) => ready) ??
    instances.find(isWanted)
  );
}

export function runningDigest({ annotations }: RuntimePod): string | undefined {
  return annotations[MANIFEST_DIGEST];
}

/**
 * @param lasting names of the containers that must run; where none are known all of them count
 * @param now by the node's clock, milliseconds since the epoch
 */
export function runOf(
  runtime: RuntimePods | undefined,
  pod: RuntimePod | undefined,
  lasting: readonly string[],
  now: number,
): Run {
  const none = { missing: [], ended: [], restarts: 0, since: undefined };
  if (!pod) return { ...none, state: runtime && runtime.source !== 'none' ? 'absent' : 'unknown', pod };
  const { containers } = pod;
  const names = lasting.length ? lasting : containers.map(({ name }) => name);
  const found = names.map((name) => containers.find((container) => container.name === name));
  const missing = names.filter((_, i) => !found[i] || found[i].state === 'created');
  // one that is no lasting one has done its work, unless it was started again
  const ended = containers.filter(
    ({ name, state, restarts }) => state === 'exited' && (names.includes(name) || (missing.length > 0 && restarts > 0)),
  );
  const started = found.flatMap((container) => container?.startedAt ?? []).sort();
  const restarts = containers.reduce((sum, container) => sum + container.restarts, 0);
  const state = ((): RunState => {
    if (!pod.ready) return 'down';
    if (ended.length) return 'exited';
    if (missing.length) return isYoungPod(pod, now) ? 'starting' : 'waiting';
    return found.some((container) => container?.state === 'unknown') || !names.length ? 'unknown' : 'running';
  })();
  return { state, pod, missing, ended, restarts, since: state === 'running' ? started.at(-1) : undefined };
}

/** It has not had the time yet that a start may take. */
export function isYoung({ pod, since }: Run, now: number): boolean {
  return (pod !== undefined && isYoungPod(pod, now)) || (since !== undefined && now - Date.parse(since) < START_LIMIT);
}

function isYoungPod({ createdAt }: RuntimePod, now: number): boolean {
  return createdAt !== undefined && now - Date.parse(createdAt) < START_LIMIT;
}
