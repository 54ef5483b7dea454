import { BootstrapError } from '../../base/errors.ts';
import type { FactsRequest } from '../agent.ts';
import { bare } from '../bare.ts';
import type { ApplyContext } from './context.ts';
import type { Master } from './master.ts';
import { judge } from './proofs.ts';
import { commitStep, lastWords, passGates, putInPlace, revertStep, type Step } from './step.ts';
import { waitFor } from './wait-for.ts';

/** Seconds in which a node must be well again after its revision was taken back. */
const RECOVERY = 120;

export interface Fleet {
  /** All masters that can be reached, also those that are not worked on. */
  readonly masters: readonly Master[];
  /** How many masters the cluster has. */
  readonly size: number;
  /** What to ask each for. */
  request(master: Master): FactsRequest;
  /** Whether the node is still as the plan saw it; in words where it is not. */
  moved(step: Step): Promise<readonly string[]>;
}

/**
 * One master after the other: gates, the revision put in place, proofs, commit. The first that does not prove itself
 * goes back to what it had, and no further one is touched.
 * @param steps in the order of the plan: those that are under way already come first there
 * @throws BootstrapError `refused` before a step, `failed` after one, saying what was seen
 */
export async function rollOut(context: ApplyContext, fleet: Fleet, steps: readonly Step[]): Promise<void> {
  for (const [done, step] of steps.entries()) {
    const rest = steps.slice(done + 1);
    if (context.signal.aborted) throw interruptedBefore(step, rest);
    try {
      if (!isSettled(step))
        await passGates(context, step.master.name, fleet.size, () => unrest(context, fleet, step, rest));
      const moved = await fleet.moved(step);
      if (moved.length) {
        throw new BootstrapError(
          'refused',
          `${step.master.name} has changed since it was planned: ${moved.join('; ')}`,
          { hint: 'look at it and run the command again: it plans anew' },
        );
      }
      await handOver(context, step);
    } catch (error) {
      if (context.signal.aborted) throw interruptedBefore(step, rest);
      throw error;
    }
    await takeStep(context, fleet, step, rest);
  }
}

const isUnderWay = ({ plan: { unfinished } }: Step): boolean =>
  unfinished !== undefined && unfinished.state !== 'preparing';

/** An earlier run has done all to the node but prove and confirm it: nothing is restarted there. */
const isSettled = ({ plan: { unfinished, changes } }: Step): boolean =>
  unfinished?.state === 'placed' && !changes.length;

/** A restart of the leader is an election; handing over first spares clients that pause. */
async function handOver({ observer, tell }: ApplyContext, { master, plan }: Step): Promise<void> {
  if (!plan.pods.some(({ pod, kind }) => pod === 'etcd' && kind !== 'start')) return;
  const to = await observer.moveLeader(master.name);
  if (to !== undefined) tell({ kind: 'leader-moved', node: master.name, to });
}

async function takeStep(context: ApplyContext, fleet: Fleet, step: Step, rest: readonly Step[]): Promise<void> {
  const { master, revision, hasBefore } = step;
  const confirmSeconds = hasBefore ? context.confirmSeconds : 0;
  const began = performance.now();
  let unmet: readonly string[];
  try {
    unmet = await putInPlace(context, step, { confirmSeconds, heartbeat: true, podsFirst: hasBefore });
  } catch (error) {
    if (context.signal.aborted) throw interruptedError(master.name, confirmSeconds, rest);
    // another has the lock now, or nothing could be begun: nothing is ours to take back
    if (error instanceof BootstrapError && (error.code === 'locked' || error.code === 'refused')) throw error;
    unmet = [error instanceof Error ? bare(master.name, error) : String(error)];
  }
  if (!unmet.length) return commitStep(context, step, { began, confirmSeconds });
  throw new BootstrapError(
    'failed',
    [
      `revision ${revision} does not work on ${master.name}: ${unmet.join('; ')}`,
      ...(await takeBack(context, fleet, step, unmet, rest)),
      ...untouched(rest),
    ].join('\n'),
    { hint: 'mend cluster.yaml and run `bootstrap apply` again' },
  );
}

const untouched = (rest: readonly Step[]): readonly string[] =>
  rest.length ? [`not touched: ${rest.map(({ master }) => master.name).join(', ')}`] : [];

