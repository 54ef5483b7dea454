import { BootstrapError } from '../../src/base/errors.ts';
import { type BundleFile, makeBundle } from '../../src/bundle/bundle.ts';
import type { NodeAgent } from '../../src/rollout/agent.ts';
import type { ApplyContext } from '../../src/rollout/apply/context.ts';
import type { ApplyEvent } from '../../src/rollout/apply/events.ts';
import type { Master } from '../../src/rollout/apply/master.ts';
import type { Beginning, ClusterView, Observer } from '../../src/rollout/apply/observer.ts';
import type { ProofInput } from '../../src/rollout/apply/proofs.ts';
import type { Fleet } from '../../src/rollout/apply/roll.ts';
import type { Step } from '../../src/rollout/apply/step.ts';
import type { NodeFacts } from '../../src/rollout/node-facts.ts';
import type { FileChange, NodePlan } from '../../src/rollout/plan.ts';
import type { ClusterNode } from '../../src/spec/cluster.ts';

export const GOOD: ProofInput = {
  kubelet: undefined,
  pods: [],
  crashes: new Map(),
  mirrors: new Map(),
  lingering: [],
  apiServer: undefined,
  etcd: undefined,
  controllerManager: undefined,
  scheduler: undefined,
  certificates: [],
};

export const lost = (node: string) => new BootstrapError('unreachable', `${node}: the connection broke`);

/** One that the nodes have not. */
const FILE: BundleFile = {
  path: '/etc/kubernetes/x',
  content: Buffer.from('x'),
  mode: 0o644,
  owner: 'root:root',
  sensitive: false,
  effect: { kind: 'none' },
};

const FACTS: NodeFacts = {
  hostname: 'cp',
  clock: Date.parse('2030-01-01T00:00:00Z'),
  uptimeSeconds: 1000,
  kubelet: { active: 'active', enabled: 'enabled' },
  disk: { freeBytes: 1e9, writable: true },
  hasEtcdData: true,
  files: new Map(),
  manifests: [],
  revisions: [],
  current: 1,
  index: [],
  transaction: undefined,
  lock: undefined,
  reverted: undefined,
};

export const CHANGE: FileChange = {
  kind: 'change',
  path: '/etc/kubernetes/manifests/etcd.yaml',
  effect: { kind: 'manifest', pod: 'etcd' },
  sensitive: false,
  before: { sha256: 'a', mode: 0o600, owner: 'root:root' },
  after: { sha256: 'b', mode: 0o600, owner: 'root:root' },
  rewritten: true,
  diff: undefined,
  certificates: undefined,
};

const PLAN: Omit<NodePlan, 'node'> = {
  digest: 'd',
  observed: 'o',
  currentRevision: 1,
  recorded: false,
  changes: [CHANGE],
  drift: [],
  strays: [],
  clashes: [],
  kubelet: 'none',
  kubeletWhy: [],
  givesUpIdentity: false,
  pods: [],
  unfinished: undefined,
};

export const planNothing = (node: string): NodePlan => ({ ...PLAN, node, changes: [] });

/** Three masters that do whatever they are told, and remember it; a test says where they do not. */
export function fakeCluster(names: readonly string[] = ['cp1', 'cp2', 'cp3']) {
  const calls: string[] = [];
  const told: ApplyEvent[] = [];
  const facts = new Map<string, Partial<NodeFacts>>();
  const interrupted = new AbortController();
  /** What is done instead of what a node would do; looked up by `cp1 activate`, or `cp1 proofs`. */
  const instead = new Map<string, () => Promise<unknown>>();
  const began = new Map<string, Beginning>();

  const act = async <T>(node: string, verb: string, value: T): Promise<T> => {
    calls.push(`${node} ${verb}`);
    const other = await instead.get(`${node} ${verb.split(' ')[0]}`)?.();
    return other === undefined ? value : (other as T);
  };
  const agentOf = (node: string): NodeAgent => ({
    node,
    facts: () => act(node, 'facts', { ...FACTS, ...facts.get(node) }),
    read: () => act(node, 'read', new Map<string, Buffer>()),
    lock: () => act(node, 'lock', undefined),
    unlock: () => act(node, 'unlock', undefined),
    keepLock: () => act(node, 'keep', undefined),
    stage: () => act(node, 'stage', 2),
    activate: (revision, { confirmSeconds }) =>
      act(node, `activate ${revision} ${confirmSeconds}`, { placed: ['/x'], removed: [] }),
    commit: (revision) => act(node, `commit ${revision}`, undefined),
    revert: () => act(node, 'revert', undefined),
    kubelet: () => act(node, 'kubelet', 'active'),
    kubeletIdentity: () => act(node, 'kubelet-identity', ''),
    renewKubelet: () => act(node, 'renew-kubelet', undefined),
    pods: () => act(node, 'pods', []),
    runtimePods: () => act(node, 'runtime', { source: 'none', pods: [] } as const),
    logs: () => act(node, 'logs', ''),
    containerLogs: () => act(node, 'container-logs', []),
  });
  const masters = names.map(
    (name): Master => ({
      name,
      node: { name } as ClusterNode,
      bundle: makeBundle(name, [], [FILE]),
      digest: 'd',
      agent: agentOf(name),
    }),
  );
  const view: ClusterView = {
    readyApis: new Set(names),
    etcd: {
      answering: new Set(names),
      dead: new Set(),
      healthy: new Set(names),
      leader: undefined,
      mayNotLose: () => [],
    },
  };
  const observer: Observer = {
    refresh: async () => {},
    asFound: async (master) => master,
    begin: async ({ name }, beginning) => {
      began.set(name, beginning);
    },
    cluster: () => act('all', 'cluster', view),
    proofs: ({ name }) => act(name, 'proofs', GOOD),
    moveLeader: async () => undefined,
  };
  const context: ApplyContext = {
    observer,
    tell: (event) => told.push(event),
    signal: interrupted.signal,
    proofSeconds: 20,
    gateSeconds: 10,
    confirmSeconds: 600,
  };
  const fleet: Fleet = {
    masters,
    size: names.length,
    request: () => ({ paths: [], etcdDataDir: '/var/lib/etcd', manifestsDir: '/etc/kubernetes/manifests' }),
    moved: async () => [],
  };
  const stepOf = (name: string, more: Partial<NodePlan> = {}, hasBefore = true): Step => {
    const master = masters.find((each) => each.name === name);
    if (!master) throw new Error(name);
    return { master, plan: { ...PLAN, node: name, ...more }, revision: 2, hasBefore };
  };
  /** The calls that change a node. */
  const changes = () => calls.filter((call) => /^cp\d (?:activate|renew|commit|revert)/.test(call));
  return { calls, changes, told, facts, instead, began, interrupted, masters, view, observer, context, fleet, stepOf };
}

/** Fails so often, and does what it should from then on. */
export function failing(times: number, error: Error): () => Promise<undefined> {
  let left = times;
  return async () => {
    left -= 1;
    if (left >= 0) throw error;
    return undefined;
  };
}
