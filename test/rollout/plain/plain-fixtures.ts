import { createHash } from 'node:crypto';
import { BootstrapError } from '../../../src/base/errors.ts';
import { loadUnifiedDiff } from '../../../src/base/unified-diff.ts';
import { type Bundle, type BundleFile, bundleDigest, makeBundle } from '../../../src/bundle/bundle.ts';
import type { ApplyEvent } from '../../../src/rollout/apply/events.ts';
import type { NodeFacts } from '../../../src/rollout/node-facts.ts';
import type { PlainNode } from '../../../src/rollout/plain/plain-node.ts';
import { type PlainPlan, planPlain } from '../../../src/rollout/plain/plan-plain.ts';
import type { PlainContext } from '../../../src/rollout/plain/step.ts';
import { plainPods } from '../../../src/rollout/plain/wanted-pods.ts';
import type { RuntimeContainer, RuntimePod, RuntimePods } from '../../../src/rollout/runtime-pods.ts';
import type { ClusterNode } from '../../../src/spec/cluster.ts';
import { bareNode, MANIFESTS, nodeWith } from '../plan-fixtures.ts';

export const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

/** `default/web`, with an image that stands for everything that a manifest may say. */
export function webFile(image: string, name = 'web'): BundleFile {
  const digest = hex(image);
  const manifest = `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  annotations: {bootstrap/inputs-digest: ${hex('')}, bootstrap/manifest-digest: ${digest}}
spec:
  containers:
    - {name: web, image: ${image}}
`;
  return {
    path: `${MANIFESTS}/default_${name}.yaml`,
    content: Buffer.from(manifest),
    mode: 0o600,
    owner: 'root:root',
    sensitive: false,
    effect: { kind: 'manifest', pod: `default/${name}` },
  };
}

export function kubeletFile(text = 'kind: KubeletConfiguration\n'): BundleFile {
  return {
    path: '/var/lib/kubelet/config.yaml',
    content: Buffer.from(text),
    mode: 0o600,
    owner: 'root:root',
    sensitive: false,
    effect: { kind: 'kubelet' },
  };
}

export const bundleOf = (node: string, ...files: readonly BundleFile[]): Bundle =>
  makeBundle(node, [], [kubeletFile(), ...files]);

interface Transaction {
  readonly to: number;
  readonly bundle: Bundle;
  readonly state: 'placed' | 'placing';
}

