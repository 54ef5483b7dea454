import { BootstrapError } from '../../base/errors.ts';
import type { UnifiedDiff } from '../../base/unified-diff.ts';
import { obstaclesOn } from '../obstacles.ts';
import { makePlan } from '../plan/make-plan.ts';
import { observedDigest } from '../plan/observed.ts';
import { nodeChanges } from '../plan/plan-node.ts';
import type { ObjectChange, Plan } from '../plan.ts';
import { factsRequest, planMaster, type Survey, type Surveyed, survey } from '../survey.ts';
import type { ApplyContext } from './context.ts';
import type { Master } from './master.ts';
import type { Observer } from './observer.ts';
import { type Fleet, interruptedError, rollOut } from './roll.ts';
import { passGates, type Step } from './step.ts';
import { bringUpTogether } from './together.ts';
import { waitFor } from './wait-for.ts';

/** All that a plan is made from besides what is found on the nodes. */
export interface Undertaking extends Surveyed {
  readonly cluster: string;
  /** Nodes that are worked on. */
  readonly chosen: ReadonlySet<string>;
  readonly diff: UnifiedDiff;
  /** What would change among the API objects; undefined where no apiserver answers. */
  readonly objectChanges: (view: Survey['view']) => Promise<readonly ObjectChange[] | undefined>;
  readonly now: () => number;
  /** Sees to it that the node has what is wanted as a revision; its number. */
  readonly bring: (master: Master) => Promise<number>;
}

export interface Planned {
  readonly plan: Plan;
  readonly survey: Survey;
  /** What stands in the way on machines that the plan would change: each begins with the node's name. */
  readonly obstacles: readonly string[];
}

/** What `apply` would do now. @throws BootstrapError where nodes cannot be read, or `refused` in a state that nothing here can mend */
export async function planAll(undertaking: Undertaking, observer: Observer): Promise<Planned> {
  const { masters, chosen, cluster, diff, now } = undertaking;
  const found = await survey(undertaking, observer);
  const [objects, ...nodes] = await Promise.all([
    undertaking.objectChanges(found.view),
    ...masters
      .filter(({ name }) => chosen.has(name))
      .map((master) => planMaster(master, factsOf(found, master), now(), diff)),
  ]);
  const plan = makePlan({ cluster, situation: found.situation, nodes, objects });
  const obstacles = plan.nodes.filter(nodeChanges).flatMap(({ node }) => {
    const master = named(undertaking, node);
    return obstaclesOn(factsOf(found, master), master.bundle, now()).map((what) => `${node}: ${what}`);
  });
  return { plan, survey: found, obstacles };
}

/**
 * Carries a plan out. What an earlier run has left unfinished is finished where it is what is wanted now, and taken back
 * before anything else where it is not.
 */
export async function carryOut(context: ApplyContext, undertaking: Undertaking, planned: Planned): Promise<void> {
  const { plan } = (await takeBackOthers(context, undertaking, planned))
    ? await planAll(undertaking, context.observer)
    : planned;
  const wanted = plan.nodes.filter(nodeChanges);
  if (!wanted.length) return;
  const steps = await Promise.all(
    wanted.map(async (nodePlan): Promise<Step> => {
      const master = named(undertaking, nodePlan.node);
      const revision = await undertaking.bring(master);
      context.tell({ kind: 'staged', node: master.name, revision });
      return { master, plan: nodePlan, revision };
    }),
  );
  const together = plan.mode !== 'rolling';
  context.tell({ kind: 'order', nodes: steps.map(({ master }) => master.name), together });
  if (together) await bringUpTogether(context, steps);
  else await rollOut(context, fleetOf(undertaking), steps);
}

/** @throws BootstrapError `refused` naming everything that stands in the way on the machines */
export function refuseObstacles({ obstacles }: Planned): void {
  if (!obstacles.length) return;
  throw new BootstrapError('refused', ['this stands in the way, so nothing was changed:', ...obstacles].join('\n  '));
}

function fleetOf({ masters }: Undertaking): Fleet {
  return {
    masters,
    request: factsRequest,
    moved: async ({ master, plan }) => {
      const facts = await master.agent.facts(factsRequest(master));
      return observedDigest(facts, master.bundle) === plan.observed ? [] : ['its files are not as they were'];
    },
  };
}

/** Takes back revisions that were put in place, never confirmed, and are not what is wanted; whether there were any. */
async function takeBackOthers(
  context: ApplyContext,
  undertaking: Undertaking,
  { plan, survey }: Planned,
): Promise<boolean> {
  const { observer, signal, tell } = context;
  const others = plan.nodes.flatMap(({ node }) => {
    const master = named(undertaking, node);
    const { transaction } = factsOf(survey, master);
    return transaction && transaction.state !== 'preparing' && transaction.digest !== master.digest
      ? [{ master, revision: transaction.to }]
      : [];
  });
  for (const { master, revision } of others) {
    const fleet = fleetOf(undertaking);
    if (plan.mode === 'rolling') {
      await passGates(context, master.name, fleet.masters, async () => new Map());
    }
    tell({
      kind: 'reverting',
      node: master.name,
      why: [`revision ${revision} was never confirmed and is not what is wanted`],
    });
    await master.agent.revert('another revision is wanted');
    await observer.refresh(master);
    if (plan.mode !== 'rolling') continue;
    const look = async () =>
      (await observer.cluster()).readyApis.has(master.name)
        ? ({ kind: 'good' } as const)
        : ({ kind: 'not-yet', unmet: ['its apiserver is not ready'] } as const);
    const unmet = await waitFor(look, { seconds: context.proofSeconds, pauseMs: 500, signal });
    tell({ kind: 'reverted', node: master.name, well: !unmet.length });
  }
  if (signal.aborted) throw interruptedError('the cluster', 0);
  return others.length > 0;
}

function named({ masters }: Pick<Undertaking, 'masters'>, name: string): Master {
  const master = masters.find((each) => each.name === name);
  if (!master) throw new Error(`no way to ${name} was opened`);
  return master;
}

function factsOf({ facts }: Survey, { name }: Master) {
  const found = facts.get(name);
  if (!found) throw new Error(`${name} was not looked at`);
  return found;
}
