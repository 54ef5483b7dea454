import { posix } from 'node:path';
import { type BundleFile, type FileEffect, makeBundle } from '../../bundle/bundle.ts';
import { below } from '../../render/json.ts';
import { KUBELET_CONFIG, MANIFESTS, POD_COMPONENTS, type PodComponent } from '../../render/layout.ts';
import type { PodRun } from '../agent.ts';
import { etcdReports } from '../etcd-reports.ts';
import type { ApiClient } from '../probe/api-client.ts';
import type { ManifestText } from '../probe/endpoints.ts';
import type { Health } from '../probe/health.ts';
import { mayTakeDown } from '../probe/may-take-down.ts';
import { type MirrorPod, mirrorPod } from '../probe/mirror-pod.ts';
import { type EtcdView, etcdView } from '../probe/quorum.ts';
import type { EtcdLook, Sight } from '../sight.ts';
import type { Master } from './master.ts';
import type { ClusterView, Observer } from './observer.ts';
import { judge, type ProofInput, type Unwell } from './proofs.ts';
import { fingerprintIn, kubeletHealthPort, manifestsOf, tlsCertificatesOf, wantedPods } from './wanted.ts';

/**
 * Milliseconds for which what takes processes on the node to find out is good enough, as long as something else is not
 * well yet: on a master that comes up with all its pods at once, looking takes time from what is looked at.
 */
const REST = 5000;
/** Milliseconds for which all nodes' proofs share one view of etcd. */
const VIEW_REST = 400;

type Slow = Pick<ProofInput, 'kubelet' | 'crashes' | 'certificates'>;
const NOTHING_SLOW: Slow = { kubelet: undefined, crashes: new Map(), certificates: [] };

/** What is remembered of a node between two looks. */
interface Memory {
  /** How often each pod had been restarted before, or while it could not work through no fault of its own; by UID. */
  restarts: ReadonlyMap<string, number>;
  readonly stops: readonly string[];
  /** Pods of the user's that must be proven. */
  readonly changed: ReadonlySet<string>;
  /** `due`, or when the kubelet had renewed its lease last as it was first looked at, or `none` where that proves nothing. */
  heartbeat: string;
  slow?: { readonly at: number; readonly seen: Slow };
}

const COMPONENTS: ReadonlySet<string> = new Set(POD_COMPONENTS);

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
  const etcd = async (how: EtcdLook): Promise<EtcdView> => etcdView(await etcdReports(nodes, sights, how));
  let recent: { readonly at: number; readonly view: Promise<EtcdView> } | undefined;
  const sharedEtcd = (): Promise<EtcdView> => {
    if (!recent || performance.now() - recent.at > VIEW_REST) recent = { at: performance.now(), view: etcd('answers') };
    return recent.view;
  };
  const memories = new Map<string, Memory>();
  const memoryOf = (name: string): Memory => {
    const memory = memories.get(name) ?? {
      restarts: new Map(),
      stops: [],
      changed: new Set<string>(),
      heartbeat: 'none',
    };
    memories.set(name, memory);
    return memory;
  };
  return {
    begin: async ({ name, agent }, { stops, changed, heartbeat }) => {
      memories.set(name, {
        restarts: restartsIn(await agent.pods()),
        stops,
        changed: new Set(changed),
        heartbeat: heartbeat ? 'due' : 'none',
      });
    },
    refresh: async (master, instead = []) => sightOf(master.name).learn([...(await manifestsOn(master)), ...instead]),
    asFound: async (master) => {
      const found = await readFiles(master, [...MANIFEST_PATHS, KUBELET_CONFIG]);
      const files = found.map(({ path, text }): BundleFile => {
        const effect: FileEffect =
          path === KUBELET_CONFIG ? { kind: 'kubelet' } : { kind: 'manifest', pod: posix.basename(path, '.yaml') };
        return { path, content: Buffer.from(text), mode: 0o600, owner: 'root:root', sensitive: false, effect };
      });
      return { ...master, bundle: makeBundle(master.name, [], files) };
    },
    cluster: async () => {
      const [view, ready] = await Promise.all([
        etcd('certain'),
        Promise.all([...sights].map(async ([name, sight]) => ((await sight.apiServer()).ok ? [name] : []))),
      ]);
      return clusterView(view, new Set(ready.flat()));
    },
    proofs: (master) => proofsOf(master, sightOf(master.name), sights, sharedEtcd, memoryOf(master.name)),
    moveLeader: async (node) => {
      const view = await etcd('answers');
      const leader = view.members.find((member) => member.leader);
      if (leader?.endpointNode !== node) return undefined;
      const next = view.members.find((member) => member.healthy && member.voter && !member.leader);
      if (!next) return undefined;
      // where it fails the restart brings an election: slower, not unsafe
      return sightOf(node)
        .moveLeader(next.id)
        .then(() => next.endpointNode ?? next.name)
        .catch(() => undefined);
    },
  };
}

const manifestsOn = (master: Master): Promise<readonly ManifestText[]> => readFiles(master, MANIFEST_PATHS);

async function readFiles({ agent }: Master, paths: readonly string[]): Promise<readonly ManifestText[]> {
  const found = await agent.read(paths);
  return [...found].map(([path, content]) => ({ path, text: content.toString() }));
}

