import { posix } from 'node:path';
import type { UnifiedDiff } from '../base/unified-diff.ts';
import { MANIFESTS } from '../render/layout.ts';
import type { FactsRequest } from './agent.ts';
import type { Master } from './apply/master.ts';
import type { ClusterView, Observer } from './apply/observer.ts';
import { manifestsOf } from './apply/wanted.ts';
import type { NodeFacts } from './node-facts.ts';
import { certificatePaths, type Expired, expiredOn, NONE_EXPIRED } from './plan/expired.ts';
import type { NodeSituation, Situation } from './plan/order.ts';
import { pathsToRead, planNode } from './plan/plan-node.ts';
import type { NodePlan } from './plan.ts';

export const ETCD_MANIFEST = `${MANIFESTS}/etcd.yaml`;

/** What was found on the masters that can be reached, and what they make of a cluster. */
export interface Survey {
  readonly facts: ReadonlyMap<string, NodeFacts>;
  readonly expired: ReadonlyMap<string, Expired>;
  readonly view: ClusterView;
  readonly situation: Situation;
}

export interface Surveyed {
  /** Those that can be reached. */
  readonly masters: readonly Master[];
  /** All nodes of the cluster file, in its order. */
  readonly nodes: readonly string[];
  readonly hasOwnEtcd: boolean;
}

/** What the facts of a master are to be about. */
export function factsRequest({ bundle, node }: Pick<Master, 'bundle' | 'node'>): FactsRequest {
  return { paths: bundle.files.map(({ path }) => path), etcdDataDir: node.etcd.dataDir, manifestsDir: MANIFESTS };
}

/**
 * Looks at every master and at what they make together, changing nothing.
 * @throws BootstrapError where a node cannot be read
 */
export async function survey({ masters, nodes, hasOwnEtcd }: Surveyed, observer: Observer): Promise<Survey> {
  const facts = new Map(
    await Promise.all(
      masters.map(async (master) => {
        const [found] = await Promise.all([master.agent.facts(factsRequest(master)), observer.refresh(master)]);
        // only by where it would listen can a member be told to be dead
        if (found.hasEtcdData && !found.manifests.includes(posix.basename(ETCD_MANIFEST)))
          await observer.refresh(
            master,
            manifestsOf(master.bundle).filter(({ path }) => path === ETCD_MANIFEST),
          );
        return [master.name, found] as const;
      }),
    ),
  );
  const expired = new Map(
    await Promise.all(
      masters.map(async (master) => {
        const found = facts.get(master.name);
        return [master.name, found ? await expiredThere(master, found) : NONE_EXPIRED] as const;
      }),
    ),
  );
  const view = await observer.cluster();
  const situations = nodes.map(
    (node): NodeSituation => ({
      node,
      facts: facts.get(node) ?? UNSEEN,
      expired: expired.get(node) ?? NONE_EXPIRED,
    }),
  );
  const { readyApis, etcd } = view;
  return { facts, expired, view, situation: { nodes: situations, etcd: hasOwnEtcd ? etcd : undefined, readyApis } };
}

/** Which certificates have expired on a node. @throws BootstrapError where it cannot be read */
export async function expiredThere({ agent, bundle }: Master, facts: NodeFacts): Promise<Expired> {
  const paths = certificatePaths(bundle, facts);
  const [contents, kubeletIdentity] = await Promise.all([
    paths.length ? agent.read(paths) : new Map<string, Buffer>(),
    agent.kubeletIdentity(),
  ]);
  return expiredOn({ bundle, facts, contents, kubeletIdentity });
}

/** Of a node that cannot be reached nothing good is assumed: it may well hold etcd's data. */
const UNSEEN: NodeSituation['facts'] = {
  kubelet: { active: 'unknown', enabled: 'unknown' },
  hasEtcdData: true,
  current: undefined,
  transaction: undefined,
};

/** The difference between what a master has and what it shall have, with the contents that a person wants to see. */
export async function planMaster(
  { agent, bundle }: Master,
  facts: NodeFacts,
  expired: Expired | undefined,
  now: number,
  diff: UnifiedDiff,
): Promise<NodePlan> {
  const paths = pathsToRead(bundle, facts);
  const contents = paths.length ? await agent.read(paths) : new Map<string, Buffer>();
  return planNode({ bundle, facts, contents, now, diff, expired });
}
