import { lastMessage } from './last-message.ts';
import type { PodDigests, PodSeen } from './observe.ts';
import type { Verdict } from './verdict.ts';
import { counted, oneLine } from './words.ts';

/** Reasons to wait that pass by themselves. All others (CrashLoopBackOff, ErrImagePull, …) mean that something is wrong. */
const PASSING = new Set(['ContainerCreating', 'PodInitializing']);

/** A component that is not ready so long after its start does not get there by itself: kubeadm's own limit. */
const START_LIMIT = 4 * 60_000;

/**
 * What its pod says of a component.
 * @param wanted what the manifest on the node says, where it was read
 * @param log the last lines of its container; '' where they were not read
 * @param now by the node's clock, milliseconds since the epoch
 */
export function podVerdict(pod: PodSeen, wanted: PodDigests | undefined, log: string, now: number): Verdict {
  const { waitingReason: waiting, phase } = pod;
  if (wanted && isOlder(pod, wanted)) {
    const detail = 'the kubelet still runs an older manifest than the one on the node';
    return { state: 'starting', detail, cause: 'older-manifest' };
  }
  if (waiting !== undefined && !PASSING.has(waiting)) {
    const cause = /Image/.test(waiting) ? 'image' : 'not-well';
    return { state: 'failing', detail: crashed(oneLine(waiting, 60), pod, log), cause };
  }
  if (phase === 'Failed' || phase === 'Succeeded') {
    const detail = crashed(phase === 'Failed' ? 'its pod has failed' : 'has ended', pod, log);
    return { state: 'failing', detail, cause: 'not-well' };
  }
  if (pod.ready) return { state: 'ok', detail: '', cause: 'none' };
  const started = pod.startedAt === undefined ? Number.NaN : Date.parse(pod.startedAt);
  const late = now - started > START_LIMIT;
  const what = waiting ?? (late ? 'not ready long after its start' : 'not ready yet');
  const detail = pod.restarts ? crashed(what, pod, log) : what;
  return { state: late ? 'failing' : 'starting', detail, cause: 'not-well' };
}

/** A pod without annotations of ours is older than any manifest of ours. */
function isOlder({ annotations }: PodSeen, { inputs, manifest }: PodDigests): boolean {
  const differs = (name: string, value: string | undefined) => value !== undefined && annotations[name] !== value;
  return differs('bootstrap/inputs-digest', inputs) || differs('bootstrap/manifest-digest', manifest);
}

/** `CrashLoopBackOff, exit 1 (7 restarts): "the last line"`. */
function crashed(what: string, pod: PodSeen, log: string): string {
  const { lastTermination: last, restarts } = pod;
  const reason = last?.reason && last.reason !== 'Error' && last.reason !== 'Completed' ? oneLine(last.reason, 40) : '';
  const head = [what, last ? `exit ${last.exitCode}` : '', reason].filter(Boolean).join(', ');
  // the kubelet's own message says why where no process was ever started, and "back-off 5m0s restarting …" otherwise
  const message =
    lastMessage(log) || lastMessage(last?.message ?? '') || (last ? '' : oneLine(pod.waitingMessage ?? ''));
  return `${head}${restarts ? ` (${counted(restarts, 'restart')})` : ''}${message ? `: "${message}"` : ''}`;
}