/** What became of the node, in lines. */
async function takeBack(
  context: ApplyContext,
  fleet: Fleet,
  step: Step,
  unmet: readonly string[],
  rest: readonly Step[],
): Promise<readonly string[]> {
  const { tell, confirmSeconds } = context;
  const { master } = step;
  const { name } = master;
  const words = await lastWords(master, unmet);
  const lines = words ? [words] : [];
  if (!step.hasBefore)
    return [...lines, `${name} had nothing good before that it could go back to: it is left to be looked at`];
  try {
    // it may have run for hours, and others may have come to depend on it
    if (isSettled(step)) await passGates(context, name, fleet.size, () => unrest(context, fleet, step, rest));
    tell({ kind: 'reverting', node: name, why: unmet });
    await revertStep(master, unmet.join('; '));
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    const byItself = `within ${confirmSeconds} s it goes back by itself, unless \`bootstrap apply\` comes before`;
    return [...lines, `${name} could not be taken back: ${bare(name, error)}`, byItself];
  }
  const well = await isWellAgain(context, master, step.plan.kubelet !== 'none');
  tell({ kind: 'reverted', node: name, well });
  if (well) return [...lines, `${name} is back at what it had, and well`];
  const when = context.signal.aborted ? 'when this was interrupted' : `within ${RECOVERY} s`;
  return [...lines, `${name} is back at what it had, but not well ${when}: \`bootstrap status\` shows more`];
}

/**
 * Whether a node that has gone back is well, judged by what lies there again, whoever put it there: its manifests say what
 * must run. Waits for that.
 */
export async function isWellAgain(
  { observer, signal }: Pick<ApplyContext, 'observer' | 'signal'>,
  master: Master,
  heartbeat: boolean,
): Promise<boolean> {
  try {
    const found = await observer.asFound(master);
    await observer.begin(found, { stops: [], changed: [], heartbeat });
    const look = async () => judge(await observer.proofs(found));
    return !(await waitFor(look, { seconds: RECOVERY, pauseMs: 500, signal })).length;
  } catch {
    // it is not known to be well: that is what is said then
    return false;
  }
}

/** Milliseconds after which a node that has gone back by itself is taken for being at rest. */
const JUST = 120_000;

/** What is under way on other nodes, in words. */
async function unrest(
  { observer }: ApplyContext,
  { masters, request }: Fleet,
  { master: own }: Step,
  rest: readonly Step[],
): Promise<readonly string[]> {
  // an earlier run has begun them together, where nothing was to be lost; one of them has to be the first
  const ours = new Set(rest.filter(isUnderWay).map(({ master }) => master.name));
  const look = async (master: Master): Promise<readonly string[]> => {
    const { transaction, reverted, clock } = await master.agent.facts(request(master));
    if (transaction && transaction.state !== 'preparing' && !ours.has(master.name))
      return [`revision ${transaction.to} on ${master.name} is not confirmed yet`];
    // its pods may be about to be replaced, and still look well
    if (!reverted || clock - Date.parse(reverted.at) > JUST) return [];
    const seen = judge(await observer.proofs(await observer.asFound(master)));
    return seen.kind === 'good'
      ? []
      : [`${master.name} has just taken revision ${reverted.revision} back: ${seen.unmet.join('; ')}`];
  };
  const found = await Promise.all(
    masters
      .filter((master) => master.name !== own.name)
      .map((master) =>
        look(master).catch((error: unknown) => {
          if (!(error instanceof BootstrapError)) throw error;
          return [`${master.name} cannot be asked: ${bare(master.name, error)}`];
        }),
      ),
  );
  return found.flat();
}

export function interruptedError(node: string, confirmSeconds: number, rest: readonly Step[] = []): BootstrapError {
  return new BootstrapError(
    'failed',
    [`interrupted while ${node} was proving its new revision`, ...untouched(rest)].join('\n'),
    {
      hint: confirmSeconds
        ? `\`bootstrap apply\` goes on from here; without it, ${node} goes back to what it had within ${confirmSeconds} s`
        : '`bootstrap apply` goes on from here',
    },
  );
}

function interruptedBefore(step: Step, rest: readonly Step[]): BootstrapError {
  return new BootstrapError('failed', ['interrupted', ...untouched([step, ...rest])].join('\n'), {
    hint: '`bootstrap apply` goes on from here',
  });
}
