import { INPUTS_DIGEST, MANIFEST_DIGEST } from '../../render/stamp.ts';
import { podCalled } from '../../render/static-pods/manifest-file.ts';
import type { PodRun } from '../agent.ts';
import type { Unwell } from '../apply/proofs.ts';
import type { RuntimeContainer, RuntimePod, RuntimePods } from '../runtime-pods.ts';
import type { PlainPod } from './wanted-pods.ts';

/** What was there before a step put its revision in place; nothing where an earlier run had done that already. */
export interface Before {
  readonly pods: readonly RuntimePod[];
  readonly runs: readonly PodRun[];
}

export interface PlainLook {
  readonly kubelet: Unwell;
  /** Those that the step starts or replaces. */
  readonly pods: readonly PlainPod[];
  /** What the pods that must go are called on the node: `default/static-web-node01`. */
  readonly stops: readonly string[];
  readonly runtime: RuntimePods;
  /** What the logs on the node's disk tell; needed only where the runtime cannot be seen. */
  readonly runs: readonly PodRun[];
  readonly before: Before;
}

export interface PlainVerdict {
  /** What is not as it must be, each line beginning with whom it is about. */
  readonly unmet: readonly string[];
  readonly isHopeless: boolean;
  /** Another text means that something was started again since. */
  readonly signature: string;
  /** What could not be seen, and was taken on trust. */
  readonly unproven: readonly string[];
}

/** As on a master (src/rollout/apply/proofs.ts): the third restart comes 30 s after the first. */
const HOPELESS_RESTARTS = 3;

/** Whether a node does what its new revision says, by its kubelet and its container runtime: no API is asked. */
export function judgePlain(look: PlainLook): PlainVerdict {
  const seen =
    look.runtime.source === 'none'
      ? look.pods.map((pod) => byLogs(pod, look))
      : look.pods.map((pod) => byRuntime(pod, look));
  return {
    unmet: [
      ...(look.kubelet === undefined ? [] : [`kubelet: ${look.kubelet}`]),
      ...seen.flatMap(({ unmet }) => unmet),
      ...lingering(look).map((name) => `${name}: the pod still runs, but its manifest is gone`),
    ],
    isHopeless: seen.some(({ unmet, restarts }) => unmet.length > 0 && restarts >= HOPELESS_RESTARTS),
    signature: seen.map(({ signature }) => signature).join('\n'),
    unproven: [...seen.flatMap((each) => each.unproven ?? []), ...unproven(look)],
  };
}

interface PodSeen {
  readonly unmet: readonly string[];
  /** Since the step began. */
  readonly restarts: number;
  readonly signature: string;
  readonly unproven?: readonly string[];
}

export function calledOnNode({ namespace, name }: Pick<RuntimePod, 'namespace' | 'name'>): string {
  return podCalled(namespace, name);
}

/** Whether anything of the pod is at work. */
export function isAtWork({ containers }: Pick<RuntimePod, 'containers'>): boolean {
  // where cgroups tell, a pod without a process is not there at all, and of a container nothing may be known
  return containers.some(({ state }) => state === 'running' || state === 'unknown');
}

function byRuntime(pod: PlainPod, look: PlainLook): PodSeen {
  const { runtime, before } = look;
  const found = runtime.pods.filter((each) => calledOnNode(each) === pod.mirror && isFromFile(each));
  const isOld = ({ uid }: RuntimePod) => before.pods.some((each) => each.uid === uid);
  const now = found.find((each) => (runtime.source === 'crictl' ? carriesDigests(pod, each) : !isOld(each)));
  const others = found.filter((each) => each !== now && isAtWork(each));
  if (!now) {
    const text = others.length ? 'the pod is still the old one' : 'does not run yet';
    return { unmet: [`${pod.component}: ${text}`], restarts: 0, signature: '' };
  }
  const earlier = before.pods.find(({ uid }) => uid === now.uid)?.containers ?? [];
  const containers = pod.containers.map((name) => containerSeen(name, now.containers, earlier, runtime.source));
  const crashing = containers.filter(({ restarts, lacks }) => restarts > 0 && lacks !== undefined);
  const restarts = Math.max(0, ...crashing.map((each) => each.restarts));
  const named = pod.containers.length > 1;
  const unmet = [
    ...(now.ready ? [] : ['its sandbox is not up yet']),
    ...containers.flatMap(({ name, lacks, restarts: times }) => {
      if (lacks === undefined) return [];
      if (times > 0)
        return [`${named ? `its container ${name} ` : ''}crashes (${times} ${times === 1 ? 'restart' : 'restarts'})`];
      return [`its container ${name} ${lacks}`];
    }),
    ...(others.length ? ['its old pod has not ended yet'] : []),
  ];
  const guessed = pod.containers.filter(
    (name) => now.containers.find((each) => each.name === name)?.state === 'unknown',
  );
  return {
    unmet: unmet.map((text) => `${pod.component}: ${text}`),
    restarts,
    unproven: guessed.map(
      (name) =>
        `${pod.component}: that its container ${name} runs was not seen, only that the pod lives (${whyBlind(runtime)})`,
    ),
    signature: JSON.stringify([now.uid, now.containers.map(({ name, id, restarts: times }) => [name, id, times])]),
  };
}

