import type { JsonMap } from '../json.ts';
import { imageIsThere } from './command.ts';
import type { StaticPod } from './manifests.ts';
import type { Mirrored } from './mirrors.ts';
import { probe } from './probe.ts';
import { type Container, type Exit, mountVolumes, type Runtime } from './runtime.ts';
import type { MachineSettings } from './settings.ts';

/**
 * Milliseconds between two probes: of a pod that is not ready yet, more after each failure, up to the real second
 * (periodSeconds: 1); and of one that is ready. Each is a TLS connection.
 */
const PROBE_MS = { unready: 120, more: 30, most: 1000, ready: 2000 } as const;
const FAILURE_THRESHOLD = 3;
/** The longest back-off as a multiple of the first (kubelet: 5 minutes to 10 s). */
const LONGEST_BACK_OFF = 30;

/**
 * Sees to the pod of one name (pkg/kubelet/pod_workers.go): another UID means that the old one is ended, and only then the
 * new one begins – never two at once; a container that ends is started again, at once the first time, then after 10 s,
 * 20 s, 40 s … (client-go flowcontrol.Backoff), here of the world's own seconds. The mirror pod stays the old one's until
 * the new one begins.
 */
export function podWorker(settings: MachineSettings, runtime: Runtime, name: string, log: (line: string) => void) {
  let stopping = false;
  let mirrored: Mirrored | undefined;
  let lastExit: Exit | undefined;
  const readiness = readinessOf();

  function stop(): void {
    stopping = true;
    readiness.reset();
    log(`Killing container pod="${name}"`);
    void runtime.stop(name).then(() => {
      stopping = false;
    });
  }

  function begin(pod: StaticPod, attempt: number): void {
    readiness.reset();
    log(`Starting container pod="${name}" podUID="${pod.uid}" attempt=${attempt}`);
    runtime.start(pod, attempt);
  }

  /** The state that the new pod of this name is to have; what its mirror pod is to say. */
  function sync(pod: StaticPod | undefined): Mirrored | undefined {
    const container = runtime.get(name);
    if (stopping) return mirrored;
    if (container && container.pod.uid !== pod?.uid) {
      stop();
      return mirrored;
    }
    mirrored = pod && { pod, status: statusOf(pod, container) };
    return mirrored;
  }

  function statusOf(pod: StaticPod, container: Container | undefined): JsonMap {
    if (!container || container.exited) {
      const failed = mountVolumes(settings, pod);
      if (failed) return waiting(pod, 0, 'ContainerCreating', failed);
      if (!imageIsThere(pod)) return waiting(pod, 0, 'ErrImagePull', 'the image cannot be pulled');
    }
    if (!container) {
      lastExit = undefined;
      begin(pod, 0);
      return waiting(pod, 0, 'ContainerCreating', '');
    }
    if (!container.exited) {
      return podStatus(
        pod,
        readiness.of(pod),
        container.attempt,
        { running: { startedAt: container.startedAt } },
        lastExit,
      );
    }
    const { at } = container.exited;
    lastExit = container.exited;
    const doubled = Math.min(2 ** (container.attempt - 1), LONGEST_BACK_OFF);
    const pause = container.attempt === 0 ? 0 : settings.backOffMs * doubled;
    if (Date.now() - at >= pause) {
      begin(pod, container.attempt + 1);
      return mirrored?.status ?? waiting(pod, container.attempt, 'ContainerCreating', '');
    }
    const message = `back-off ${pause}ms restarting failed container=${container.name} pod=${name}`;
    return podStatus(pod, false, container.attempt, { waiting: { reason: 'CrashLoopBackOff', message } }, lastExit);
  }

  return { sync };
}

function waiting(pod: StaticPod, restarts: number, reason: string, message: string): JsonMap {
  return podStatus(pod, false, restarts, { waiting: { reason, ...(message && { message }) } }, undefined);
}

/** The part of a PodStatus that somebody may want to see (pkg/kubelet/kubelet_pods.go). */
function podStatus(
  pod: StaticPod,
  ready: boolean,
  restartCount: number,
  state: JsonMap,
  lastExit: Exit | undefined,
): JsonMap {
  const status = ready ? 'True' : 'False';
  const containers = pod.manifest['spec'] as { containers: readonly JsonMap[] };
  const { name = '', image = '' } = containers.containers[0] ?? {};
  const lastState = lastExit === undefined ? {} : { terminated: terminated(lastExit) };
  return {
    phase: 'waiting' in state && lastExit === undefined ? 'Pending' : 'Running',
    conditions: [
      { type: 'Ready', status },
      { type: 'ContainersReady', status },
      { type: 'PodScheduled', status: 'True' },
    ],
    containerStatuses: [{ name, image, ready, started: 'running' in state, restartCount, state, lastState }],
  };
}

const terminated = ({ code, at }: Exit): JsonMap => ({
  exitCode: code,
  reason: code ? 'Error' : 'Completed',
  finishedAt: new Date(at).toISOString(),
});

/** Probes now and then; what was seen last counts, and one failure of a ready pod is not yet its end. */
function readinessOf() {
  let ready = false;
  let failures = 0;
  let next = 0;
  let round = 0;
  return {
    reset(): void {
      ready = false;
      failures = 0;
      next = 0;
      round += 1;
    },
    of(pod: StaticPod): boolean {
      if (Date.now() < next) return ready;
      next = Number.POSITIVE_INFINITY;
      const asked = round;
      void probe(pod).then((good) => {
        if (asked !== round) return;
        failures = good ? 0 : failures + 1;
        ready = good || (ready && failures < FAILURE_THRESHOLD);
        next =
          Date.now() + (ready ? PROBE_MS.ready : Math.min(PROBE_MS.unready + failures * PROBE_MS.more, PROBE_MS.most));
      });
      return ready;
    },
  };
}
