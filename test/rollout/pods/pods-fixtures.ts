import { manifestFile, podCalled } from '../../../src/render/static-pods/manifest-file.ts';
import { type DeclaredPod, stoppedFile } from '../../../src/rollout/pods/declared.ts';
import type { ManifestSeen, MirrorSeen, MirrorsSeen, NodeSeen, PodsSeen } from '../../../src/rollout/pods/seen.ts';
import { podsTruth } from '../../../src/rollout/pods/truth.ts';
import type { MirrorPod } from '../../../src/rollout/probe/mirror-pod.ts';
import type { RuntimeContainer, RuntimePod } from '../../../src/rollout/runtime-pods.ts';

export const NOW = Date.parse('2026-11-24T12:00:00Z');
const LONG_AGO = '2026-11-24T10:00:00.000Z';
export const JUST_NOW = '2026-11-24T11:59:58.000Z';

/** Digests are 64 hex digits; these are told apart by their first. */
export const digest = (letter: string): string => letter.repeat(64);
export const NEW = digest('a');
export const OLD = digest('b');

const WEB = { namespace: 'default', name: 'static-web' };
export const FILE = manifestFile(WEB);
export const KEPT = stoppedFile(WEB);
export const POLLS = '/etc/kubernetes/static-pods-ca/ca-bundle.crt';
const UID = 'f'.repeat(32);

export function declared(more: Partial<DeclaredPod> = {}): DeclaredPod {
  const { namespace = WEB.namespace, name = WEB.name, via = 'file', isStopped = false } = more;
  const path = isStopped ? stoppedFile({ namespace, name }) : manifestFile({ namespace, name });
  return {
    node: 'cp1',
    namespace,
    name,
    called: podCalled(namespace, name),
    via,
    isStopped,
    at: {
      path: 'spec.staticPods[0]',
      origin: { kind: 'file', place: { file: 'cluster.yaml', line: 12, column: 7 } },
    },
    source: 'static-web.yaml',
    manifest: { metadata: { name }, spec: { containers: [{ name: 'web' }] } },
    digest: via === 'http' && isStopped ? undefined : NEW,
    file: via === 'file' ? { path, sha256: 'new' } : undefined,
    ...more,
  };
}

export function container(more: Partial<RuntimeContainer> = {}): RuntimeContainer {
  return { name: 'web', id: 'c0ffee', image: 'nginx', state: 'running', restarts: 0, startedAt: LONG_AGO, ...more };
}

export function runtimePod({
  digest: carried = NEW,
  ...more
}: Partial<RuntimePod> & { digest?: string } = {}): RuntimePod {
  return {
    namespace: WEB.namespace,
    name: 'static-web-cp1',
    uid: UID,
    configSource: 'file',
    annotations: carried ? { 'bootstrap/manifest-digest': carried } : {},
    ready: true,
    createdAt: LONG_AGO,
    containers: [container()],
    ...more,
  };
}

export function manifest(more: Partial<ManifestSeen> = {}): ManifestSeen {
  return { path: FILE, pod: 'default/static-web', digest: NEW, containers: ['web'], ...more };
}

export function mirror(more: Partial<MirrorSeen> = {}): MirrorSeen {
  const pod: MirrorPod = {
    uid: 'x',
    annotations: { 'kubernetes.io/config.mirror': UID },
    ready: true,
    phase: 'Running',
    restarts: 0,
    waitingReason: undefined,
    waitingMessage: undefined,
    lastTermination: undefined,
    startedAt: LONG_AGO,
    configHash: UID,
    isDeleted: false,
  };
  return { ...pod, labels: { role: 'myrole' }, ...more };
}

/** By default a node on which the declared pod is in place and runs. */
export function node(more: Partial<NodeSeen> & { readonly pods?: readonly RuntimePod[] } = {}): NodeSeen {
  const { pods = [runtimePod()], ...rest } = more;
  return {
    node: 'cp1',
    contact: 'reached',
    kubelet: 'active',
    revision: 3,
    isChanging: false,
    index: new Map([[FILE, 'new']]),
    files: new Map([[FILE, 'new']]),
    manifests: [manifest()],
    runtime: { source: 'crictl', pods },
    kubeletSays: new Map(),
    podSays: new Map(),
    clock: NOW,
    ...rest,
  };
}

export const shown = (...pods: readonly (readonly [string, MirrorSeen])[]): MirrorsSeen => ({
  kind: 'seen',
  pods: new Map(pods),
  namespaces: new Set(['default', 'kube-system']),
});

export interface Given {
  readonly pods?: readonly DeclaredPod[];
  readonly nodes?: readonly NodeSeen[];
  readonly mirrors?: MirrorsSeen;
  /** Pod → digest, of cp1. */
  readonly published?: Readonly<Record<string, string>>;
  /** Manifests of the control plane on cp1. */
  readonly others?: readonly string[];
}

export function truth({
  pods = [declared()],
  nodes = [node()],
  mirrors = { kind: 'none' },
  published,
  others = [],
}: Given) {
  const seen: PodsSeen = {
    nodes,
    mirrors,
    published: published && new Map([['cp1', new Map(Object.entries(published))]]),
  };
  const manifests = new Map([
    [
      'cp1',
      new Map([
        ...pods.flatMap(({ file, called, isStopped }) => (file && !isStopped ? [[file.path, called] as const] : [])),
        ...others.map((name) => [`/etc/kubernetes/manifests/${name}.yaml`, name] as const),
      ]),
    ],
  ]);
  return podsTruth({ declared: pods, manifests }, seen);
}

/** The one row in short, and what is wrong. */
export function told(given: Given) {
  const { rows, problems } = truth(given);
  return {
    rows: rows.map(({ pod, source, run, mirror }) => `${pod} ${source}/${run.state}/${mirror.kind}`),
    problems: problems.map(({ code, pod, what }) => `${code}${pod === undefined ? ' (node)' : ''}: ${what}`),
  };
}