interface ContainerSeen {
  readonly name: string;
  readonly restarts: number;
  /** Undefined where it runs. */
  readonly lacks: string | undefined;
}

const LACKS: Readonly<Record<RuntimeContainer['state'], string | undefined>> = {
  running: undefined,
  created: 'has not started yet',
  exited: 'has ended',
  unknown: 'is in a state that its runtime does not tell',
};

/** What may be taken on trust: cgroups tell that the pod lives, and not always which of its containers. */
function lacksOf({ state }: RuntimeContainer, source: RuntimePods['source']): string | undefined {
  return source === 'cgroup' && state === 'unknown' ? undefined : LACKS[state];
}

function containerSeen(
  name: string,
  containers: readonly RuntimeContainer[],
  earlier: readonly RuntimeContainer[],
  source: RuntimePods['source'],
): ContainerSeen {
  const container = containers.find((each) => each.name === name);
  if (!container) return { name, restarts: 0, lacks: 'is not there yet' };
  const had = earlier.find((each) => each.name === name)?.restarts ?? 0;
  return { name, restarts: Math.max(0, container.restarts - had), lacks: lacksOf(container, source) };
}

/** By URL the same pod may come on, or have been there before. */
export function isFromFile({ configSource }: RuntimePod): boolean {
  return configSource === undefined || configSource === 'file';
}

function carriesDigests({ inputsDigest, manifestDigest }: PlainPod, { annotations }: RuntimePod): boolean {
  const carries = (name: string, digest: string) => (annotations[name] ?? '') === digest;
  return carries(INPUTS_DIGEST, inputsDigest) && carries(MANIFEST_DIGEST, manifestDigest);
}

/** Pods that must go and are still at work. Where their source is not known, those that were there before are meant. */
function lingering({ stops, runtime, before }: PlainLook): readonly string[] {
  return stops.filter((name) =>
    runtime.pods.some(
      (pod) =>
        calledOnNode(pod) === name &&
        isAtWork(pod) &&
        (pod.configSource === 'file' ||
          (pod.configSource === undefined && before.pods.some(({ uid }) => uid === pod.uid))),
    ),
  );
}

/** A container of the new pod has written a log: all that is known where no runtime can be asked. */
function byLogs({ component, mirror }: PlainPod, { runs, before }: PlainLook): PodSeen {
  const expected = ({ uid }: PodRun): number => {
    const earlier = before.runs.find((each) => each.uid === uid);
    return earlier ? earlier.restarts + 1 : 0;
  };
  const now = runs.find((run) => run.pod === mirror && run.restarts >= expected(run));
  if (!now) return { unmet: [`${component}: has written no log yet`], restarts: 0, signature: '' };
  const restarts = now.restarts - expected(now);
  // whether it has come up since cannot be seen: twice the same number of restarts is what counts
  const unmet = restarts >= HOPELESS_RESTARTS ? [`${component}: crashes (${restarts} restarts)`] : [];
  return { unmet, restarts, signature: `${now.uid} ${now.restarts}` };
}

function unproven({ runtime, pods, stops }: PlainLook): readonly string[] {
  if (runtime.source !== 'none') return [];
  const why = whyBlind(runtime);
  return [
    ...pods.map(({ component }) => `${component}: that it runs was not seen, only that it has written a log (${why})`),
    ...stops.map((name) => `${name}: that it has ended was not seen (${why})`),
  ];
}

const whyBlind = ({ problem }: RuntimePods): string =>
  problem === undefined ? 'there is no crictl on the node' : `crictl: ${problem}`;
