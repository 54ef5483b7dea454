import { loadUnifiedDiff } from '../../base/unified-diff.ts';
import type { Tell } from '../../rollout/apply/events.ts';
import { carryOutPlain } from '../../rollout/plain/carry-out.ts';
import type { PlainNode } from '../../rollout/plain/plain-node.ts';
import type { PlainPlan } from '../../rollout/plain/plan-plain.ts';
import type { RolloutTimes } from './options.ts';

export interface PlainRun {
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly times: RolloutTimes;
  /** Who takes the nodes' locks. */
  readonly who: string;
  readonly bring: (node: PlainNode) => Promise<number>;
}

/** Brings plain nodes to what is wanted of them; without masters, an API or etcd having a part in it. */
export async function applyPlain({ times, ...run }: PlainRun, plans: readonly PlainPlan[]): Promise<void> {
  await carryOutPlain({ ...run, ...times, diff: await loadUnifiedDiff(), now: Date.now }, plans);
}
