import type { BootstrapError } from '../../base/errors.ts';
import { loadUnifiedDiff } from '../../base/unified-diff.ts';
import { type Planned, planAll, type Undertaking } from '../../rollout/apply/apply.ts';
import { type PlainPlan, planPlain } from '../../rollout/plain/plan-plain.ts';
import { planWithoutMasters } from '../../rollout/plan/make-plan.ts';
import type { Plan } from '../../rollout/plan.ts';
import type { Crew } from './crew.ts';
import { refuseUnreached } from './unreached.ts';

/** What a rollout would do: to the masters together, and to each plain node for itself. */
export interface Outlook {
  readonly plan: Plan;
  /** Undefined where no master was chosen, or there is none: then none is looked at, and no API object either. */
  readonly masters: { readonly undertaking: Undertaking; readonly planned: Planned } | undefined;
  readonly plain: readonly PlainPlan[];
  /** What stands in the way on machines that the plan would change: each begins with the node's name. */
  readonly obstacles: readonly string[];
  /** Chosen plain nodes that cannot be reached, and why: they are in no plan. */
  readonly unreached: ReadonlyMap<string, BootstrapError>;
}

export interface OutlookInput {
  readonly cluster: string;
  readonly crew: Crew;
  readonly chosen: ReadonlySet<string>;
  /** Of the masters; undefined where none is worked on. */
  readonly undertaking: Undertaking | undefined;
  /** What is published for the kubelets to poll, as it would change. */
  readonly served?: Plan['served'];
}

/** @throws BootstrapError where nodes cannot be read, none can be reached, or `refused` in a state that nothing here can mend */
export async function outlookOf(input: OutlookInput): Promise<Outlook> {
  const { cluster, crew, chosen, undertaking, served = [] } = input;
  const planned = undertaking && (await planAll(undertaking, crew.observer));
  const plain = await planPlain(
    crew.plainNodes.filter(({ name }) => chosen.has(name)),
    { diff: await loadUnifiedDiff(), now: Date.now },
  );
  const plainNodes = plain.plans.map(({ plan }) => plan);
  const isMaster = (name: string) => undertaking?.nodes.includes(name) === true;
  const away = [...crew.unreachable].filter(([name]) => chosen.has(name) && !isMaster(name));
  const unreached = new Map([...away, ...plain.unreachable]);
  if (!planned && !plainNodes.length) refuseUnreached(unreached);
  return {
    plan: {
      ...(planned?.plan ?? planWithoutMasters(cluster)),
      plainNodes,
      served,
      expired: new Map([...(planned?.plan.expired ?? []), ...expiredOf(plain.plans)]),
    },
    masters: undertaking && planned && { undertaking, planned },
    plain: plain.plans,
    obstacles: [...(planned?.obstacles ?? []), ...plain.obstacles],
    unreached,
  };
}

function expiredOf(plans: readonly PlainPlan[]): Plan['expired'] {
  const over = plans.filter(({ expired: { certificates, kubelet } }) => certificates.length || kubelet);
  return new Map(over.map(({ node, expired }) => [node.name, expired]));
}