/** A host that does whatever it is told, with a kubelet that runs what lies there; a test says where it does not. */
export function fakeHost(name: string, wanted: Bundle, current?: Bundle) {
  const calls: string[] = [];
  const staged = new Map<number, Bundle>(current ? [[1, current]] : []);
  let committed = current;
  let number = current ? 1 : 0;
  let transaction: Transaction | undefined;
  let isKubeletUp = current !== undefined;
  const host = {
    calls,
    /** Is told of each call. */
    onCall: (_verb: string): void => undefined,
    /** What is done instead of a call, or before it; an answer other than undefined is taken. */
    instead: new Map<string, () => Promise<unknown>>(),
    /** What its runtime says of a pod, laid over one that is well; `gone` where it has none. */
    pods: new Map<string, () => Partial<RuntimePod> | 'gone'>(),
    source: 'crictl' as RuntimePods['source'],
    problem: undefined as string | undefined,
    kubeletLog: '',
    health: { ok: true, failing: [], seen: 'ok' } as { ok: boolean; failing: string[]; seen: string },
    /** What an earlier run has put in place and never confirmed. */
    leave(bundle: Bundle, state: Transaction['state'] = 'placed') {
      transaction = { to: number + 1, bundle, state };
      staged.set(number + 1, bundle);
    },
    /** What lies there now. */
    placed: (): Bundle | undefined => transaction?.bundle ?? committed,
    revision: (): number => number,
    isUnconfirmed: (): boolean => transaction !== undefined,
  };
  const act = async <T>(verb: string, value: () => T): Promise<T> => {
    calls.push(verb);
    host.onCall(verb);
    const other = await host.instead.get(verb.split(' ')[0] ?? '')?.();
    return other === undefined ? value() : (other as T);
  };
  const facts = (): NodeFacts => {
    const there = host.placed();
    const base = there ? nodeWith(there, number).facts : bareNode().facts;
    const index = committed ? nodeWith(committed, number).facts.index : [];
    return {
      ...base,
      hasEtcdData: false,
      index,
      current: committed ? number : undefined,
      kubelet: { active: isKubeletUp ? 'active' : 'inactive', enabled: isKubeletUp ? 'enabled' : 'disabled' },
      transaction: transaction && {
        state: transaction.state,
        to: transaction.to,
        from: number,
        digest: bundleDigest(transaction.bundle),
      },
    };
  };
  const runs = (): readonly RuntimePod[] => {
    const there = host.placed();
    if (!there || !isKubeletUp) return [];
    return plainPods(there).flatMap(({ component, mirror, inputsDigest, manifestDigest, containers }) => {
      const other = host.pods.get(component)?.() ?? {};
      if (other === 'gone') return [];
      const [namespace = '', pod = ''] = mirror.split('/');
      return [
        {
          namespace,
          name: pod,
          uid: hex(`${mirror}${manifestDigest}`).slice(0, 32),
          configSource: 'file',
          annotations: { 'bootstrap/inputs-digest': inputsDigest, 'bootstrap/manifest-digest': manifestDigest },
          ready: true,
          containers: containers.map((each) => running(each)),
          ...other,
        },
      ];
    });
  };
  const node: PlainNode = {
    name,
    node: { name, etcd: { dataDir: '/var/lib/etcd' } } as ClusterNode,
    bundle: wanted,
    digest: bundleDigest(wanted),
    kubeletHealth: async () => host.health,
    agent: {
      node: name,
      facts: () => act('facts', facts),
      read: (paths) =>
        act('read', () => {
          const files = host.placed()?.files.filter(({ path }) => paths.includes(path)) ?? [];
          return new Map(files.map(({ path, content }) => [path, content]));
        }),
      lock: () => act('lock', () => undefined),
      unlock: () => act('unlock', () => undefined),
      keepLock: () => act('keep', () => undefined),
      stage: (bundle) =>
        act('stage', () => {
          staged.set(number + 1, bundle);
          return number + 1;
        }),
      activate: (revision, { kubelet, later, confirmSeconds }) =>
        act(`activate ${revision} ${kubelet}${later ? '-later' : ''} ${confirmSeconds}`, () => {
          const bundle = staged.get(revision);
          if (!bundle) throw new BootstrapError('refused', `${name}: this node has no revision ${revision}`);
          transaction = { to: revision, bundle, state: 'placed' };
          if (kubelet !== 'none') isKubeletUp = true;
          return { placed: bundle.files.map(({ path }) => path), removed: [] };
        }),
      commit: (revision) =>
        act(`commit ${revision}`, () => {
          committed = transaction?.bundle;
          number = revision;
          transaction = undefined;
        }),
      revert: () =>
        act('revert', () => {
          transaction = undefined;
        }),
      kubelet: () => act('kubelet', () => (isKubeletUp ? 'active' : 'inactive')),
      kubeletIdentity: () => act('kubelet-identity', () => ''),
      renewKubelet: () => act('renew-kubelet', () => undefined),
      pods: () =>
        act('pods', () =>
          runs().map(({ namespace, name: pod, uid, containers }) => ({
            pod: `${namespace}/${pod}`,
            uid,
            restarts: Math.max(0, ...containers.map(({ restarts }) => restarts)),
          })),
        ),
      runtimePods: () =>
        act('runtime', () => ({
          source: host.source,
          pods: host.source === 'none' ? [] : runs(),
          ...(host.problem !== undefined && { problem: host.problem }),
        })),
      logs: (pod) => act(`logs ${pod}`, () => (pod === 'kubelet' ? host.kubeletLog : `${pod} says why`)),
      containerLogs: () => act('container-logs', () => []),
    },
  };
  return { calls, host, node };
}

export const running = (name: string, more: Partial<RuntimeContainer> = {}): RuntimeContainer => ({
  name,
  id: hex(`${name}${more.restarts ?? 0}`),
  image: 'web',
  state: 'running',
  restarts: 0,
  ...more,
});

/** A run over these hosts: what it tells and the order of what changes them, all hosts together. */
export function fakeRun(hosts: readonly ReturnType<typeof fakeHost>[]) {
  const told: ApplyEvent[] = [];
  const controller = new AbortController();
  const context: PlainContext = {
    tell: (event) => told.push(event),
    signal: controller.signal,
    proofSeconds: 60,
    bootSeconds: 120,
    confirmSeconds: 600,
    settleMs: 5000,
    who: 'bootstrap apply by ann@desk (process 1)',
    bring: ({ agent, bundle, digest }) => agent.stage(bundle, digest, 'ann@desk'),
    diff: () => '',
    now: () => 0,
  };
  const order: string[] = [];
  for (const { host, node } of hosts) {
    host.onCall = (verb) => {
      if (/^(?:activate|commit|revert)/.test(verb)) order.push(`${node.name} ${verb}`);
    };
  }
  const plan = async (): Promise<readonly PlainPlan[]> => {
    const planned = await planPlain(
      hosts.map(({ node }) => node),
      { diff: await loadUnifiedDiff(), now: () => Date.UTC(2026, 6, 28, 12) },
    );
    order.length = 0;
    return planned.plans;
  };
  return { told, controller, context, order, plan };
}
