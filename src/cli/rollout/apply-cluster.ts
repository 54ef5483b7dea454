import { BootstrapError } from '../../base/errors.ts';
import { acquireLock } from '../../base/lock.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import type { ClusterObjects } from '../../render/cluster/object.ts';
import { carryOut, refuseObstacles } from '../../rollout/apply/apply.ts';
import type { ApplyContext } from '../../rollout/apply/context.ts';
import { withNodeLocks } from '../../rollout/apply/locks.ts';
import { applyObjects, keptWarning, REGISTER_SECONDS } from '../../rollout/objects/apply-objects.ts';
import { notRegistered } from '../../rollout/objects/mark-nodes.ts';
import { nodeChanges, planChanges } from '../../rollout/plan/plan-node.ts';
import type { Plan } from '../../rollout/plan.ts';
import type { Io } from '../io.ts';
import type { CheckedCluster } from '../load.ts';
import { machinesFor } from '../nodes.ts';
import { planText } from '../plan-text.ts';
import type { Produced } from '../produce.ts';
import { reportFaults } from '../report.ts';
import type { Workspace } from '../workspace.ts';
import { applyContext } from './apply-context.ts';
import { applyPlain } from './apply-plain.ts';
import { confirm } from './confirm.ts';
import { type Crew, readyApi, thisUser, withCrew } from './crew.ts';
import { interruptible } from './interruptible.ts';
import type { RolloutTimes } from './options.ts';
import { outlookOf } from './outlook.ts';
import { publicationOf } from './publish.ts';
import { stage, undertakingOf } from './undertaking.ts';
import { warnOfUnreached } from './unreached.ts';
import { cutLine } from './waiting-line.ts';

export interface ApplyInput {
  readonly io: Io;
  readonly space: Workspace;
  readonly loaded: CheckedCluster;
  /** Renders, writes the cluster directory, says what changed; is called under the directory's lock. */
  readonly produce: () => Promise<Produced>;
  readonly chosen: ReadonlySet<string>;
  /** Those of them without which nothing is begun; where it is left out, all (see `neededNodes`). */
  readonly needed?: ReadonlySet<string>;
  readonly times: RolloutTimes;
  readonly yes: boolean | undefined;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether the plan is still the one that was decided on; throws where it is not. */
  readonly check?: (plan: Plan) => void;
  /** Is called once nothing stands in the way any more and the user has said yes, before the first machine is touched. */
  readonly decided?: () => Promise<void>;
}

export interface Applied {
  readonly plan: Plan;
  /** Revisions that were made current. */
  readonly revisions: ReadonlyMap<string, number>;
  readonly objects: readonly string[];
  /** Plain nodes that could not be reached, and why: all else was done without them. */
  readonly unreached: ReadonlyMap<string, BootstrapError>;
}

/** `apply` from the cluster file to machines that have proven what they do, and the API objects. */
export async function applyCluster(input: ApplyInput): Promise<Applied> {
  const { io, space, loaded, chosen, needed = chosen } = input;
  const { cluster } = loaded;
  const saying = 'stopping; a second Ctrl-C ends it at once';
  return interruptible(io, { saying, abandon: closeAllNow }, async (signal) => {
    const lock = acquireLock(space.dir, 'bootstrap apply', new Date());
    try {
      const produced = await input.produce();
      const machines = machinesFor(cluster, chosen);
      io.progress(cutLine(io, `connecting to ${[...machines].join(', ')}`));
      return await withCrew({ space, cluster, produced, needed, machines, signal }, (crew) =>
        applyWith(input, produced, crew, signal),
      );
    } finally {
      lock.release();
    }
  });
}

