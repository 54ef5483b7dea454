import { BootstrapError } from '../../base/errors.ts';
import type { ApplyContext } from '../apply/context.ts';
import { lastWords, revertStep, type Step } from '../apply/step.ts';
import { waitFor } from '../apply/wait-for.ts';
import { bare } from '../bare.ts';
import { kubeletWords } from './kubelet-words.ts';
import type { PlainNode } from './plain-node.ts';
import type { PlainProver } from './prover.ts';

/** Seconds in which a node must be well again after its revision was taken back. */
const RECOVERY = 120;

export interface Taken {
  readonly node: PlainNode;
  readonly step: Step;
  readonly prover: PlainProver;
  readonly confirmSeconds: number;
  /** The kubelet was active before. */
  readonly wasActive: boolean;
}

/**
 * Takes back what has not proven itself, where there is anything to go back to.
 * @returns what is to be said of it: why, the last lines of those that are to blame, and what became of the node
 */
export async function takeBack(
  context: Pick<ApplyContext, 'tell' | 'signal'>,
  taken: Taken,
  unmet: readonly string[],
): Promise<BootstrapError> {
  const { node, step } = taken;
  // afterwards its containers are gone, and their logs with them
  const words = [await lastWords(node, unmet), await kubeletWords(node, unmet)].filter(Boolean);
  const lines = [
    `revision ${step.revision} does not work on ${node.name}: ${unmet.join('; ')}`,
    ...words,
    await reverted(context, taken, unmet),
  ];
  return new BootstrapError('failed', lines.join('\n'), { hint: 'mend cluster.yaml and run `bootstrap apply` again' });
}

async function reverted(
  { tell, signal }: Pick<ApplyContext, 'tell' | 'signal'>,
  { node, step, prover, confirmSeconds, wasActive }: Taken,
  unmet: readonly string[],
): Promise<string> {
  const { name } = node;
  if (!step.hasBefore) return `${name} had nothing before that it could go back to: it is left to be looked at`;
  tell({ kind: 'reverting', node: name, why: unmet });
  try {
    await revertStep(node, unmet.join('; '));
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    const byItself = `within ${confirmSeconds} s it goes back by itself, unless \`bootstrap apply\` comes before`;
    return `${name} could not be taken back: ${bare(name, error)}\n${byItself}`;
  }
  const well = await isWellAgain(prover, wasActive, signal);
  tell({ kind: 'reverted', node: name, well });
  // what started a kubelet is not undone by starting it again: node.sh leaves one that somebody else had set up alone
  if (wasActive && step.plan.currentRevision === undefined && step.plan.kubelet === 'start') {
    return `${name} has its old files again, but its kubelet reads them at its next start only: \`systemctl restart kubelet\` there`;
  }
  if (well) return `${name} is back at what it had, and well`;
  const when = signal.aborted ? 'when this was interrupted' : `within ${RECOVERY} s`;
  return `${name} is back at what it had, but not well ${when}: \`bootstrap status\` shows more`;
}

async function isWellAgain(prover: PlainProver, wasActive: boolean, signal: AbortSignal): Promise<boolean> {
  try {
    const look = () => prover.isBack(wasActive);
    return !(await waitFor(look, { seconds: RECOVERY, pauseMs: 500, signal })).length;
  } catch {
    // it is not known to be well: that is what is said then
    return false;
  }
}
