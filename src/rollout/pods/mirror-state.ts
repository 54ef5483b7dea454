import { podNamed } from '../../render/static-pods/manifest-file.ts';
import { oneLine } from '../status/words.ts';
import { isYoung, type Run } from './runs.ts';
import type { MirrorsSeen, NodeSeen } from './seen.ts';
import type { MirrorState, PodProblem } from './truth-types.ts';

/** What the API shows of a pod. */
export function mirrorOf(called: string, run: Run, node: string, mirrors: MirrorsSeen): MirrorState {
  if (mirrors.kind === 'none') return { kind: 'none' };
  if (mirrors.kind === 'silent') return { kind: 'unknown' };
  const pod = mirrors.pods.get(`${called}-${node.toLowerCase()}`);
  if (!pod) return run.pod?.ready ? { kind: 'missing' } : { kind: 'none' };
  // the kubelet takes its hash of the manifest for the pod's UID
  const isStale =
    run.state !== 'unknown' && (!run.pod || (pod.configHash !== undefined && pod.configHash !== run.pod.uid));
  return { kind: isStale ? 'stale' : 'seen', pod };
}

/**
 * What is wrong with what the API shows; undefined where it fits.
 * @param isExplained something is wrong with what runs already: that it is not Ready then is no news
 */
export function mirrorProblem(
  called: string,
  mirror: MirrorState,
  run: Run,
  seen: NodeSeen,
  mirrors: MirrorsSeen,
  isExplained: boolean,
): Omit<PodProblem, 'node' | 'pod'> | undefined {
  const { node } = seen;
  const journal = `\`journalctl -u kubelet\` on ${node}`;
  // the kubelet tells the API what it does a little later
  if (isYoung(run, seen.clock)) return undefined;
  if (mirror.kind === 'missing') {
    const { namespace } = podNamed(called);
    if (mirrors.kind === 'seen' && !mirrors.namespaces.has(namespace))
      return {
        code: 'no-mirror',
        what: `runs, but kubectl does not show it: there is no namespace ${namespace}`,
        todo: `\`kubectl create namespace ${namespace}\``,
      };
    const said = seen.kubeletSays.get(called);
    return {
      code: 'no-mirror',
      what: said
        ? `runs, but kubectl does not show it: "${said}"`
        : 'runs, but kubectl does not show it: the kubelet does not reach the API, or admission refuses the mirror pod',
      todo: `look at ${journal}`,
    };
  }
  if (mirror.kind === 'stale') {
    // until the old one has ended, its mirror stays
    if (mirror.pod.isDeleted) return undefined;
    return {
      code: 'stale-mirror',
      what: run.pod
        ? 'kubectl shows an older manifest than the one that runs'
        : 'kubectl shows it, but it does not run',
      todo: `the kubelet renews it within a minute where it reaches the API; else look at ${journal}`,
    };
  }
  if (mirror.kind !== 'seen' || mirror.pod.ready || isExplained) return undefined;
  const { waitingReason, waitingMessage, phase } = mirror.pod;
  if (run.state === 'unknown' && phase === 'Pending' && !waitingReason) return undefined;
  const why = waitingReason
    ? `: ${oneLine([waitingReason, waitingMessage].filter(Boolean).join(': '))}`
    : run.state === 'running'
      ? ': its containers run, and a readiness probe says no'
      : '';
  return {
    code: 'not-ready',
    what: `is not Ready${why}`,
    todo: `\`bootstrap pods logs ${called} --node ${node}\`, and \`kubectl describe pod\``,
  };
}
