export interface GateInput {
  /** The node that is worked on next. */
  readonly node: string;
  /** Why etcd must not lose that node's member now; empty where it may, or where etcd runs elsewhere. */
  readonly etcd: readonly string[];
  /** How many masters there are. */
  readonly masters: number;
  /** Nodes whose apiserver says that it is ready. */
  readonly readyApis: ReadonlySet<string>;
  /** Other nodes on which a revision is not committed yet, with its number. */
  readonly inFlight: ReadonlyMap<string, number>;
}

/** Why a step on this node would endanger the cluster now; empty where it may be done. */
export function gateReasons({ node, etcd, masters, readyApis, inFlight }: GateInput): readonly string[] {
  const others = [...readyApis].some((name) => name !== node);
  // where its own is down as well there is nothing to lose: the step may be what brings it back
  const isLast = masters > 1 && !others && readyApis.has(node);
  return [
    ...etcd,
    ...(isLast ? [`the apiserver of ${node} is the only one that is ready`] : []),
    ...[...inFlight].map(([other, revision]) => `revision ${revision} on ${other} is not confirmed yet`),
  ];
}
