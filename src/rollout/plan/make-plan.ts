import type { NodePlan, ObjectChange, Plan } from '../plan.ts';
import { modeOf, orderNodes, quorumAlong, type Situation } from './order.ts';

export interface PlanInput {
  /** The cluster's name. */
  readonly cluster: string;
  readonly situation: Situation;
  /** Of the nodes that are worked on, in any order: all, or those of `--node`. */
  readonly nodes: readonly NodePlan[];
  readonly objects: readonly ObjectChange[] | undefined;
}

const expiredIn = ({ nodes }: Situation): Plan['expired'] =>
  new Map(
    nodes.flatMap(({ node, expired }) =>
      expired.certificates.length || expired.kubelet ? [[node, expired] as const] : [],
    ),
  );

/**
 * What `apply` would do, from what was seen of the whole cluster.
 * @throws BootstrapError `refused` where a node has lost etcd's data, or is new, in a cluster that lives
 */
export function makePlan({ cluster, situation, nodes, objects }: PlanInput): Plan {
  const mode = modeOf(situation, nodes);
  const order = orderNodes(mode, situation);
  const ordered = order.nodes.flatMap((name) => nodes.filter(({ node }) => node === name));
  return {
    cluster,
    mode,
    nodes: ordered,
    plainNodes: [],
    served: [],
    quorum: quorumAlong(mode, situation, ordered),
    leader: mode === 'rolling' ? situation.etcd?.leader : undefined,
    unwell: order.unwell,
    expired: expiredIn(situation),
    objects,
  };
}

/** What `apply` would do where it looks at no master at all: there is none, or none was chosen. */
export function planWithoutMasters(cluster: string): Plan {
  return {
    cluster,
    mode: 'rolling',
    nodes: [],
    plainNodes: [],
    served: [],
    quorum: { members: 0, needed: 0, before: 0, during: 0 },
    leader: undefined,
    unwell: new Map(),
    expired: new Map(),
    objects: [],
  };
}
