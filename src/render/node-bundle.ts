import { dirname } from 'node:path/posix';
import { emitYaml } from '../base/yaml-emit.ts';
import { type Bundle, type BundleDirectory, type BundleFile, type FileEffect, makeBundle } from '../bundle/bundle.ts';
import type { Pki } from '../pki/pki.ts';
import type { Json } from '../spec/tree.ts';
import type { JsonMap } from './json.ts';
import { authorityOf, leafOf, personKubeconfig } from './kubeconfig.ts';
import {
  ETCD_PKI,
  KUBELET_CLIENT_CERTIFICATE,
  KUBELET_CONFIG,
  KUBELET_DROP_IN,
  KUBELET_UNIT,
  KUBERNETES,
  MANIFESTS,
  PKI,
} from './layout.ts';
import { manifestPath, type NodePlan } from './plan-node.ts';
import { inputsDigest, isStartFile, stampPod } from './stamp.ts';
import { dataReader, kubeletStartFiles, podStartFiles } from './start-files.ts';
import { emitPod } from './static-pods/emit-pod.ts';
import { manifestFile, podCalled } from './static-pods/manifest-file.ts';
import { startFilesOf } from './static-pods/plan-static-pods.ts';
import { emitUnit } from './systemd-unit.ts';

type PlainFile = Omit<BundleFile, 'effect'>;

const ROOT = 'root:root';

/** Steps five and six: the plan of a node, with its certificates, as the files that lie on it. */
export function nodeBundle(plan: NodePlan, pki: Pki): Bundle {
  const { cluster, node } = plan.input;
  const minor = cluster.version.minor;
  const files = [...pkiContents(plan, pki), ...configurations(plan, pki), ...userFiles(plan)];
  const read = dataReader(new Map<string, Json>(plan.kubeconfigs.map(({ path, data }) => [path, data])), node.files);
  const own = plan.staticPods.map((pod) => ({ ...pod, called: podCalled(pod.namespace, pod.name) }));
  const starts = new Map<string, ReadonlySet<string>>([
    ...plan.pods.map((pod) => [pod.component, podStartFiles(pod, minor, read)] as const),
    ...own.map((pod) => [pod.called, startFilesOf(pod, node.files)] as const),
  ]);
  const kubelet = kubeletStartFiles(plan.kubelet?.flags ?? [], minor, read);
  const stamped = (pod: string, data: JsonMap) => stampPod(data, inputsDigest(starts.get(pod) ?? new Set(), files));
  const manifests = [
    ...plan.pods.map(({ component, data }) =>
      manifest(manifestPath(component), emitYaml(stamped(component, data)), component),
    ),
    ...own.map((pod) =>
      manifest(manifestFile(pod), emitPod({ manifest: stamped(pod.called, pod.manifest) }), pod.called),
    ),
  ];
  const withEffects = files.map((file): BundleFile => ({ ...file, effect: effectOf(file.path, starts, kubelet) }));
  return makeBundle(node.name, directories(plan), [...withEffects, ...manifests]);
}

function manifest(path: string, text: string, pod: string): BundleFile {
  return { ...plain(path, text, 0o600, false), effect: { kind: 'manifest', pod } };
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

function directories({ input: { cluster, node } }: NodePlan): readonly BundleDirectory[] {
  const directory = (path: string, mode: number): BundleDirectory => ({ path, mode, owner: ROOT });
  return [
    directory(MANIFESTS, 0o700),
    directory(PKI, 0o755),
    directory(`${PKI}/controller-manager`, 0o755),
    directory(dirname(KUBELET_CLIENT_CERTIFICATE), 0o755),
    directory(`${PKI}/scheduler`, 0o755),
    ...(cluster.etcd.kind === 'local' ? [directory(ETCD_PKI, 0o755), directory(node.etcd.dataDir, 0o700)] : []),
  ];
}

function pkiContents({ pkiFiles }: NodePlan, pki: Pki): readonly PlainFile[] {
  return pkiFiles.flatMap(({ path, isSecret, content }) => {
    const text = content(pki);
    return text === undefined ? [] : [plain(path, text, isSecret ? 0o600 : 0o644, isSecret)];
  });
}

function configurations({ input, kubelet, kubeletUnit, kubeconfigs }: NodePlan, pki: Pki): readonly PlainFile[] {
  const { cluster, node } = input;
  const admin = personKubeconfig(
    input,
    cluster,
    'kubernetes-admin',
    authorityOf(pki, 'kubernetes'),
    leafOf(pki, node.name, 'admin'),
  );
  return [
    plain(`${KUBERNETES}/admin.conf`, admin, 0o600, true),
    ...kubeconfigs.map(({ path, data }) => plain(path, emitYaml(data), 0o600, false)),
    ...(kubelet
      ? [
          plain(KUBELET_CONFIG, emitYaml(kubelet.config), 0o600, 'staticPodURLHeader' in kubelet.config),
          plain(KUBELET_DROP_IN, emitUnit(kubelet.dropIn), 0o644, false),
        ]
      : []),
    ...(kubeletUnit === undefined ? [] : [plain(KUBELET_UNIT, kubeletUnit, 0o644, false)]),
  ];
}

function userFiles({ input: { node } }: NodePlan): readonly PlainFile[] {
  return node.files.map(({ path, content, mode, owner, sensitive }) => ({ path, content, mode, owner, sensitive }));
}

function plain(path: string, text: string, mode: number, sensitive: boolean): PlainFile {
  return { path, content: Buffer.from(text), mode, owner: ROOT, sensitive };
}
