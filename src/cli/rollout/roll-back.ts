import { BootstrapError } from '../../base/errors.ts';
import { acquireLock } from '../../base/lock.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import { carryOut, type Undertaking } from '../../rollout/apply/apply.ts';
import { withNodeLocks } from '../../rollout/apply/locks.ts';
import type { Master } from '../../rollout/apply/master.ts';
import type { NodeFacts } from '../../rollout/node-facts.ts';
import type { PlainNode } from '../../rollout/plain/plain-node.ts';
import type { Expired } from '../../rollout/plan/expired.ts';
import { planChanges } from '../../rollout/plan/plan-node.ts';
import { revisionBundle } from '../../rollout/revision-bundle.ts';
import { factsRequest } from '../../rollout/survey.ts';
import { machinesFor } from '../nodes.ts';
import { planText } from '../plan-text.ts';
import type { Produced } from '../produce.ts';
import { sameCluster } from '../same-cluster.ts';
import type { Applied, ApplyInput } from './apply-cluster.ts';
import { applyContext } from './apply-context.ts';
import { applyPlain } from './apply-plain.ts';
import { confirm } from './confirm.ts';
import { type Crew, thisUser, withCrew } from './crew.ts';
import { interruptible } from './interruptible.ts';
import { outlookOf } from './outlook.ts';
import { undertakingOf } from './undertaking.ts';
import { warnOfUnreached } from './unreached.ts';
import { cutLine } from './waiting-line.ts';

export interface RollbackInput extends Omit<ApplyInput, 'produce' | 'check'> {
  readonly produced: Produced;
  /** The revision on every node; by default each node's own one before the current one. */
  readonly to: number | undefined;
  readonly dryRun: boolean;
}

/** Puts nodes back to revisions that they have kept themselves; API objects stay as they are. */
export async function rollBack(input: RollbackInput): Promise<Applied> {
  const { io, space, loaded, produced, chosen, needed = chosen, dryRun } = input;
  const { cluster } = loaded;
  const saying = 'stopping; a second Ctrl-C ends it at once';
  return interruptible(io, { saying, abandon: closeAllNow }, async (signal) => {
    const lock = dryRun ? undefined : acquireLock(space.dir, 'bootstrap rollback', new Date());
    try {
      const machines = machinesFor(cluster, chosen);
      io.progress(cutLine(io, `connecting to ${[...machines].join(', ')}`));
      return await withCrew({ space, cluster, produced, needed, machines, signal }, async (crew) => {
        const who = `bootstrap rollback by ${thisUser()} (process ${process.pid})`;
        const work = () => backWith(input, crew, { who, signal });
        const agents = crew.masters.map(({ agent }) => agent);
        return dryRun ? work() : withNodeLocks(agents, who, work);
      });
    } finally {
      lock?.release();
    }
  });
}

interface Run {
  readonly who: string;
  readonly signal: AbortSignal;
}

