import { BootstrapError } from '../../base/errors.ts';
import { planAll } from '../../rollout/apply/apply.ts';
import { nodeChanges } from '../../rollout/plan/plan-node.ts';
import type { Produced } from '../produce.ts';
import { undertakingOf } from '../rollout/undertaking.ts';
import type { RotationContext } from './context.ts';

/**
 * A rotation begins in a cluster where all is well and nothing else waits to be applied: what goes wrong afterwards is its
 * own doing then, and its phases change nothing but what it is about.
 * @throws BootstrapError `refused` saying what is not so
 */
export async function refuseUnlessWell({ run, crew }: RotationContext, produced: Produced): Promise<void> {
  const { loaded } = run;
  const nodes = loaded.cluster.nodes.map(({ name }) => name);
  const undertaking = await undertakingOf(loaded, produced, crew, new Set(nodes));
  const { plan, survey, obstacles } = await planAll(undertaking, crew.observer);
  const { readyApis, etcd } = survey.situation;
  const changing = plan.nodes.filter(nodeChanges).map(({ node }) => node);
  const notReady = nodes.filter((node) => !readyApis.has(node));
  const ailing = etcd ? nodes.filter((node) => !etcd.healthy.has(node)) : [];
  const wrong = [
    ...(changing.length
      ? [`${changing.join(', ')}: not as the cluster file says; \`bootstrap plan\` shows what differs`]
      : []),
    ...(notReady.length ? [`${notReady.join(', ')}: the apiserver is not ready`] : []),
    ...(ailing.length ? [`${ailing.join(', ')}: the etcd member is not healthy`] : []),
    ...obstacles,
  ];
  if (!wrong.length) return;
  throw new BootstrapError('refused', ['a rotation is begun only where all is well:', ...wrong].join('\n  '), {
    hint: changing.length ? 'run `bootstrap apply` first' : '`bootstrap status` shows more',
  });
}
