import { BootstrapError } from '../../base/errors.ts';
import { bare } from '../bare.ts';
import type { ApplyContext } from './context.ts';
import { interruptedError } from './roll.ts';
import { commitStep, lastWords, putInPlace, type Step } from './step.ts';

/**
 * All masters at once, for where there is no quorum that could be lost: etcd's founding members need each other to
 * start. What does not come up stays as it is, to be looked at; the next run goes on from there.
 * @throws BootstrapError `failed` saying of each node what was seen
 */
export async function bringUpTogether(context: ApplyContext, steps: readonly Step[]): Promise<void> {
  const began = performance.now();
  let isLost = false;
  const outcomes = await Promise.all(
    steps.map(async (step) => {
      try {
        // nothing takes it back: there is nothing good to go back to
        const unmet = await putInPlace(context, step, { confirmSeconds: 0, heartbeat: false, isLost: () => isLost });
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
  if (failed.length) {
    const reports = await Promise.all(
      failed.map(async ({ step: { master }, unmet }) =>
        [`${master.name}: ${unmet.join('; ')}`, await lastWords(master, unmet)].filter(Boolean).join('\n'),
      ),
    );
    throw new BootstrapError('failed', ['the control plane has not come up', ...reports].join('\n'), {
      hint: 'everything is left in place to be looked at; mend it and run `bootstrap apply` again',
    });
  }
  // each for itself: what works must not wait for a node that has gone
  const ends = await Promise.allSettled(
    outcomes.map(({ step }) => commitStep(context, step, { began, confirmSeconds: 0 })),
  );
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken) throw broken.reason;
}
