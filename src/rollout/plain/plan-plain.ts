import { BootstrapError } from '../../base/errors.ts';
import type { UnifiedDiff } from '../../base/unified-diff.ts';
import { Slots } from '../../deliver/transport/slots.ts';
import type { NodeFacts } from '../node-facts.ts';
import { obstaclesOn } from '../obstacles.ts';
import type { Expired } from '../plan/expired.ts';
import { nodeChanges } from '../plan/plan-node.ts';
import type { NodePlan } from '../plan.ts';
import { ETCD_MANIFEST, expiredThere, factsRequest, planMaster } from '../survey.ts';
import type { PlainNode } from './plain-node.ts';

/** What `apply` would do on one plain node now. */
export interface PlainPlan {
  readonly node: PlainNode;
  readonly facts: NodeFacts;
  readonly expired: Expired;
  readonly plan: NodePlan;
}

export interface PlainPlanned {
  /** In the order in which they are worked on; nodes without changes are there too. */
  readonly plans: readonly PlainPlan[];
  /** What stands in the way on machines that the plan would change: each begins with the node's name. */
  readonly obstacles: readonly string[];
  /** Those that went away while they were looked at. */
  readonly unreachable: ReadonlyMap<string, BootstrapError>;
}

export interface PlainPlanOptions {
  readonly diff: UnifiedDiff;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Nodes that are read at a time. */
const AT_ONCE = 8;

/**
 * What `apply` would do on these nodes, each for itself. Those that an earlier run has begun come first.
 * @throws BootstrapError where a node can be reached and cannot be read
 */
export async function planPlain(nodes: readonly PlainNode[], options: PlainPlanOptions): Promise<PlainPlanned> {
  const slots = new Slots(AT_ONCE);
  const unreachable = new Map<string, BootstrapError>();
  const found = await Promise.all(
    nodes.map((node) =>
      slots.use(async () => {
        try {
          return [await planPlainNode(node, options)];
        } catch (error) {
          if (!(error instanceof BootstrapError) || error.code !== 'unreachable') throw error;
          unreachable.set(node.name, error);
          return [];
        }
      }),
    ),
  );
  const isBegun = ({ plan: { unfinished } }: PlainPlan) => unfinished !== undefined && unfinished.state !== 'preparing';
  const plans = found.flat().sort((a, b) => Number(isBegun(b)) - Number(isBegun(a)));
  const obstacles = plans
    .filter(({ plan }) => nodeChanges(plan))
    .flatMap((each) => obstaclesThere(each, options.now()).map((what) => `${each.node.name}: ${what}`));
  return { plans, obstacles, unreachable };
}

/** The same of a single one. @throws BootstrapError where it cannot be read */
export async function planPlainNode(node: PlainNode, { diff, now }: PlainPlanOptions): Promise<PlainPlan> {
  const facts = await node.agent.facts(factsRequest(node));
  const expired = await expiredThere(node, facts);
  return { node, facts, expired, plan: await planMaster(node, facts, expired, now(), diff) };
}

function obstaclesThere({ node, facts }: PlainPlan, now: number): readonly string[] {
  // its other members would wait for it for ever, and nothing here looks after their quorum
  const isMember = facts.index.some(({ path }) => path === ETCD_MANIFEST) && facts.files.has(ETCD_MANIFEST);
  return [
    ...obstaclesOn(facts, node.bundle, now),
    ...(isMember
      ? [
          `revision ${facts.current} there is a master's, with a member of etcd: take that out with \`etcdctl member remove\`, ` +
            `move ${ETCD_MANIFEST} away, then run the command again`,
        ]
      : []),
  ];
}
