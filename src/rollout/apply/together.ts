import { BootstrapError } from '../../base/errors.ts';
import { bare } from '../bare.ts';
import type { Mode } from '../plan.ts';
import type { ApplyContext } from './context.ts';
import { interruptedError } from './roll.ts';
import { commitStep, lastWords, putInPlace, type Step } from './step.ts';

const NOT_UP = [
  'the control plane has not come up',
  'everything is left in place to be looked at; mend it and run `bootstrap apply` again',
] as const;
const NOT_WELL = [
  'the new certificates are in place, but the control plane is not well',
  'nothing is taken back, for what was there before has expired: `bootstrap status` shows more, `bootstrap apply` goes on from here',
] as const;

/**
 * All masters at once, for where there is no quorum that could be lost: etcd's founding members need each other to
 * start, and those with new certificates do not speak to those with expired ones. What does not come up stays as it is,
 * to be looked at; the next run goes on from there.
 * @throws BootstrapError `failed` saying of each node what was seen
 */
export async function bringUpTogether(context: ApplyContext, steps: readonly Step[], mode: Mode): Promise<void> {
  const began = performance.now();
  const isRenewal = mode === 'renewal';
  const [failure, hint] = isRenewal ? NOT_WELL : NOT_UP;
  // at a first boot there is no apiserver yet that a kubelet could have spoken to
  const options = { confirmSeconds: 0, heartbeat: isRenewal } as const;
  let isLost = false;
  const outcomes = await Promise.all(
    steps.map(async (step) => {
      try {
        // nothing takes it back: there is nothing good to go back to
        const unmet = await putInPlace(context, step, { ...options, isLost: () => isLost });
        return { step, unmet };
      } catch (error) {
        // the others may wait for this one for ever
        isLost = true;
        if (!(error instanceof BootstrapError) && !context.signal.aborted) throw error;
        return { step, unmet: [error instanceof Error ? bare(step.master.name, error) : String(error)], error };
      }
    }),
  );
  if (context.signal.aborted && outcomes.some(({ unmet }) => unmet.length)) throw interruptedError('the cluster', 0);
  const failed = outcomes.filter(({ unmet }) => unmet.length);
  const commit = async () => {
    // each for itself: what works must not wait for a node that has gone
    const well = outcomes.filter(({ unmet }) => !unmet.length);
    const ends = await Promise.allSettled(
      well.map(({ step }) => commitStep(context, step, { began, confirmSeconds: 0 })),
    );
    const broken = ends.find((end) => end.status === 'rejected');
    if (broken) throw broken.reason;
  };
  if (failed.length) {
    // founding members are none before all are; new certificates are good wherever they work
    if (isRenewal) await commit();
    const reports = await Promise.all(
      failed.map(async ({ step: { master }, unmet }) =>
        [`${master.name}: ${unmet.join('; ')}`, await lastWords(master, unmet)].filter(Boolean).join('\n'),
      ),
    );
    throw new BootstrapError('failed', [failure, ...reports].join('\n'), { hint });
  }
  await commit();
}
