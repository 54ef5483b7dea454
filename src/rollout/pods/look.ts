import { BootstrapError } from '../../base/errors.ts';
import { sha256 } from '../../base/sha256.ts';
import { below, type JsonMap } from '../../render/json.ts';
import { MANIFESTS } from '../../render/layout.ts';
import { manifestFile, podCalled, podNamed } from '../../render/static-pods/manifest-file.ts';
import type { Master } from '../apply/master.ts';
import { bare } from '../bare.ts';
import { calledIn, readManifest } from '../plan/read-manifest.ts';
import type { ApiClient } from '../probe/api-client.ts';
import { mirrorPodOf } from '../probe/mirror-pod.ts';
import { lastMessage } from '../status/last-message.ts';
import { oneLine } from '../status/words.ts';
import { type DeclaredPod, digestOf, lastingContainers, stoppedFile } from './declared.ts';
import { chosenInstance, instancesOf, runOf } from './runs.ts';
import {
  type ManifestSeen,
  type MirrorSeen,
  type MirrorsSeen,
  type NodeSeen,
  type PodsSeen,
  unreachedNode,
} from './seen.ts';
import type { Wanted } from './truth.ts';

export interface PodsLook {
  /** Names of those that are looked at, in the order of the cluster file. */
  readonly nodes: readonly string[];
  /** Those of all nodes that can be reached, masters or not. */
  readonly reached: readonly Master[];
  readonly unreachable: ReadonlyMap<string, BootstrapError>;
  /** Undefined where the cluster has no masters; why, where none of its apiservers answers. */
  readonly api: ApiClient | { readonly why: string } | undefined;
  readonly wanted: Wanted;
  readonly published: PodsSeen['published'];
  readonly signal: AbortSignal;
}

/** So many lines of the kubelet's log are searched for pods that do not run. */
const KUBELET_LINES = 500;
const POD_LINES = 20;

/** Looks at the user's pods on some nodes; changes nothing. Only what ends the whole look (the signal) is thrown. */
export async function lookAtPods(look: PodsLook): Promise<PodsSeen> {
  const { nodes, reached, unreachable, published, signal, wanted } = look;
  const [mirrors, ...seen] = await Promise.all([
    lookAtMirrors(look),
    ...nodes.map(async (name): Promise<{ readonly master: Master | undefined; readonly seen: NodeSeen }> => {
      const master = reached.find((each) => each.name === name);
      const why = unreachable.get(name) ?? new Error('there is no way to it');
      return { master, seen: master ? await lookAtNode(master, wanted.declared, signal) : unreached(name, why) };
    }),
  ]);
  const known: PodsSeen = { nodes: seen.map((each) => each.seen), mirrors, published };
  const said = await Promise.all(
    seen.map(({ master, seen: node }) =>
      master && node.contact === 'reached' ? listen(master, node, wanted, known) : node,
    ),
  );
  return { ...known, nodes: said };
}

function unreached(node: string, error: unknown): NodeSeen {
  const why = oneLine(bare(node, error instanceof Error ? error : new Error(String(error))));
  return unreachedNode(node, why, error instanceof BootstrapError ? error.hint : undefined);
}

async function lookAtNode(
  { name, node, agent }: Master,
  declared: readonly DeclaredPod[],
  signal: AbortSignal,
): Promise<NodeSeen> {
  try {
    const mine = declared.filter((pod) => pod.node === name && pod.via === 'file');
    const paths = [...new Set(mine.flatMap((pod) => [manifestFile(pod), stoppedFile(pod)]))];
    const [facts, runtime] = await Promise.all([
      agent.facts({ paths, etcdDataDir: node.etcd.dataDir, manifestsDir: MANIFESTS }),
      agent.runtimePods().catch((error: unknown) => {
        signal.throwIfAborted();
        const problem = oneLine(error instanceof Error ? bare(name, error) : String(error));
        return { source: 'none', pods: [], problem } as const;
      }),
    ]);
    const contents = await agent.read(facts.manifests.map((file) => `${MANIFESTS}/${file}`));
    const files = [...facts.files].flatMap(([path, { sha256 }]) => (sha256 ? [[path, sha256] as const] : []));
    return {
      node: name,
      contact: 'reached',
      kubelet: facts.kubelet.active,
      revision: facts.current,
      isChanging: facts.transaction !== undefined,
      index: new Map(facts.index.map(({ path, sha256 }) => [path, sha256])),
      files: new Map([...files, ...[...contents].map(([path, content]) => [path, sha256(content)] as const)]),
      manifests: [...contents].map(([path, content]) => manifestSeen(path, content)).sort(byPath),
      runtime,
      kubeletSays: new Map(),
      podSays: new Map(),
      clock: facts.clock,
    };
  } catch (error) {
    signal.throwIfAborted();
    return unreached(name, error);
  }
}

