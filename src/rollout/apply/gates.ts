export interface GateInput {
  /** The node that is worked on next. */
  readonly node: string;
  /** Why etcd must not lose that node's member now; empty where it may, or where etcd runs elsewhere. */
  readonly etcd: readonly string[];
  /** How many masters the cluster has, also those that cannot be reached. */
  readonly masters: number;
  /** Nodes whose apiserver says that it is ready. */
  readonly readyApis: ReadonlySet<string>;
  /** What is not at rest on other nodes, in words: a revision that is not committed yet, or one that was just taken back. */
  readonly unrest: readonly string[];
}

/** Why a step on this node would endanger the cluster now; empty where it may be done. */
export function gateReasons({ node, etcd, masters, readyApis, unrest }: GateInput): readonly string[] {
  const others = [...readyApis].some((name) => name !== node);
  // where its own is down as well there is nothing to lose: the step may be what brings it back
  const isLast = masters > 1 && !others && readyApis.has(node);
  return [...etcd, ...(isLast ? [`the apiserver of ${node} is the only one that is ready`] : []), ...unrest];
}
