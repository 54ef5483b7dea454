import { BootstrapError } from '../../base/errors.ts';
import type { ApplyContext } from './context.ts';
import { interruptedError } from './roll.ts';
import { lastWords, putInPlace, type Step } from './step.ts';

/**
 * All masters at once, for where there is no quorum that could be lost: etcd's founding members need each other to
 * start. What does not come up stays as it is, to be looked at; the next run goes on from there.
 * @throws BootstrapError `failed` saying of each node what was seen
 */
export async function bringUpTogether(context: ApplyContext, steps: readonly Step[]): Promise<void> {
  const { tell } = context;
  const began = performance.now();
  const outcomes = await Promise.allSettled(
    // nothing takes it back: there is nothing good to go back to
    steps.map(async (step) => ({ step, unmet: await putInPlace(context, step, 0) })),
  );
  if (context.signal.aborted) throw interruptedError('the cluster', 0);
  const broken = outcomes.find((outcome) => outcome.status === 'rejected');
  if (broken) throw broken.reason;
  const seen = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = seen.filter(({ unmet }) => unmet.length);
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
  for (const { step } of seen) {
    await step.master.agent.commit(step.revision);
    tell({
      kind: 'committed',
      node: step.master.name,
      revision: step.revision,
      seconds: (performance.now() - began) / 1000,
    });
  }
}
