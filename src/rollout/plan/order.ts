import { BootstrapError } from '../../base/errors.ts';
import type { NodeFacts } from '../node-facts.ts';
import type { Mode, NodePlan, Plan } from '../plan.ts';
import type { Expired } from './expired.ts';
import { beyondRenewal, onlyRenewalHelps, stillExpired } from './renewal.ts';

/** One master of the cluster, as far as order and mode depend on it. */
export interface NodeSituation {
  readonly node: string;
  readonly facts: Pick<NodeFacts, 'kubelet' | 'hasEtcdData' | 'current' | 'transaction'>;
  readonly expired: Expired;
}

/** What etcd's members say of themselves. */
export interface EtcdSeen {
  /** Nodes whose member answers at all. */
  readonly answering: ReadonlySet<string>;
  /** Nodes on which certainly no member runs. One that neither answers nor is dead may be well, and just not answer us. */
  readonly dead: ReadonlySet<string>;
  /** Nodes whose member is a healthy voter and part of a quorum. */
  readonly healthy: ReadonlySet<string>;
  /** The node whose member leads. */
  readonly leader: string | undefined;
}

export interface Situation {
  /** All masters of the cluster in the order of the cluster file, also those that are not worked on. */
  readonly nodes: readonly NodeSituation[];
  /** Undefined with an external etcd, which is never considered. */
  readonly etcd: EtcdSeen | undefined;
  /** Nodes whose apiserver is ready. */
  readonly readyApis: ReadonlySet<string>;
}

/** Members that must be up for writes. */
export function quorumOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * How the nodes are brought to what is wanted.
 * @param plans of those that are worked on
 * @throws BootstrapError `refused` where a node has lost etcd's data, or is new, in a cluster that lives; and where
 * certificates have expired and something else would be changed with them
 */
export function modeOf({ nodes, etcd, readyApis }: Situation, plans: readonly NodePlan[]): Mode {
  const committed = nodes.filter(({ facts }) => facts.current !== undefined).length;
  if (!etcd) {
    if (readyApis.size) return 'rolling';
    return committed ? 'cold-start' : 'first-boot';
  }
  if (nodes.every(({ facts }) => !facts.hasEtcdData)) return 'first-boot';
  const begun = !committed && nodes.some(({ facts }) => facts.transaction);
  // one that was interrupted: no revision was ever good anywhere, and no quorum has come about. Members that answer on
  // nodes that bootstrap has never been on are another's, and may just be electing their leader.
  const allDead = nodes.every(({ node, facts }) => !facts.hasEtcdData || etcd.dead.has(node));
  if (!committed && !etcd.healthy.size && (begun || allDead)) return 'first-boot';
  const emptied = nodes.filter(({ facts }) => !facts.hasEtcdData).map(({ node }) => node);
  // a founding member that a first boot has not come to yet: the others know it and wait for it
  if (emptied.length && !begun) throw memberMissing(emptied, nodes, etcd);
  const expired = nodes.filter((each) => each.expired.etcd);
  // members that have valid ones may be quorum enough: then the others are mended as whatever is unwell, one at a time
  const sound = nodes.filter((each) => etcd.healthy.has(each.node) && !each.expired.etcd);
  if (expired.length && sound.length < quorumOf(nodes.length)) {
    if (expired.some((each) => each.expired.wanted.length)) throw stillExpired(expired);
    const more = plans.flatMap(beyondRenewal);
    if (!more.length) return 'renewal';
    if (!allDead) throw onlyRenewalHelps(expired, more);
  }
  if (etcd.answering.size) return 'rolling';
  if (allDead) return 'cold-start';
  // members that have just been given new certificates have yet to find each other; to prove that restarts nothing
  if (isAllInPlace(nodes, plans)) return 'renewal';
  const silent = nodes.filter(({ node }) => !etcd.dead.has(node)).map(({ node }) => node);
  throw new BootstrapError(
    'refused',
    `no etcd member answers, but ${silent.join(', ')} may run one all the same: what cannot be seen is not restarted`,
    { hint: '`bootstrap status` says why they do not answer; a pki/ that is not of this cluster is one reason' },
  );
}

