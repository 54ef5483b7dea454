import { posix } from 'node:path';
import type { PodComponent } from '../../render/layout.ts';
import { MANIFESTS, POD_COMPONENTS } from '../../render/layout.ts';
import type { ManifestText } from '../probe/endpoints.ts';
import { silentMember } from '../probe/etcd-report.ts';
import type { Health } from '../probe/health.ts';
import { mayTakeDown } from '../probe/may-take-down.ts';
import { type MirrorPod, mirrorPod } from '../probe/mirror-pod.ts';
import { type EtcdView, etcdView } from '../probe/quorum.ts';
import type { Sight } from '../sight.ts';
import type { Master } from './master.ts';
import type { ClusterView, Observer } from './observer.ts';
import type { ProofInput, Unwell, WantedPod } from './proofs.ts';
import { fingerprintIn, manifestsOf, tlsCertificatesOf, wantedPods } from './wanted.ts';

/** Where the manifests lie that tell where a master's processes listen. */
const MANIFEST_PATHS = POD_COMPONENTS.map((component) => `${MANIFESTS}/${component}.yaml`);

/**
 * Looks at live masters.
 * @param sights of those that can be reached
 * @param nodes all nodes of the cluster
 */
export function liveObserver(sights: ReadonlyMap<string, Sight>, nodes: readonly string[]): Observer {
  const sightOf = (name: string): Sight => {
    const sight = sights.get(name);
    if (!sight) throw new Error(`no way to ${name} was opened`);
    return sight;
  };
  const etcd = async (): Promise<EtcdView> =>
    etcdView(
      await Promise.all(
        nodes.map(async (node) => (await sights.get(node)?.etcd()) ?? silentMember(node, 'its node cannot be reached')),
      ),
    );
  return {
    refresh: async ({ name, agent }) => {
      const found = await agent.read(MANIFEST_PATHS);
      sightOf(name).learn([...found].map(([path, content]): ManifestText => ({ path, text: content.toString() })));
    },
    cluster: async () => {
      const [view, ready] = await Promise.all([
        etcd(),
        Promise.all([...sights].map(async ([name, sight]) => ((await sight.apiServer()).ok ? [name] : []))),
      ]);
      return clusterView(view, new Set(ready.flat()));
    },
    proofs: (master) => proofsOf(master, sightOf(master.name), sights, etcd),
    moveLeader: async (node) => {
      const view = await etcd();
      const leader = view.members.find((member) => member.leader);
      if (leader?.endpointNode !== node) return undefined;
      const next = view.members.find((member) => member.healthy && member.voter && !member.leader);
      if (!next) return undefined;
      // where it fails the restart brings an election: slower, not unsafe
      await sightOf(node)
        .moveLeader(next.id)
        .catch(() => undefined);
      return next.endpointNode ?? next.name;
    },
  };
}

function clusterView(view: EtcdView, readyApis: ReadonlySet<string>): ClusterView {
  const nodesOf = (members: EtcdView['members']) =>
    new Set(members.flatMap(({ endpointNode }) => (endpointNode === undefined ? [] : [endpointNode])));
  const known = view.members.filter((member) => member.endpointNode !== undefined);
  return {
    readyApis,
    etcd: {
      answering: nodesOf(known.filter(({ version }) => version !== undefined)),
      healthy: nodesOf(known.filter(({ healthy, voter }) => healthy && voter)),
      leader: known.find(({ leader }) => leader)?.endpointNode,
      // with one or two members there is no other way, and the plan says so
      mayNotLose: (node) => mayTakeDown(view, node, { acceptOutage: true }),
    },
  };
}

const POD_HEALTH = {
  'kube-apiserver': (sight: Sight) => sight.apiServer(),
  'kube-controller-manager': (sight: Sight) => sight.controllerManager(),
  'kube-scheduler': (sight: Sight) => sight.scheduler(),
} as const;

async function proofsOf(
  master: Master,
  sight: Sight,
  sights: ReadonlyMap<string, Sight>,
  etcd: () => Promise<EtcdView>,
): Promise<ProofInput> {
  sight.learn(manifestsOf(master.bundle));
  const pods = wantedPods(master.bundle);
  const has = (component: PodComponent) => pods.some((pod) => pod.component === component);
  const healthOf = async (component: keyof typeof POD_HEALTH): Promise<Unwell> =>
    has(component) ? unwell(await POD_HEALTH[component](sight)) : undefined;
  const [view, kubelet, apiServer, controllerManager, scheduler, certificates] = await Promise.all([
    has('etcd') ? etcd() : undefined,
    master.agent.kubelet(),
    healthOf('kube-apiserver'),
    healthOf('kube-controller-manager'),
    healthOf('kube-scheduler'),
    certificateProofs(master, sight),
  ]);
  const mirrors = await mirrorsOf(pods, [sight, ...[...sights.values()].filter((other) => other !== sight)]);
  return {
    kubelet: kubelet === 'active' ? undefined : kubelet,
    pods,
    mirrors,
    apiServer,
    etcd: view && etcdProof(view, master.name),
    controllerManager,
    scheduler,
    certificates,
  };
}

function unwell({ ok, seen }: Health): Unwell {
  return ok ? undefined : seen;
}

function etcdProof({ members, disagreements }: EtcdView, node: string): Unwell {
  const member = members.find(({ endpointNode }) => endpointNode === node);
  if (!member) return 'no member answers on this node yet';
  if (!member.healthy) return member.problem ?? 'not healthy';
  if (!member.voter) return 'is a learner';
  return disagreements[0];
}

/** What the first apiserver that answers says of these pods. */
async function mirrorsOf(
  pods: readonly WantedPod[],
  sights: readonly Sight[],
): Promise<ReadonlyMap<string, MirrorPod> | 'unknown'> {
  for (const sight of sights) {
    try {
      const api = await sight.api();
      const found = await Promise.all(
        pods.map(async ({ mirror }) => [mirror, await mirrorPod(api, mirror, { seconds: 5 })] as const),
      );
      return new Map(found.flatMap(([name, pod]) => (pod ? [[name, pod] as const] : [])));
    } catch {
      // the next one may know
    }
  }
  return 'unknown';
}

/** Each serving certificate that is in place must be the one that a client gets to see. */
async function certificateProofs({ bundle }: Master, sight: Sight): Promise<readonly string[]> {
  const found = await Promise.all(
    tlsCertificatesOf(bundle).map(async ({ component, path }) => {
      const wanted = fingerprintIn(bundle, path);
      if (wanted === undefined) return [];
      const leaf = await sight.leaf(component);
      const name = component === 'etcd' ? 'etcd' : 'kube-apiserver';
      if (!leaf) return [`${name}: shows no certificate`];
      return leaf.fingerprint === wanted ? [] : [`${name}: serves another certificate than ${posix.basename(path)}`];
    }),
  );
  return found.flat();
}