function clusterView(view: EtcdView, readyApis: ReadonlySet<string>): ClusterView {
  const nodesOf = (members: EtcdView['members']) =>
    new Set(members.flatMap(({ endpointNode }) => (endpointNode === undefined ? [] : [endpointNode])));
  const known = view.members.filter((member) => member.endpointNode !== undefined);
  return {
    readyApis,
    etcd: {
      dead: new Set(view.deadNodes),
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
  memory: Memory,
): Promise<ProofInput> {
  sight.learn(manifestsOf(master.bundle));
  const pods = wantedPods(master.bundle).filter(
    ({ component }) => COMPONENTS.has(component) || memory.changed.has(component),
  );
  const has = (component: PodComponent) => pods.some((pod) => pod.component === component);
  const healthOf = async (component: keyof typeof POD_HEALTH): Promise<Unwell> =>
    has(component) ? unwell(await POD_HEALTH[component](sight)) : undefined;
  const [apiServer, view] = await Promise.all([healthOf('kube-apiserver'), has('etcd') ? etcd() : undefined]);
  const isUp = apiServer === undefined;
  const asked = isUp ? [sight] : [...sights.values()].filter((other) => other !== sight);
  const [controllerManager, scheduler, mirrors] = await Promise.all([
    isUp ? healthOf('kube-controller-manager') : undefined,
    isUp ? healthOf('kube-scheduler') : undefined,
    mirrorsOf([...pods.map(({ mirror }) => mirror), ...memory.stops], asked),
  ]);
  const quick = {
    pods,
    mirrors,
    lingering: mirrors === 'unknown' ? memory.stops : memory.stops.filter((name) => mirrors.has(name)),
    apiServer,
    etcd: view && etcdProof(view, master.name),
    controllerManager,
    scheduler,
  };
  const { slow } = memory;
  const isFresh = slow && performance.now() - slow.at < REST;
  const isAllButDone = judge({ ...quick, ...NOTHING_SLOW }).kind === 'good';
  if (isFresh && !isAllButDone) return { ...quick, ...slow.seen };
  const [kubelet, runs, certificates] = await Promise.all([
    kubeletProof(master, sight, asked, memory),
    master.agent.pods(),
    certificateProofs(master, sight),
  ]);
  const isExcused = (need: 'etcd' | 'apiServer' | undefined) => need !== undefined && quick[need] !== undefined;
  const excused = new Set(pods.flatMap(({ component, mirror }) => (isExcused(NEEDS.get(component)) ? [mirror] : [])));
  const innocent = restartsIn(runs.filter(({ pod }) => excused.has(pod)));
  memory.restarts = new Map([...memory.restarts, ...innocent]);
  const seen = { kubelet, crashes: crashesIn(runs, memory.restarts), certificates };
  memory.slow = { at: performance.now(), seen };
  return { ...quick, ...seen };
}

/** Without what a component cannot work: that it ends then is no fault of its own. */
const NEEDS: ReadonlyMap<string, 'etcd' | 'apiServer'> = new Map([
  ['kube-apiserver', 'etcd'],
  ['kube-controller-manager', 'apiServer'],
  ['kube-scheduler', 'apiServer'],
]);

/** By the pod's UID. */
function restartsIn(runs: readonly PodRun[]): ReadonlyMap<string, number> {
  return new Map(runs.map(({ uid, restarts }) => [uid, restarts]));
}

/** Restarts since `before`; of a pod's several UIDs that with the most. */
function crashesIn(runs: readonly PodRun[], before: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const crashes = new Map<string, number>();
  for (const { pod, uid, restarts } of runs) {
    const had = before.get(uid) ?? 0;
    // a pod that came back with the same manifest is counted from the beginning
    crashes.set(pod, Math.max(crashes.get(pod) ?? 0, restarts < had ? restarts : restarts - had));
  }
  return crashes;
}

/**
 * A kubelet that cannot read its configuration is active for an instant after each start; one that cannot log in goes on
 * for ever. So it must say itself that it is well, and where it was restarted renew its lease afterwards, which it does at
 * its start and then every ten seconds.
 */
async function kubeletProof(
  { agent, bundle, name }: Master,
  sight: Sight,
  asked: readonly Sight[],
  memory: Memory,
): Promise<Unwell> {
  const active = await agent.kubelet();
  if (active !== 'active') return active;
  const port = kubeletHealthPort(bundle);
  const health = port === undefined ? undefined : await sight.kubelet(port);
  if (health && !health.ok) return health.seen;
  if (memory.heartbeat === 'none') return undefined;
  const renewed = await firstAnswer(asked, (api) => leaseRenewal(api, name));
  if (renewed === undefined) return 'no apiserver can be asked whether it speaks to it';
  if (memory.heartbeat === 'due') memory.heartbeat = renewed;
  return memory.heartbeat !== 'none' && renewed === memory.heartbeat
    ? 'has not spoken to the apiserver since its restart'
    : undefined;
}

/** When the kubelet has last renewed its lease; `none` where there is no such thing. */
async function leaseRenewal(api: ApiClient, node: string): Promise<string> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${encodeURIComponent(node.toLowerCase())}`;
  const time = below(await api.get(path, { seconds: 5 }), 'spec', 'renewTime');
  return typeof time === 'string' ? time : 'none';
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
  names: readonly string[],
  sights: readonly Sight[],
): Promise<ReadonlyMap<string, MirrorPod> | 'unknown'> {
  const found = await firstAnswer(sights, (api) =>
    Promise.all(names.map(async (name) => [name, await mirrorPod(api, name, { seconds: 5 })] as const)),
  );
  return found ? new Map(found.flatMap(([name, pod]) => (pod ? [[name, pod] as const] : []))) : 'unknown';
}

/** Undefined where no apiserver answers. */
async function firstAnswer<T>(sights: readonly Sight[], ask: (api: ApiClient) => Promise<T>): Promise<T | undefined> {
  for (const sight of sights) {
    try {
      return await ask(await sight.api());
    } catch {
      // the next one may know
    }
  }
  return undefined;
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
