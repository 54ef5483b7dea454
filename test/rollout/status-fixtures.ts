import { type Bundle, bundleDigest, makeBundle } from '../../src/bundle/bundle.ts';
import { POD_COMPONENTS, type PodComponent } from '../../src/render/layout.ts';
import type { NodeFacts } from '../../src/rollout/node-facts.ts';
import type {
  CertificateSeen,
  ClusterObservation,
  EtcdSeen,
  HealthSeen,
  MemberSeen,
  NodeObservation,
  PodSeen,
} from '../../src/rollout/status/observe.ts';

/** 2026-11-23T12:00:00Z. */
export const NOW = Date.UTC(2026, 10, 23, 12);
export const DAY = 86_400_000;
const HEALTHY: HealthSeen = { ok: true, failing: [], seen: 'ok' };
export const REFUSED: HealthSeen = { ok: false, failing: [], seen: 'nobody listens there' };

export function bundleOf(node: string, content = 'a'): Bundle {
  const file = { path: '/etc/kubernetes/x', content: Buffer.from(content), mode: 0o600, owner: 'root:root' };
  return makeBundle(node, [], [{ ...file, sensitive: false, effect: { kind: 'none' } }]);
}

export function facts(node: string, change: Partial<NodeFacts> = {}): NodeFacts {
  const digest = bundleDigest(bundleOf(node));
  const revision = { at: '2026-11-20T09:00:00Z', by: 'ann@desk' };
  return {
    hostname: node,
    clock: NOW,
    uptimeSeconds: 90_000,
    kubelet: { active: 'active', enabled: 'enabled' },
    disk: { freeBytes: 20 * 1024 ** 3, writable: true },
    hasEtcdData: true,
    files: new Map(),
    manifests: POD_COMPONENTS.map((component) => `${component}.yaml`),
    revisions: [
      { number: 3, digest: 'old', ...revision },
      { number: 4, digest, ...revision },
    ],
    current: 4,
    index: [],
    transaction: undefined,
    lock: undefined,
    reverted: undefined,
    ...change,
  };
}

const DIGESTS = { inputs: 'i1', manifest: 'm1' };

export function pod(change: Partial<PodSeen> = {}): PodSeen {
  return {
    uid: 'u',
    annotations: { 'bootstrap/inputs-digest': 'i1', 'bootstrap/manifest-digest': 'm1' },
    ready: true,
    phase: 'Running',
    restarts: 0,
    waitingReason: undefined,
    waitingMessage: undefined,
    lastTermination: undefined,
    startedAt: '2026-11-20T09:01:00Z',
    ...change,
  };
}

/** A pod that crashes again and again. */
export const CRASHING = pod({
  ready: false,
  restarts: 7,
  waitingReason: 'CrashLoopBackOff',
  waitingMessage: 'back-off 5m0s restarting failed container',
  lastTermination: { exitCode: 1, reason: 'Error', message: '' },
  startedAt: undefined,
});

export function certificate(node: string, file: string, days = 364, life = 365): CertificateSeen {
  return {
    path: `/etc/kubernetes/pki/${file}.crt`,
    notAfter: NOW + (days + 0.5) * DAY,
    notBefore: NOW + (days + 0.5 - life) * DAY,
    fingerprint: `${file} ${/ca$/.test(file) ? '' : node} ${days}`,
  };
}

export function reached(change: Partial<NodeFacts> = {}, node = 'cp1'): NodeObservation['contact'] {
  return { kind: 'reached', facts: facts(node, change), clock: { sent: NOW - 20, received: NOW + 20 } };
}

export function nodeOf(node: string, change: Partial<NodeObservation> = {}): NodeObservation {
  const each = <T>(value: T) => new Map<PodComponent, T>(POD_COMPONENTS.map((component) => [component, value]));
  return {
    node,
    contact: reached({}, node),
    pods: each(pod()),
    health: {
      kubelet: HEALTHY,
      'kube-apiserver': HEALTHY,
      'kube-controller-manager': HEALTHY,
      'kube-scheduler': HEALTHY,
    },
    manifests: each(DIGESTS),
    logs: new Map(),
    certificates: [
      certificate(node, 'apiserver'),
      certificate(node, 'etcd/server', 364),
      certificate(node, 'ca', 3649, 3650),
    ],
    served: [],
    drift: [],
    strays: [],
    kubeletVersion: 'v1.36.2',
    ...change,
  };
}

export function member(name: string, change: Partial<MemberSeen> = {}): MemberSeen {
  return {
    name,
    id: `8e9e05c52164694${name.at(-1)}`,
    healthy: true,
    voter: true,
    learner: false,
    leader: name === 'cp1',
    lag: 0,
    dbSize: 24 * 1024 ** 2,
    alarms: [],
    ...change,
  };
}

export function etcdOf(members: readonly MemberSeen[]): { readonly kind: 'seen'; readonly view: EtcdSeen } {
  const voters = members.filter(({ voter }) => voter);
  return {
    kind: 'seen',
    view: {
      members,
      needed: Math.floor(voters.length / 2) + 1,
      healthyVoters: voters.filter(({ healthy }) => healthy).length,
      leader: members.find(({ leader }) => leader)?.name,
    },
  };
}

export const NAMES = ['cp1', 'cp2', 'cp3'] as const;

/** A cluster of three in which all is well. */
export function wellCluster(change: Partial<ClusterObservation> = {}): ClusterObservation {
  return {
    name: 'prod',
    kubernetesVersion: 'v1.36.2',
    endpoint: 'api.prod.example.com:6443',
    nodes: NAMES.map((name) => nodeOf(name)),
    members: NAMES,
    etcd: etcdOf(NAMES.map((name) => member(name))),
    ...change,
  };
}

/** The same with one node seen in another way. */
export function withNode(name: string, change: Partial<NodeObservation>, rest: Partial<ClusterObservation> = {}) {
  return wellCluster({ nodes: NAMES.map((each) => nodeOf(each, each === name ? change : {})), ...rest });
}

/** The same with one etcd member seen in another way. */
export function withMember(name: string, change: Partial<MemberSeen>): Pick<ClusterObservation, 'etcd'> {
  return { etcd: etcdOf(NAMES.map((each) => member(each, each === name ? change : {}))) };
}

export const BUNDLES = NAMES.map((name) => bundleOf(name));

/** The pods of a node with one of them in another state. */
export function podsWith(component: PodComponent, seen: PodSeen | undefined): NodeObservation['pods'] {
  const pods = new Map<PodComponent, PodSeen>(POD_COMPONENTS.map((each) => [each, pod()]));
  if (seen) pods.set(component, seen);
  else pods.delete(component);
  return pods;
}

export function healthWith(change: NodeObservation['health']): NodeObservation['health'] {
  return { ...nodeOf('x').health, ...change };
}
