import { below, isMap, type JsonMap } from '../../render/json.ts';
import { listAt } from '../../render/overlay.ts';
import { podNamed } from '../../render/static-pods/manifest-file.ts';
import type { Json } from '../../spec/tree.ts';
import type { ApiClient, CallOptions } from './api-client.ts';

/** What the API says of a static pod: the kubelet shows each as a mirror pod there. */
export interface MirrorPod {
  readonly uid: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** The condition Ready is true, and the pod is not being deleted. */
  readonly ready: boolean;
  readonly phase: string;
  /** Restarts of all its containers. */
  readonly restarts: number;
  /** Why a container waits: `CrashLoopBackOff`, `ImagePullBackOff`, `CreateContainerConfigError`, … */
  readonly waitingReason: string | undefined;
  readonly waitingMessage: string | undefined;
  /** How a container ended last. */
  readonly lastTermination:
    | {
        readonly exitCode: number;
        /** `Error`, `OOMKilled`, `Completed`, … */
        readonly reason: string;
        readonly message: string;
        /** ISO 8601. */
        readonly finishedAt: string;
      }
    | undefined;
  /** When the container that runs now was started, ISO 8601; undefined where none runs. */
  readonly startedAt: string | undefined;
  /** The kubelet's hash of the manifest. */
  readonly configHash: string | undefined;
  /** It is on its way out: the kubelet removes the mirror of a manifest that is gone or was replaced. */
  readonly isDeleted: boolean;
}

/**
 * @param called what the pod is called, with the node's name behind it: `etcd-cp1`, `default/static-web-cp1`
 * @returns undefined where there is no such pod
 * @throws ProbeError
 */
export async function mirrorPod(
  api: ApiClient,
  called: string,
  options: CallOptions = {},
): Promise<MirrorPod | undefined> {
  const { namespace, name } = podNamed(called);
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
  const pod = await api.get(path, options);
  return pod && mirrorPodOf(pod);
}

/** Reads a Pod object. */
export function mirrorPodOf(pod: JsonMap): MirrorPod {
  const annotations = strings(below(pod, 'metadata', 'annotations'));
  const containers = listAt(pod, 'status', 'containerStatuses').filter(isMap);
  const waiting = containers.map((container) => below(container, 'state', 'waiting')).find(isMap);
  const running = containers.map((container) => below(container, 'state', 'running')).find(isMap);
  // a container that has ended and is not restarted yet has it in `state`, afterwards in `lastState`
  const ended = (field: string) => containers.map((container) => below(container, field, 'terminated')).find(isMap);
  const isDeleted = below(pod, 'metadata', 'deletionTimestamp') !== undefined;
  const isReady = listAt(pod, 'status', 'conditions').some(
    (condition) => below(condition, 'type') === 'Ready' && below(condition, 'status') === 'True',
  );
  return {
    uid: text(below(pod, 'metadata', 'uid')),
    annotations,
    ready: isReady && !isDeleted,
    phase: text(below(pod, 'status', 'phase')),
    restarts: containers.reduce((sum, container) => sum + number(below(container, 'restartCount')), 0),
    waitingReason: text(below(waiting, 'reason')) || undefined,
    waitingMessage: text(below(waiting, 'message')) || undefined,
    lastTermination: termination(ended('state') ?? ended('lastState')),
    startedAt: text(below(running, 'startedAt')) || undefined,
    configHash: annotations['kubernetes.io/config.hash'],
    isDeleted,
  };
}

function termination(state: JsonMap | undefined): MirrorPod['lastTermination'] {
  if (!state) return undefined;
  return {
    exitCode: number(below(state, 'exitCode')),
    reason: text(below(state, 'reason')),
    message: text(below(state, 'message')),
    finishedAt: text(below(state, 'finishedAt')),
  };
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function number(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function strings(value: Json | undefined): Readonly<Record<string, string>> {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) => (typeof one === 'string' ? [[key, one]] : [])),
  );
}
