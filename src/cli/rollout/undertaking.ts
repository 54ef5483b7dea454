import { loadUnifiedDiff } from '../../base/unified-diff.ts';
import { clusterObjects } from '../../render/cluster/cluster-objects.ts';
import type { ClusterObjects } from '../../render/cluster/object.ts';
import type { Undertaking } from '../../rollout/apply/apply.ts';
import type { Master } from '../../rollout/apply/master.ts';
import { diffObjects } from '../../rollout/objects/diff-objects.ts';
import type { CheckedCluster } from '../load.ts';
import type { Produced } from '../produce.ts';
import { type Crew, thisUser } from './crew.ts';

/** With the API objects that belong to the cluster. */
export interface ClusterUndertaking extends Undertaking {
  readonly objects: ClusterObjects;
}

/** Brings what a machine shall have to it, as its next revision. */
export function stage({ agent, bundle, digest }: Master): Promise<number> {
  return agent.stage(bundle, digest, thisUser());
}

/** What `plan` and `apply` are about on the masters, from the cluster file and the masters that were reached. */
export async function undertakingOf(
  { cluster, context }: CheckedCluster,
  { identities }: Produced,
  { masters, sights }: Crew,
  chosen: ReadonlySet<string>,
): Promise<ClusterUndertaking> {
  const objects = clusterObjects(cluster, identities, context);
  return {
    objects,
    cluster: cluster.name,
    masters,
    nodes: cluster.nodes.map(({ name }) => name),
    hasOwnEtcd: cluster.etcd.kind === 'local',
    chosen,
    diff: await loadUnifiedDiff(),
    now: Date.now,
    bring: stage,
    objectChanges: async ({ readyApis }) => {
      const [node] = readyApis;
      const sight = node === undefined ? undefined : sights.get(node);
      return sight && diffObjects(await sight.api(), objects);
    },
  };
}
