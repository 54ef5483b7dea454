import { BootstrapError } from '../../base/errors.ts';
import { acquireLock } from '../../base/lock.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import type { ClusterObjects } from '../../render/cluster/object.ts';
import { carryOut, planAll, refuseObstacles } from '../../rollout/apply/apply.ts';
import type { ApplyContext } from '../../rollout/apply/context.ts';
import { withNodeLocks } from '../../rollout/apply/locks.ts';
import { applyObjects, keptWarning, REGISTER_SECONDS } from '../../rollout/objects/apply-objects.ts';
import { notRegistered } from '../../rollout/objects/mark-nodes.ts';
import { nodeChanges, planChanges } from '../../rollout/plan/plan-node.ts';
import type { Plan } from '../../rollout/plan.ts';
import type { Io } from '../io.ts';
import type { CheckedCluster } from '../load.ts';
import { planText } from '../plan-text.ts';
import type { Produced } from '../produce.ts';
import { reportFaults } from '../report.ts';
import type { Workspace } from '../workspace.ts';
import { applyContext } from './apply-context.ts';
import { confirm } from './confirm.ts';
import { type Crew, readyApi, thisUser, withCrew } from './crew.ts';
import { interruptible } from './interruptible.ts';
import type { RolloutTimes } from './options.ts';
import { undertakingOf } from './undertaking.ts';

export interface ApplyInput {
  readonly io: Io;
  readonly space: Workspace;
  readonly loaded: CheckedCluster;
  /** Renders, writes the cluster directory, says what changed; is called under the directory's lock. */
  readonly produce: () => Promise<Produced>;
  readonly chosen: ReadonlySet<string>;
  readonly times: RolloutTimes;
  readonly yes: boolean | undefined;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Whether the plan is still the one that was decided on; throws where it is not. */
  readonly check?: (plan: Plan) => void;
}

export interface Applied {
  readonly plan: Plan;
  /** Revisions that were made current. */
  readonly revisions: ReadonlyMap<string, number>;
  readonly objects: readonly string[];
}

/** `apply` from the cluster file to masters that have proven what they do, and the API objects. */
export async function applyCluster(input: ApplyInput): Promise<Applied> {
  const { io, space, loaded, chosen } = input;
  const { cluster } = loaded;
  const saying = 'stopping; a second Ctrl-C ends it at once';
  return interruptible(io, { saying, abandon: closeAllNow }, async (signal) => {
    const lock = acquireLock(space.dir, 'bootstrap apply', new Date());
    try {
      const produced = await input.produce();
      io.progress(`connecting to ${cluster.nodes.map(({ name }) => name).join(', ')}`);
      return await withCrew({ space, cluster, produced, needed: chosen, signal }, (crew) =>
        applyWith(input, produced, crew, signal),
      );
    } finally {
      lock.release();
    }
  });
}

/** The same where the cluster directory is locked, its files are made and the ways to the masters are open. */
export async function applyWith(
  input: Omit<ApplyInput, 'produce' | 'space'>,
  produced: Produced,
  crew: Crew,
  signal: AbortSignal,
): Promise<Applied> {
  const { io, loaded, chosen } = input;
  const undertaking = await undertakingOf(loaded, produced, crew, chosen);
  const who = `bootstrap apply by ${thisUser()} (process ${process.pid})`;
  const agents = crew.masters.map(({ agent }) => agent);
  return withNodeLocks(agents, who, async () => {
    const planned = await planAll(undertaking, crew.observer);
    const { plan } = planned;
    io.progress('');
    input.check?.(plan);
    refusePartOfFirstBoot(plan, chosen, undertaking.nodes);
    const revisions = new Map<string, number>();
    if (!planChanges(plan)) return { plan, revisions, objects: [] };
    const text = planText(plan, { columns: io.columns, color: io.color, quiet: input.quiet, verbose: input.verbose });
    if (!input.quiet) io.note(text);
    refuseObstacles(planned);
    await confirm(io, 'Do this?', input.yes);
    const context = applyContext(input, { crew, signal, revisions, nodes: undertaking.nodes, mode: plan.mode });
    await carryOut(context, undertaking, planned);
    io.progress('');
    const objects = plan.objects?.length === 0 ? [] : await bringObjects(io, undertaking.objects, crew, context);
    return { plan, revisions, objects };
  });
}

/** Founding members of etcd need each other: one alone would wait for the others until its proof fails. */
function refusePartOfFirstBoot(
  { mode, nodes, expired }: Plan,
  chosen: ReadonlySet<string>,
  all: readonly string[],
): void {
  if (mode === 'rolling' || chosen.size === all.length || !nodes.some(nodeChanges)) return;
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
