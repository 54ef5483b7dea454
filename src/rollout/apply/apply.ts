import { BootstrapError } from '../../base/errors.ts';
import type { UnifiedDiff } from '../../base/unified-diff.ts';
import type { NodeFacts } from '../node-facts.ts';
import { obstaclesOn } from '../obstacles.ts';
import { expiredOn } from '../plan/expired.ts';
import { makePlan } from '../plan/make-plan.ts';
import { observedDigest } from '../plan/observed.ts';
import { modeOf } from '../plan/order.ts';
import { nodeChanges } from '../plan/plan-node.ts';
import { beyondRenewal } from '../plan/renewal.ts';
import type { NodePlan, ObjectChange, Plan } from '../plan.ts';
import type { ManifestText } from '../probe/endpoints.ts';
import { revisionBundle } from '../revision-bundle.ts';
import { ETCD_MANIFEST, factsRequest, planMaster, type Survey, type Surveyed, survey } from '../survey.ts';
import { transactionJournal } from '../transaction-journal.ts';
import type { ApplyContext } from './context.ts';
import type { Master } from './master.ts';
import type { Observer } from './observer.ts';
import { judge } from './proofs.ts';
import { type Fleet, interruptedError, isWellAgain, rollOut } from './roll.ts';
import { commitStep, passGates, revertStep, type Step } from './step.ts';
import { bringUpTogether } from './together.ts';
import { patient, type Seen, waitFor } from './wait-for.ts';
import { manifestsOf } from './wanted.ts';

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
      .map((master) => planMaster(master, factsOf(found, master), found.expired.get(master.name), now(), diff)),
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
 * @throws BootstrapError `refused` where the cluster is no longer what the plan was made for
 */
export async function carryOut(context: ApplyContext, undertaking: Undertaking, planned: Planned): Promise<void> {
  const { plan, survey } = (await takeBackOthers(context, undertaking, planned))
    ? await planAll(undertaking, context.observer)
    : planned;
  const wanted = plan.nodes.filter(nodeChanges);
  if (!wanted.length) return;
  const steps = await Promise.all(
    wanted.map(async (nodePlan): Promise<Step> => {
      const master = named(undertaking, nodePlan.node);
      const { transaction } = factsOf(survey, master);
      // what is in place already is finished under its own number
      const isHere = transaction && transaction.state !== 'preparing';
      const revision = isHere ? transaction.to : await undertaking.bring(master);
      context.tell({ kind: 'staged', node: master.name, revision });
      const hasBefore = (await hadBefore(master, nodePlan, isHere === true)) && !mendsExpired(nodePlan, survey);
      return { master, plan: nodePlan, revision, hasBefore };
    }),
  );
  const fleet = fleetOf(undertaking);
  const together = plan.mode !== 'rolling';
  context.tell({ kind: 'order', nodes: steps.map(({ master }) => master.name), together });
  if (!together) return rollOut(context, fleet, steps);
  await refuseWhereMoved(context, undertaking, plan, steps);
  await bringUpTogether(context, steps, plan.mode);
}

/** A step that brings nothing but valid certificates in the place of expired ones: to take it back helps nobody. */
function mendsExpired(plan: NodePlan, { expired }: Survey): boolean {
  return Boolean(expired.get(plan.node)?.certificates.length) && !beyondRenewal(plan).length;
}

/** Whether what the node would go back to holds certificates that have expired by now. */
async function hadExpired({ agent }: Master, { currentRevision }: NodePlan, facts: NodeFacts): Promise<boolean> {
  const bundle = currentRevision === undefined ? undefined : await revisionBundle(agent, currentRevision);
  if (!bundle) return false;
  return expiredOn({ bundle, facts, contents: new Map(), kubeletIdentity: '' }).wanted.length > 0;
}

/** Whether there was a control plane on the node before this revision, whoever had put it there. */
async function hadBefore({ agent }: Master, plan: NodePlan, isHere: boolean): Promise<boolean> {
  if (plan.currentRevision !== undefined) return true;
  if (!isHere) return plan.changes.some(({ effect, before }) => effect.kind === 'manifest' && before !== undefined);
  const journal = await transactionJournal(agent);
  return /^(?:change|remove)\tmanifest\t/m.test(journal);
}

/**
 * Where all masters are worked on at once, nothing may have come to life since it was decided: the question may have
 * waited for its answer for hours, and machines that had lost their power come back.
 */