/** The same where the cluster directory is locked, its files are made and the ways to the machines are open. */
export async function applyWith(
  input: Omit<ApplyInput, 'produce'>,
  produced: Produced,
  crew: Crew,
  signal: AbortSignal,
): Promise<Applied> {
  const { io, space, loaded, chosen, times } = input;
  const { cluster } = loaded;
  const isForMasters = cluster.nodes.some(({ name }) => chosen.has(name));
  const undertaking = isForMasters ? await undertakingOf(loaded, produced, crew, chosen) : undefined;
  const who = `bootstrap apply by ${thisUser()} (process ${process.pid})`;
  const agents = crew.masters.map(({ agent }) => agent);
  return withNodeLocks(agents, who, async () => {
    const publication = publicationOf(space.dir, cluster, produced, chosen);
    const served = publication.changes;
    const outlook = await outlookOf({ cluster: cluster.name, crew, chosen, undertaking, served });
    const { plan, masters, plain, unreached } = outlook;
    io.progress('');
    input.check?.(plan);
    refusePartOfFirstBoot(plan, chosen, undertaking?.nodes ?? []);
    const revisions = new Map<string, number>();
    if (!planChanges(plan)) {
      await input.decided?.();
      // its certificate may be another one
      await publication.publish(chosen);
      return { plan, revisions, objects: [], unreached };
    }
    const text = planText(plan, { columns: io.columns, color: io.color, quiet: input.quiet, verbose: input.verbose });
    if (!input.quiet) io.note(text);
    warnOfUnreached(io, unreached);
    refuseObstacles(outlook);
    await confirm(io, 'Do this?', input.yes);
    await input.decided?.();
    const nodes = [...(undertaking?.nodes ?? []), ...plain.map(({ node }) => node.name)];
    const context = applyContext(input, { crew, signal, revisions, nodes, mode: plan.mode });
    try {
      if (masters) await carryOut(context, masters.undertaking, masters.planned);
      io.progress('');
      const objects = undertaking && hasObjects(plan) ? await bringObjects(io, undertaking.objects, crew, context) : [];
      await applyPlain({ tell: context.tell, signal, times, who, bring: stage }, plain);
      io.progress('');
      await publication.publish(chosen);
      return { plan, revisions, objects, unreached };
    } catch (error) {
      // nodes that have got their URL and token by now ask with them
      await publication.publish(new Set(revisions.keys()));
      throw error;
    }
  });
}

/** Where no API answers and no master changes, it is not waited for: plain nodes do without one. */
function hasObjects({ objects, nodes }: Plan): boolean {
  return objects ? objects.length > 0 : nodes.some(nodeChanges);
}

/** Founding members of etcd need each other: one alone would wait for the others until its proof fails. */
function refusePartOfFirstBoot(
  { mode, nodes, expired }: Plan,
  chosen: ReadonlySet<string>,
  all: readonly string[],
): void {
  if (mode === 'rolling' || all.every((node) => chosen.has(node)) || !nodes.some(nodeChanges)) return;
  if (mode === 'renewal') {
    const left = [...expired.keys()].filter((node) => !chosen.has(node));
    if (!left.length) return;
    throw new BootstrapError(
      'usage',
      `certificates have expired on ${left.join(', ')} too: with these alone etcd has no quorum`,
      {
        hint: 'leave --node out: all are renewed together',
      },
    );
  }
  throw new BootstrapError('usage', `no master of this cluster runs: all ${all.length} must be brought up together`, {
    hint: 'leave --node out',
  });
}

async function bringObjects(
  io: Io,
  wanted: ClusterObjects,
  crew: Crew,
  { tell, signal }: ApplyContext,
): Promise<readonly string[]> {
  io.progress('API objects');
  const { outcomes, kept, unregistered } = await applyObjects(await readyApi(crew), wanted, {
    signal,
    onProgress: ({ object, outcome }) => {
      if (outcome !== 'unchanged') tell({ kind: 'object', object, what: outcome });
    },
  });
  io.progress('');
  reportFaults(kept.map(keptWarning), io);
  if (unregistered.length) throw notRegistered(unregistered, REGISTER_SECONDS);
  return outcomes.filter(({ outcome }) => outcome !== 'unchanged').map(({ object }) => object);
}
