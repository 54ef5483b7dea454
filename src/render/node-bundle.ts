import { dirname } from 'node:path/posix';
import { emitYaml } from '../base/yaml-emit.ts';
import { type Bundle, type BundleDirectory, type BundleFile, type FileEffect, makeBundle } from '../bundle/bundle.ts';
import type { Pki } from '../pki/pki.ts';
import type { Json } from '../spec/tree.ts';
import { type JsonMap, withEntries } from './json.ts';
import { authorityOf, leafOf, personKubeconfig, tokenOf } from './kubeconfig.ts';
import {
  ETCD_PKI,
  KUBELET_CLIENT_CERTIFICATE,
  KUBELET_CONFIG,
  KUBELET_DROP_IN,
  KUBELET_UNIT,
  MANIFESTS,
  PKI,
  POD_SERVER_CA,
  STOPPED_PODS,
} from './layout.ts';
import { ADMIN_KUBECONFIG, manifestPath, type NodePlan } from './plan-node.ts';
import { inputsDigest, isStartFile, stampPod } from './stamp.ts';
import { dataReader, kubeletStartFiles, podStartFiles } from './start-files.ts';
import { emitPod } from './static-pods/emit-pod.ts';
import { manifestFile, stoppedFile } from './static-pods/manifest-file.ts';
import { stampStaticPods } from './static-pods/stamp-static-pods.ts';
import { emitUnit } from './systemd-unit.ts';
import { isWithin } from './view/host-dirs.ts';
import { bearer, podUrl } from './view/pod-url.ts';

type PlainFile = Omit<BundleFile, 'effect'>;

const ROOT = 'root:root';

/** What is made of the plan of a node. */
export interface NodeOutput {
  readonly bundle: Bundle;
  /** The pods that its kubelet gets by URL instead. */
  readonly served: readonly JsonMap[];
}

/** Steps five and six: the plan of a node, with its certificates, as the files that lie on it and the pods that do not. */
export function nodeOutput(plan: NodePlan, pki: Pki): NodeOutput {
  const { cluster, node } = plan.input;
  const minor = cluster.version.minor;
  const files = [...pkiContents(plan, pki), ...configurations(plan, pki), ...userFiles(plan)];
  const read = dataReader(new Map<string, Json>(plan.kubeconfigs.map(({ path, data }) => [path, data])), node.files);
  const own = stampStaticPods(plan.staticPods, node.files);
  const running = own.filter(({ via, isStopped }) => via === 'file' && !isStopped);
  const stopped = own.filter(({ via, isStopped }) => via === 'file' && isStopped);
  const starts = new Map<string, ReadonlySet<string>>([
    ...plan.pods.map((pod) => [pod.component, podStartFiles(pod, minor, read)] as const),
    ...running.map((pod) => [pod.called, pod.starts] as const),
  ]);
  const kubelet = new Set([
    ...kubeletStartFiles(plan.kubelet?.flags ?? [], minor, read),
    // crypto/x509, SystemCertPool: all that lies in SSL_CERT_DIR is read once
    ...(podUrl(cluster, node) ? [POD_SERVER_CA] : []),
  ]);
  const manifests = [
    ...plan.pods.map(({ component, data }) => {
      const digest = inputsDigest(starts.get(component) ?? new Set(), files);
      return manifest(manifestPath(component), emitYaml(stampPod(data, digest)), component);
    }),
    ...running.map(({ pod, called, data }) => manifest(manifestFile(pod), emitPod({ manifest: data }), called)),
  ];
  const withEffects = [
    ...files.map((file): BundleFile => ({ ...file, effect: effectOf(file.path, starts, kubelet) })),
    ...stopped.map(({ pod, data }) => kept(stoppedFile(pod), emitPod({ manifest: data }))),
  ];
  return {
    bundle: makeBundle(node.name, directories(plan), [...withEffects, ...manifests]),
    served: own
      .filter(({ via, isStopped }) => via === 'http' && !isStopped)
      .sort((a, b) => (a.called < b.called ? -1 : 1))
      .map(({ data }) => data),
  };
}

function manifest(path: string, text: string, pod: string): BundleFile {
  return { ...plain(path, text, 0o600, false), effect: { kind: 'manifest', pod } };
}