async function refuseWhereMoved(
  { observer }: ApplyContext,
  undertaking: Undertaking,
  plan: Plan,
  steps: readonly Step[],
): Promise<void> {
  const { facts, situation } = await survey(undertaking, observer);
  const moved = steps.filter(({ master, plan: { observed } }) => {
    const found = facts.get(master.name);
    return !found || observedDigest(found, master.bundle) !== observed;
  });
  // a renewal restarts no pod, whoever answers by now
  const isAlive = modeOf(situation, plan.nodes) !== plan.mode && plan.mode !== 'renewal';
  if (!isAlive && !moved.length) return;
  throw new BootstrapError(
    'refused',
    isAlive
      ? 'the control plane has come to life since this was planned: its masters are not restarted all at once'
      : `${moved.map(({ master }) => master.name).join(', ')} changed since this was planned`,
    { hint: 'run the command again: it plans anew' },
  );
}

/** @throws BootstrapError `refused` naming everything that stands in the way on the machines */
export function refuseObstacles({ obstacles }: Pick<Planned, 'obstacles'>): void {
  if (!obstacles.length) return;
  throw new BootstrapError('refused', ['this stands in the way, so nothing was changed:', ...obstacles].join('\n  '));
}

function fleetOf({ masters, nodes }: Undertaking): Fleet {
  return {
    masters,
    size: nodes.length,
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
  const others = plan.nodes.flatMap((nodePlan) => {
    const master = named(undertaking, nodePlan.node);
    const { transaction } = factsOf(survey, master);
    return transaction && transaction.state !== 'preparing' && transaction.digest !== master.digest
      ? [{ master, revision: transaction.to, nodePlan }]
      : [];
  });
  const isRolling = plan.mode === 'rolling';
  for (const { master, revision, nodePlan } of others) {
    const node = master.name;
    if (signal.aborted) throw interruptedError(node, 0);
    // without it the node would have no control plane, or one that nobody can connect to, and the others might need its
    // member of etcd
    const isBetter =
      isRolling &&
      (!(await hadBefore(master, nodePlan, true)) || (await hadExpired(master, nodePlan, factsOf(survey, master))));
    if (isBetter && (await finished(context, master, revision))) continue;
    if (isRolling) await passGates(context, node, undertaking.nodes.length, async () => []);
    tell({ kind: 'reverting', node, why: [`revision ${revision} was never confirmed and is not what is wanted`] });
    await revertStep(master, 'another revision is wanted');
    await observer.refresh(master);
    // that its pods have gone back, not just its files, must be seen before another node may be touched
    if (isRolling) tell({ kind: 'reverted', node, well: await isWellAgain(context, master, false) });
  }
  if (others.length && !isRolling)
    await ended(
      context,
      others.map(({ master }) => master),
    );
  return others.length > 0;
}

/**
 * Finishes and commits a node's first revision that is any good, though another one is wanted by now: it is something to
 * go back to, and the wanted one follows in good order. False where it does not work.
 */
async function finished(context: ApplyContext, master: Master, revision: number): Promise<boolean> {
  const { observer, gateSeconds, signal, tell } = context;
  const began = performance.now();
  await master.agent.activate(revision, { kubelet: 'none', confirmSeconds: 0 });
  const found = await observer.asFound(master);
  await observer.begin(found, { stops: [], changed: [], heartbeat: false });
  const look = () => patient(master.name, async () => judge(await observer.proofs(found)), ['unreachable', 'failed']);
  const onUnmet = (unmet: readonly string[]) => tell({ kind: 'proof', node: master.name, unmet });
  if ((await waitFor(look, { seconds: gateSeconds, pauseMs: 1000, signal, onUnmet })).length) return false;
  await commitStep(context, { master, revision }, { began, confirmSeconds: 0 });
  return true;
}

/** Waits until no etcd runs any more where its manifest has gone: its pods end after their files. */
async function ended({ observer, signal, proofSeconds }: ApplyContext, masters: readonly Master[]): Promise<void> {
  const etcd = new Map<string, readonly ManifestText[]>();
  for (const master of masters) {
    const found = await observer.asFound(master);
    const has = ({ bundle }: Master) => manifestsOf(bundle).filter(({ path }) => path === ETCD_MANIFEST);
    if (!has(found).length && has(master).length) etcd.set(master.name, has(master));
  }
  const look = async (): Promise<Seen> => {
    for (const master of masters) await observer.refresh(master, etcd.get(master.name));
    const { dead } = (await observer.cluster()).etcd;
    const alive = [...etcd.keys()].filter((node) => !dead.has(node));
    return alive.length ? { kind: 'not-yet', unmet: [`etcd still runs on ${alive.join(', ')}`] } : { kind: 'good' };
  };
  await waitFor(look, { seconds: proofSeconds, pauseMs: 500, signal });
}

function named({ masters }: Pick<Undertaking, 'masters'>, name: string): Master {
  const master = masters.find((each) => each.name === name);
  if (!master) throw new Error(`no way to ${name} was opened`);
  return master;
}

function factsOf({ facts }: Survey, { name }: Master): NodeFacts {
  const found = facts.get(name);
  if (!found) throw new Error(`${name} was not looked at`);
  return found;
}
