import { makeBundle } from '../../bundle/bundle.ts';
import { KUBELET_CONFIG, KUBELET_DROP_IN } from '../../render/layout.ts';
import type { Beginning } from '../apply/observer.ts';
import type { Unwell } from '../apply/proofs.ts';
import type { Prover } from '../apply/step.ts';
import type { Seen } from '../apply/wait-for.ts';
import { kubeletHealthPort } from '../apply/wanted.ts';
import type { RuntimePods } from '../runtime-pods.ts';
import { type Before, calledOnNode, isAtWork, isFromFile, judgePlain } from './judge.ts';
import type { PlainNode } from './plain-node.ts';
import { plainPods } from './wanted-pods.ts';

export interface PlainProverOptions {
  /** Milliseconds for which what was started must go on without being started again. */
  readonly settleMs: number;
  /** An earlier run has put the revision in place: what is there already may be what is wanted. */
  readonly isPlaced: boolean;
}

export interface PlainProver extends Prover {
  /** What the last look could not see, and took on trust. */
  unproven(): readonly string[];
  /** Whether all is as it was before: what ran then runs again. @param wasActive the kubelet was active then */
  isBack(wasActive: boolean): Promise<Seen>;
}

const NOTHING: Before = { pods: [], runs: [] };
const UNASKED: RuntimePods = { source: 'crictl', pods: [] };

/**
 * Proves a step on a node without asking any API: its kubelet is well, the pods that the step starts or replaces run, and
 * those that it ends are gone; seen twice, with nothing started again in between.
 */
export function plainProver(node: PlainNode, { settleMs, isPlaced }: PlainProverOptions): PlainProver {
  const { agent, bundle } = node;
  // of the first beginning: by the second one the pods may have been replaced
  let before: Before | undefined;
  let step: Beginning = { stops: [], changed: [], heartbeat: false };
  let good: { readonly signature: string; readonly since: number } | undefined;
  let trusted: readonly string[] = [];
  return {
    async begin(_, beginning) {
      step = beginning;
      good = undefined;
      if (before || !concernsPods(step)) return;
      const [{ pods }, runs] = await Promise.all([agent.runtimePods(), agent.pods()]);
      before = { pods, runs };
    },
    async look() {
      const { changed, stops } = step;
      const kubelet = await kubeletUnwell(node, kubeletHealthPort(bundle));
      const runtime = concernsPods(step) ? await agent.runtimePods() : UNASKED;
      const verdict = judgePlain({
        kubelet,
        pods: changed.length ? plainPods(bundle).filter(({ component }) => changed.includes(component)) : [],
        stops,
        runtime,
        runs: runtime.source === 'none' ? await agent.pods() : [],
        before: (isPlaced ? undefined : before) ?? NOTHING,
      });
      const { unmet, isHopeless, signature } = verdict;
      trusted = verdict.unproven;
      if (unmet.length) {
        good = undefined;
        return { kind: isHopeless ? 'hopeless' : 'not-yet', unmet };
      }
      if (!changed.length && !step.heartbeat) return { kind: 'good' };
      const now = performance.now();
      if (good?.signature !== signature) good = { signature, since: now };
      if (now - good.since >= settleMs) return { kind: 'good' };
      const must = `that must last ${Math.ceil(settleMs / 1000)} s`;
      return {
        kind: 'not-yet',
        unmet: changed.length ? changed.map((pod) => `${pod}: runs; ${must}`) : [`kubelet: is well; ${must}`],
      };
    },
    unproven: () => trusted,
    async isBack(wasActive) {
      if (!wasActive) return { kind: 'good' };
      const kubelet = await kubeletUnwell(node, await healthPortThere(node));
      const { source, pods } = await agent.runtimePods();
      // what had been there before an earlier run put its revision in place is not known
      const known = source === 'none' || isPlaced ? [] : (before?.pods ?? []);
      const ran = known.filter((pod) => isFromFile(pod) && pod.ready && isAtWork(pod));
      const missing = ran.filter(
        (pod) => !pods.some((now) => calledOnNode(now) === calledOnNode(pod) && now.ready && isAtWork(now)),
      );
      const unmet = [
        ...(kubelet === undefined ? [] : [`kubelet: ${kubelet}`]),
        ...missing.map((pod) => `${calledOnNode(pod)}: does not run again yet`),
      ];
      return unmet.length ? { kind: 'not-yet', unmet } : { kind: 'good' };
    },
  };
}

const concernsPods = ({ changed, stops }: Beginning): boolean => changed.length + stops.length > 0;

/** A kubelet that cannot read its configuration is active for an instant after each start, so it must say itself that it is well. */
async function kubeletUnwell({ agent, kubeletHealth }: PlainNode, port: number | undefined): Promise<Unwell> {
  const active = await agent.kubelet();
  if (active !== 'active') return active;
  const health = port === undefined ? undefined : await kubeletHealth(port);
  return health && !health.ok ? health.seen : undefined;
}

/** Where the kubelet says that it is well, by what lies on the node now. */
async function healthPortThere({ agent, name }: PlainNode): Promise<number | undefined> {
  const found = await agent.read([KUBELET_CONFIG, KUBELET_DROP_IN]);
  const files = [...found].map(([path, content]) => ({
    path,
    content,
    mode: 0o600,
    owner: 'root:root',
    sensitive: true,
    effect: { kind: 'kubelet' as const },
  }));
  return kubeletHealthPort(makeBundle(name, [], files));
}
