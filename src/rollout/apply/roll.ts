import { BootstrapError } from '../../base/errors.ts';
import type { FactsRequest } from '../agent.ts';
import type { ApplyContext } from './context.ts';
import type { Master } from './master.ts';
import { judge } from './proofs.ts';
import { lastWords, passGates, putInPlace, type Step } from './step.ts';
import { throwIfInterrupted, waitFor } from './wait-for.ts';

/** Seconds in which a node must be well again after its revision was taken back. */
const RECOVERY = 120;

export interface Fleet {
  /** All masters that can be reached, also those that are not worked on. */
  readonly masters: readonly Master[];
  /** What to ask each for. */
  request(master: Master): FactsRequest;
  /** Whether the node is still as the plan saw it; in words where it is not. */
  moved(step: Step): Promise<readonly string[]>;
}

/**
 * One master after the other: gates, the revision put in place, proofs, commit. The first that does not prove itself
 * goes back to what it had, and no further one is touched.
 * @throws BootstrapError `refused` before a step, `failed` after one, saying what was seen
 */
export async function rollOut(context: ApplyContext, fleet: Fleet, steps: readonly Step[]): Promise<void> {
  for (const [done, step] of steps.entries()) {
    throwIfInterrupted(context.signal);
    await passGates(context, step.master.name, fleet.masters, () => inFlight(fleet, step.master));
    const moved = await fleet.moved(step);
    if (moved.length) {
      throw new BootstrapError('refused', `${step.master.name} has changed since it was planned: ${moved.join('; ')}`, {
        hint: 'look at it and run the command again: it plans anew',
      });
    }
    await handOver(context, step);
    await takeStep(context, step, steps.slice(done + 1));
  }
}

/** A restart of the leader is an election; handing over first spares clients that pause. */
async function handOver({ observer, tell }: ApplyContext, { master, plan }: Step): Promise<void> {
  if (!plan.pods.some(({ pod, kind }) => pod === 'etcd' && kind !== 'start')) return;
  const to = await observer.moveLeader(master.name);
  if (to !== undefined) tell({ kind: 'leader-moved', node: master.name, to });
}

async function takeStep(context: ApplyContext, step: Step, rest: readonly Step[]): Promise<void> {
  const { tell, confirmSeconds } = context;
  const { master, revision } = step;
  const began = performance.now();
  let unmet: readonly string[];
  try {
    unmet = await putInPlace(context, step, confirmSeconds);
  } catch (error) {
    if (context.signal.aborted) throw interruptedError(master.name, confirmSeconds);
    throw error;
  }
  if (!unmet.length) {
    await master.agent.commit(revision);
    tell({ kind: 'committed', node: master.name, revision, seconds: (performance.now() - began) / 1000 });
    return;
  }
  const words = await lastWords(master, unmet);
  tell({ kind: 'reverting', node: master.name, why: unmet });
  await master.agent.revert(unmet.join('; '));
  const well = await isWellAgain(context, master);
  tell({ kind: 'reverted', node: master.name, well });
  const others = rest.map((each) => each.master.name);
  throw new BootstrapError(
    'failed',
    [
      `revision ${revision} does not work on ${master.name}: ${unmet.join('; ')}`,
      ...(words ? [words] : []),
      well
        ? `${master.name} is back at what it had, and well`
        : `${master.name} is back at what it had, but not well within ${RECOVERY} s: \`bootstrap status\` shows more`,
      ...(others.length ? [`not touched: ${others.join(', ')}`] : []),
    ].join('\n'),
    { hint: 'mend cluster.yaml and run `bootstrap apply` again' },
  );
}

/** Judged by what lies on the node again, whoever put it there: its manifests say what must run. */
async function isWellAgain({ observer, signal }: ApplyContext, master: Master): Promise<boolean> {
  try {
    const found = await observer.asFound(master);
    const look = async () => judge(await observer.proofs(found));
    return !(await waitFor(look, { seconds: RECOVERY, pauseMs: 500, signal })).length;
  } catch {
    // it is not known to be well: that is what is said then
    return false;
  }
}

/** Revisions that are not committed on other nodes; a node that cannot be asked has none that could be known of. */
async function inFlight({ masters, request }: Fleet, but: Master): Promise<ReadonlyMap<string, number>> {
  const others = masters.filter((master) => master !== but);
  const facts = await Promise.all(
    others.map(async (master) => ({ master, facts: await master.agent.facts(request(master)) })),
  );
  return new Map(
    facts.flatMap(({ master, facts: { transaction } }) => (transaction ? [[master.name, transaction.to]] : [])),
  );
}

export function interruptedError(node: string, confirmSeconds: number): BootstrapError {
  return new BootstrapError('failed', `interrupted while ${node} was proving its new revision`, {
    hint: confirmSeconds
      ? `\`bootstrap apply\` goes on from here; without it, ${node} goes back to what it had within ${confirmSeconds} s`
      : '`bootstrap apply` goes on from here',
  });
}