/** An earlier run has put all in place that is wanted, somewhere without confirming it; no pod is touched any more. */
function isAllInPlace(nodes: readonly NodeSituation[], plans: readonly NodePlan[]): boolean {
  const underWay = nodes.filter(({ facts }) => facts.current !== undefined && facts.transaction?.state === 'placed');
  const isOurs = ({ node, facts }: NodeSituation) =>
    plans.some((plan) => plan.node === node && plan.digest === facts.transaction?.digest);
  return underWay.length > 0 && underWay.every(isOurs) && !plans.flatMap(beyondRenewal).length;
}

function memberMissing(
  emptied: readonly string[],
  nodes: readonly NodeSituation[],
  { answering }: EtcdSeen,
): BootstrapError {
  const others = nodes.filter(({ facts }) => facts.hasEtcdData).map(({ node }) => node);
  const up = [...answering];
  const what = emptied.length === 1 ? 'holds no data of etcd' : 'hold no data of etcd';
  return new BootstrapError(
    'refused',
    `${emptied.join(', ')} ${what}, but ${others.join(', ')} ${others.length === 1 ? 'does' : 'do'} (${
      up.length ? `members that answer: ${up.join(', ')}` : 'no member answers'
    }): with an empty member beside living ones etcd would not start there, or lose its quorum`,
    {
      hint: 'a member that is new or has lost its disk must be added to etcd or replaced there, which this version cannot do',
    },
  );
}

/** What is wrong on a node, in words; undefined where nothing is. */
function unwell({ node, facts }: NodeSituation, { etcd, readyApis }: Situation): string | undefined {
  const { active } = facts.kubelet;
  if (active !== 'active' && active !== 'unknown') return active === 'absent' ? 'no kubelet' : `kubelet ${active}`;
  if (etcd && !etcd.healthy.has(node))
    return etcd.answering.has(node) ? 'etcd member not healthy' : 'etcd member does not answer';
  // that none is ready anywhere tells no node from another
  return readyApis.size && !readyApis.has(node) ? 'apiserver not ready' : undefined;
}

export interface Order {
  readonly nodes: readonly string[];
  readonly unwell: ReadonlyMap<string, string>;
}

/**
 * The order in which nodes are worked on. One at a time: those that are under way first, since as long as they are no
 * other may be begun; then those where something is wrong, since that may mend them and there is the least to lose; the etcd leader last; else as in the cluster file. All together: as in the file.
 */
export function orderNodes(mode: Mode, situation: Situation): Order {
  const { nodes, etcd } = situation;
  if (mode !== 'rolling') return { nodes: nodes.map(({ node }) => node), unwell: new Map() };
  const faults = new Map(
    nodes.flatMap((each) => {
      const fault = unwell(each, situation);
      return fault === undefined ? [] : [[each.node, fault] as const];
    }),
  );
  const rank = ({ node, facts: { transaction } }: NodeSituation) => {
    if (transaction && transaction.state !== 'preparing') return 0;
    return faults.has(node) ? 1 : node === etcd?.leader ? 3 : 2;
  };
  const names = [...nodes].sort((a, b) => rank(a) - rank(b)).map(({ node }) => node);
  return { nodes: names, unwell: faults };
}

/**
 * How many members are up before and meanwhile, where each node is well once it was worked on.
 * @param plans those that are worked on, in their order
 */
export function quorumAlong(
  mode: Mode,
  { nodes, etcd }: Situation,
  plans: readonly Pick<NodePlan, 'node' | 'pods'>[],
): Plan['quorum'] {
  if (!etcd) return { members: 0, needed: 0, before: 0, during: 0 };
  const before = etcd.healthy.size;
  const numbers = { members: nodes.length, needed: quorumOf(nodes.length), before };
  if (mode !== 'rolling') return { ...numbers, during: 0 };
  let up = before;
  let during = before;
  for (const { node, pods } of plans) {
    if (!pods.some(({ pod }) => pod === 'etcd')) continue;
    const healthy = etcd.healthy.has(node);
    during = Math.min(during, healthy ? up - 1 : up);
    if (!healthy) up += 1;
  }
  return { ...numbers, during };
}