function kept(path: string, text: string): BundleFile {
  return { ...plain(path, text, 0o600, false), effect: { kind: 'none' } };
}

function effectOf(
  path: string,
  starts: ReadonlyMap<string, ReadonlySet<string>>,
  kubelet: ReadonlySet<string>,
): FileEffect {
  if (path === KUBELET_DROP_IN || path === KUBELET_UNIT) return { kind: 'kubelet-unit' };
  const pods = [...starts].filter(([, files]) => isStartFile(files, path)).map(([pod]) => pod);
  const isForKubelet = isStartFile(kubelet, path);
  if (pods.length) return { kind: 'pods', pods, ...(isForKubelet && { kubelet: true }) };
  return isForKubelet ? { kind: 'kubelet' } : { kind: 'none' };
}

function directories({ input: { cluster, node }, staticPods, pkiFiles }: NodePlan): readonly BundleDirectory[] {
  const directory = (path: string, mode: number): BundleDirectory => ({ path, mode, owner: ROOT });
  const holds = (dir: string) => pkiFiles.some(({ path }) => isWithin(path, dir));
  const isStopped = staticPods.some((pod) => pod.isStopped && pod.via === 'file');
  const isEtcd = node.role === 'master' && cluster.etcd.kind === 'local';
  return [
    directory(MANIFESTS, 0o700),
    ...(isStopped ? [directory(STOPPED_PODS, 0o700)] : []),
    ...PKI_DIRECTORIES.filter(holds).map((path) => directory(path, 0o755)),
    ...(isEtcd ? [directory(node.etcd.dataDir, 0o700)] : []),
  ];
}

/** Those with certificates: each is there where something lies in it. */
const PKI_DIRECTORIES = [
  PKI,
  `${PKI}/controller-manager`,
  ETCD_PKI,
  dirname(KUBELET_CLIENT_CERTIFICATE),
  `${PKI}/scheduler`,
  POD_SERVER_CA,
];

function pkiContents({ pkiFiles }: NodePlan, pki: Pki): readonly PlainFile[] {
  return pkiFiles.flatMap(({ path, isSecret, content }) => {
    const text = content(pki);
    return text === undefined ? [] : [plain(path, text, isSecret ? 0o600 : 0o644, isSecret)];
  });
}

function configurations(plan: NodePlan, pki: Pki): readonly PlainFile[] {
  const { kubelet, kubeletUnit, kubeconfigs } = plan;
  return [
    ...adminKubeconfig(plan, pki),
    ...kubeconfigs.map(({ path, data }) => plain(path, emitYaml(data), 0o600, false)),
    ...(kubelet
      ? [kubeletConfig(plan, kubelet.config, pki), plain(KUBELET_DROP_IN, emitUnit(kubelet.dropIn), 0o644, false)]
      : []),
    ...(kubeletUnit === undefined ? [] : [plain(KUBELET_UNIT, kubeletUnit, 0o644, false)]),
  ];
}

function adminKubeconfig({ input }: NodePlan, pki: Pki): readonly PlainFile[] {
  const { cluster, node } = input;
  if (node.role !== 'master') return [];
  const pair = leafOf(pki, node.name, 'admin');
  const admin = personKubeconfig(input, cluster, 'kubernetes-admin', authorityOf(pki, 'kubernetes'), pair);
  return [plain(ADMIN_KUBECONFIG, admin, 0o600, true)];
}

/** With the token, where it gets pods by URL: from here on nobody but root and the server is to see it. */
function kubeletConfig({ input: { cluster, node } }: NodePlan, planned: JsonMap, pki: Pki): PlainFile {
  const authorization = () => bearer(tokenOf(pki, node.name).reveal());
  const config = podUrl(cluster, node)
    ? withEntries(planned, { staticPodURLHeader: { Authorization: [authorization()] } })
    : planned;
  return plain(KUBELET_CONFIG, emitYaml(config), 0o600, 'staticPodURLHeader' in config);
}

function userFiles({ input: { node } }: NodePlan): readonly PlainFile[] {
  return node.files.map(({ path, content, mode, owner, sensitive }) => ({ path, content, mode, owner, sensitive }));
}

function plain(path: string, text: string, mode: number, sensitive: boolean): PlainFile {
  return { path, content: Buffer.from(text), mode, owner: ROOT, sensitive };
}