function manifestSeen(path: string, content: Buffer): ManifestSeen {
  const manifest = readManifest(content);
  const isPod = manifest !== undefined && below(manifest, 'kind') === 'Pod';
  return {
    path,
    pod: isPod ? calledIn(manifest) : undefined,
    digest: isPod ? digestOf(manifest) : undefined,
    containers: isPod ? lastingContainers(manifest) : [],
  };
}

async function lookAtMirrors({ api, nodes, wanted, signal }: PodsLook): Promise<MirrorsSeen> {
  if (!api) return { kind: 'none' };
  if ('why' in api) return { kind: 'silent', why: api.why };
  try {
    const lists = await Promise.all(
      nodes.map((node) => {
        const query = { fieldSelector: `spec.nodeName=${node.toLowerCase()}` };
        return api.list('/api/v1/pods', { query, signal });
      }),
    );
    const pods = new Map(lists.flat().flatMap(mirrorEntry));
    const namespaces = new Set([...pods.keys()].map((called) => podNamed(called).namespace));
    const others = wanted.declared.map(({ namespace }) => namespace).filter((name) => !namespaces.has(name));
    await Promise.all(
      [...new Set(others)].map(async (name) => {
        const found = await api.get(`/api/v1/namespaces/${encodeURIComponent(name)}`, { signal });
        if (found) namespaces.add(name);
      }),
    );
    return { kind: 'seen', pods, namespaces };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'silent', why: oneLine(error instanceof Error ? error.message : String(error)) };
  }
}

function mirrorEntry(pod: JsonMap): readonly (readonly [string, MirrorSeen])[] {
  const mirror = mirrorPodOf(pod);
  if (mirror.annotations['kubernetes.io/config.mirror'] === undefined) return [];
  const [namespace, name] = ['namespace', 'name'].map((key) => String(below(pod, 'metadata', key) ?? ''));
  const labels = below(pod, 'metadata', 'labels');
  const texts = Object.entries(typeof labels === 'object' && labels !== null ? labels : {}).flatMap(([key, value]) =>
    typeof value === 'string' ? [[key, value] as const] : [],
  );
  return [[podCalled(namespace ?? '', name ?? ''), { ...mirror, labels: Object.fromEntries(texts) }]];
}

/** What is said on the node of pods that do not run as they should. */
async function listen(master: Master, seen: NodeSeen, wanted: Wanted, all: PodsSeen): Promise<NodeSeen> {
  const { name, agent } = master;
  const ours = new Set(wanted.manifests.get(name)?.values());
  const mine = new Map(wanted.declared.filter((pod) => pod.node === name).map((pod) => [pod.called, pod]));
  const called = new Set([
    ...[...mine.values()].filter(({ isStopped }) => !isStopped).map((pod) => pod.called),
    ...seen.manifests.flatMap(({ pod }) => (pod !== undefined && !ours.has(pod) ? [pod] : [])),
  ]);
  const runs = [...called].map((pod) => {
    const file = seen.manifests.find((each) => each.pod === pod);
    const instance = chosenInstance(instancesOf(seen.runtime, name, podNamed(pod)), file?.digest);
    const lasting = file?.containers ?? lastingContainers(mine.get(pod)?.manifest ?? {});
    return { pod, run: runOf(seen.runtime, instance, lasting, seen.clock) };
  });
  const unseen = (pod: string) => all.mirrors.kind === 'seen' && !all.mirrors.pods.has(`${pod}-${name.toLowerCase()}`);
  const silent = runs.filter(({ pod, run }) => !['running', 'unknown'].includes(run.state) || unseen(pod));
  if (!silent.length) return seen;
  try {
    const [kubelet, ...logs] = await Promise.all([
      agent.logs('kubelet', KUBELET_LINES),
      ...silent
        .filter(({ run }) => run.state === 'exited')
        .map(async ({ pod }) => [pod, lastMessage(await agent.logs(pod, POD_LINES))] as const),
    ]);
    const said = silent.map(({ pod }) => [pod, kubeletSays(kubelet, pod, name)] as const);
    return {
      ...seen,
      kubeletSays: new Map(said.filter(([, text]) => text)),
      podSays: new Map(logs.filter(([, text]) => text)),
    };
  } catch {
    return seen;
  }
}

/** The last error that the kubelet has logged of a pod; klog names it `pod="default/web-cp1"`. */
function kubeletSays(log: string, called: string, node: string): string {
  const { namespace, name } = podNamed(called);
  const mark = ` pod="${namespace}/${name}-${node.toLowerCase()}"`;
  const lines = log.split('\n').filter((line) => /^[EW]\d{4} /.test(line) && line.includes(mark));
  return lastMessage(lines.join('\n'));
}

function byPath(a: ManifestSeen, b: ManifestSeen): number {
  return a.path < b.path ? -1 : 1;
}