async function backWith(input: RollbackInput, all: Crew, { who, signal }: Run): Promise<Applied> {
  const { io, loaded, produced, chosen, needed = chosen, dryRun } = input;
  const { cluster } = loaded;
  const targets = new Map<string, number>();
  const masters = await Promise.all(
    all.masters.map(async (master) => {
      if (!chosen.has(master.name)) return master;
      const found = await earlier(master);
      targets.set(master.name, found.revision);
      return found.master;
    }),
  );
  const unreachable = new Map(all.unreachable);
  const plainNodes = await Promise.all(all.plainNodes.map(earlierPlain));
  const crew: Crew = { ...all, masters, plainNodes: plainNodes.flat(), unreachable };
  const bring = async ({ name }: Master) => targets.get(name) ?? 0;
  const isForMasters = cluster.nodes.some(({ name }) => chosen.has(name));
  const undertaking: Undertaking | undefined = isForMasters
    ? {
        ...(await undertakingOf(loaded, produced, crew, chosen)),
        // what lies in the API is not part of a node's revision
        objectChanges: async () => [],
        bring,
      }
    : undefined;
  const outlook = await outlookOf({ cluster: cluster.name, crew, chosen, undertaking });
  const { plan, masters: withMasters, plain, unreached } = outlook;
  refuseExpired(
    new Map([
      ...(withMasters?.planned.survey.expired ?? []),
      ...plain.map(({ node, expired }) => [node.name, expired] as const),
    ]),
    chosen,
  );
  io.progress('');
  const revisions = new Map<string, number>();
  warnOfUnreached(io, unreached);
  if (dryRun || !planChanges(plan)) return { plan, revisions, objects: [], unreached };
  if (!input.quiet) {
    io.note(planText(plan, { columns: io.columns, color: io.color, quiet: false, verbose: input.verbose }));
    for (const [node, revision] of targets) io.note(`${node} goes back to revision ${revision}`);
  }
  await confirm(io, 'Do this?', input.yes);
  const nodes = [...(undertaking?.nodes ?? []), ...plain.map(({ node }) => node.name)];
  const context = applyContext(input, { crew, signal, revisions, nodes, mode: plan.mode });
  if (withMasters) await carryOut(context, withMasters.undertaking, withMasters.planned);
  await applyPlain({ tell: context.tell, signal, times: input.times, who, bring }, plain);
  io.progress('');
  return { plan, revisions, objects: [], unreached };

  async function earlier<T extends Master>(master: T): Promise<{ master: T; revision: number }> {
    const facts = await master.agent.facts(factsRequest(master));
    const revision = input.to ?? before(facts);
    const kept = facts.revisions.find(({ number }) => number === revision);
    const bundle = kept && revision !== undefined ? await revisionBundle(master.agent, revision) : undefined;
    if (!kept || !bundle || revision === undefined)
      throw noRevision(master.name, input.to, facts, sameCluster(input.space));
    return { master: { ...master, bundle, digest: kept.digest }, revision };
  }

  /** One that nobody has asked for, and that has nothing to go back to, keeps nobody else from going back. */
  async function earlierPlain(node: PlainNode): Promise<readonly PlainNode[]> {
    try {
      const found = await earlier(node);
      targets.set(node.name, found.revision);
      return [found.master];
    } catch (error) {
      if (needed.has(node.name) || !(error instanceof BootstrapError)) throw error;
      if (error.code === 'unreachable') {
        unreachable.set(node.name, error);
        return [];
      }
      if (error.code !== 'refused') throw error;
      io.err(`${io.color.yellow('warning:')} ${error.message}: it stays as it is`);
      return [];
    }
  }
}

/** What was good a year ago may not be any more. */
function refuseExpired(expired: ReadonlyMap<string, Expired>, chosen: ReadonlySet<string>): void {
  for (const node of chosen) {
    const [path] = expired.get(node)?.wanted ?? [];
    if (path === undefined) continue;
    throw new BootstrapError(
      'refused',
      `${node} cannot go back: certificates of that revision have expired since, as ${path} has`,
      {
        hint: 'put the cluster file back as it was then and run `bootstrap apply`: it brings valid ones',
      },
    );
  }
}

/**
 * Where one is under way and not confirmed, going back means the one that is current still. Revisions that are the same
 * as it, such as those that only put back what somebody had changed, are none to go back to, nor are those that were taken
 * back because they did not prove themselves.
 */
function before({ revisions, current, transaction }: NodeFacts): number | undefined {
  if (transaction && transaction.state !== 'preparing') return current;
  const now = revisions.find(({ number }) => number === current)?.digest;
  const isEarlier = (number: number) => current !== undefined && number < current;
  return revisions.filter(({ number, digest, takenBack }) => isEarlier(number) && digest !== now && !takenBack).at(-1)
    ?.number;
}

function noRevision(
  node: string,
  to: number | undefined,
  { revisions, current }: NodeFacts,
  same: string,
): BootstrapError {
  if (current === undefined) {
    return new BootstrapError('refused', `${node} has no revision: nothing was ever applied to it`, {
      hint: `\`bootstrap apply${same}\` brings the first one`,
    });
  }
  const kept = revisions.map(({ number }) => (number === current ? `${number} (current)` : number)).join(', ');
  return new BootstrapError(
    'refused',
    to === undefined ? `${node} has kept no other revision before ${current}` : `${node} has no revision ${to}`,
    {
      hint: `revisions on ${node}: ${kept}`,
    },
  );
}
