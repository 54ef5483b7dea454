import { BootstrapError } from '../../base/errors.ts';
import type { ApplyContext } from '../apply/context.ts';
import { withNodeLocks } from '../apply/locks.ts';
import { commitStep, putAndProve, revertStep, type Step } from '../apply/step.ts';
import { bare } from '../bare.ts';
import { observedDigest } from '../plan/observed.ts';
import { nodeChanges } from '../plan/plan-node.ts';
import type { NodePlan } from '../plan.ts';
import { factsRequest } from '../survey.ts';
import { transactionJournal } from '../transaction-journal.ts';
import type { PlainNode } from './plain-node.ts';
import { type PlainPlan, type PlainPlanOptions, planPlainNode } from './plan-plain.ts';
import { plainProver } from './prover.ts';
import { takeBack } from './take-back.ts';

/** What all steps on plain nodes of one run have in common. */
export interface PlainContext
  extends PlainPlanOptions,
    Pick<ApplyContext, 'tell' | 'signal' | 'proofSeconds' | 'confirmSeconds'> {
  /** The same for a node that was never delivered anything: every image has yet to be pulled there. */
  readonly bootSeconds: number;
  /** Who takes the nodes' locks. */
  readonly who: string;
  /** Sees to it that the node has what is wanted as a revision; its number. */
  readonly bring: (node: PlainNode) => Promise<number>;
  /** Milliseconds for which what was started must go on; 5 s where nothing is said. */
  readonly settleMs?: number;
}

/** How a step has ended. */
export type PlainEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: BootstrapError }
  /** By the user; `confirmSeconds` where the node takes back by itself what was put in place there. */
  | { readonly kind: 'interrupted'; readonly isPlaced: boolean; readonly confirmSeconds: number };

const SETTLE = 5000;

/** One node: what is unfinished there settled, the revision brought, put in place, proven, and kept or taken back. */
export async function takeStep(context: PlainContext, planned: PlainPlan): Promise<PlainEnd> {
  const { signal, who } = context;
  const { node } = planned;
  const begun = { isPlaced: false, confirmSeconds: 0 };
  try {
    return await withNodeLocks([node.agent], who, async () => {
      const due = await settled(context, planned);
      return due ? bringAndProve(context, due, begun) : { kind: 'done' };
    });
  } catch (error) {
    if (signal.aborted) return { kind: 'interrupted', ...begun };
    if (!(error instanceof BootstrapError)) throw error;
    return { kind: 'failed', error };
  }
}

/** What is to be done on the node once nothing is unfinished there that is not wanted; undefined where nothing is. */
async function settled(context: PlainContext, planned: PlainPlan): Promise<PlainPlan | undefined> {
  const { node, plan } = planned;
  const { agent, bundle, digest, name } = node;
  const facts = await agent.facts(factsRequest(node));
  if (observedDigest(facts, bundle) !== plan.observed) {
    throw new BootstrapError('refused', `${name} has changed since it was planned: its files are not as they were`, {
      hint: 'look at it and run the command again: it plans anew',
    });
  }
  const { transaction } = facts;
  if (!transaction || transaction.state === 'preparing' || transaction.digest === digest) return planned;
  const why = `revision ${transaction.to} was never confirmed and is not what is wanted`;
  context.tell({ kind: 'reverting', node: name, why: [why] });
  await revertStep(node, 'another revision is wanted');
  const anew = await planPlainNode(node, context);
  return nodeChanges(anew.plan) ? anew : undefined;
}

async function bringAndProve(
  context: PlainContext,
  { node, plan, facts }: PlainPlan,
  begun: { isPlaced: boolean; confirmSeconds: number },
): Promise<PlainEnd> {
  const { tell, signal, settleMs = SETTLE } = context;
  const isHere = plan.unfinished !== undefined && plan.unfinished.state !== 'preparing';
  const revision = isHere && plan.unfinished ? plan.unfinished.revision : await context.bring(node);
  tell({ kind: 'staged', node: node.name, revision });
  const hasBefore = await hadBefore(node, plan, isHere);
  const step: Step = { master: node, plan, revision, hasBefore };
  const proofSeconds = hasBefore ? context.proofSeconds : context.bootSeconds;
  const confirmSeconds = hasBefore ? context.confirmSeconds : 0;
  const prover = plainProver(node, { settleMs: Math.min(settleMs, (proofSeconds * 1000) / 4), isPlaced: isHere });
  const began = performance.now();
  // a pod that only starts may wait for what its new kubelet no longer runs
  const podsFirst = hasBefore && (isHere || plan.pods.some(({ kind }) => kind !== 'start'));
  Object.assign(begun, { isPlaced: true, confirmSeconds });
  let unmet: readonly string[];
  try {
    unmet = await putAndProve({ tell, signal, proofSeconds }, prover, step, {
      confirmSeconds,
      heartbeat: true,
      podsFirst,
    });
  } catch (error) {
    // another has the lock now, or nothing could be begun: nothing is ours to take back
    const isNotOurs = error instanceof BootstrapError && (error.code === 'locked' || error.code === 'refused');
    if (signal.aborted || isNotOurs) throw error;
    unmet = [error instanceof Error ? bare(node.name, error) : String(error)];
  }
  if (unmet.length) {
    const taken = { node, step, prover, confirmSeconds, wasActive: facts.kubelet.active === 'active' };
    return { kind: 'failed', error: await takeBack(context, taken, unmet) };
  }
  const what = prover.unproven();
  if (what.length) tell({ kind: 'unproven', node: node.name, what });
  await commitStep(context, step, { began, confirmSeconds });
  return { kind: 'done' };
}

/** Whether there were files at these places before this revision, whoever had put them there: something to go back to. */
async function hadBefore({ agent }: PlainNode, plan: NodePlan, isHere: boolean): Promise<boolean> {
  if (plan.currentRevision !== undefined) return true;
  if (!isHere) return plan.changes.some(({ before }) => before !== undefined);
  const journal = await transactionJournal(agent);
  return /^(?:change|remove)\t/m.test(journal);
}
