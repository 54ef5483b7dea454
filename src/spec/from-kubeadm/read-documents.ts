import { errorAt, type Fault, type Located } from '../../base/fault.ts';
import { asText } from '../read-tree.ts';
import { at, type MapTree, type Tree } from '../tree.ts';
import type { ApiVersion, Kind } from './fields.ts';
import { KINDS, LEFT_KINDS } from './fields.ts';
import type { NotCarried } from './outcome.ts';

/** One document of the kubeadm configuration. */
export interface KubeadmDocument {
  readonly kind: Kind;
  readonly version: ApiVersion;
  readonly tree: MapTree;
  /** The document as a whole, for messages. */
  readonly at: Located;
}

export interface KubeadmDocuments {
  readonly cluster: KubeadmDocument | undefined;
  readonly init: KubeadmDocument | undefined;
  /** In their order in the file: kubeadm takes one at a time, here each one is a further node. */
  readonly joins: readonly KubeadmDocument[];
  readonly kubelet: MapTree | undefined;
  readonly proxy: MapTree | undefined;
  readonly notCarried: readonly NotCarried[];
  readonly faults: readonly Fault[];
}

const COMPONENT_VERSIONS: ReadonlyMap<string, string> = new Map([
  ['KubeletConfiguration', 'kubelet.config.k8s.io/v1beta1'],
  ['KubeProxyConfiguration', 'kubeproxy.config.k8s.io/v1alpha1'],
]);

/** Sorts the documents of a kubeadm configuration by their kinds. */
export function sortDocuments(trees: readonly Tree[]): KubeadmDocuments {
  const faults: Fault[] = [];
  const notCarried: NotCarried[] = [];
  const documents: KubeadmDocument[] = [];
  let kubelet: MapTree | undefined;
  let proxy: MapTree | undefined;
  const seen = new Map<string, Located>();
  for (const tree of trees) {
    if (tree.kind === 'scalar' && tree.value === null) continue;
    const read = kindOf(tree);
    if ('fault' in read) {
      faults.push(read.fault);
      continue;
    }
    const place = { path: read.kind, origin: tree.origin };
    const earlier = seen.get(read.kind);
    if (earlier && read.kind !== 'JoinConfiguration') {
      const line = earlier.origin.kind === 'file' ? ` (line ${earlier.origin.place.line})` : '';
      faults.push(errorAt(place, `is a second ${read.kind}; there is one in this file already${line}`));
      continue;
    }
    seen.set(read.kind, place);
    const why = LEFT_KINDS.get(read.kind);
    if (why !== undefined) notCarried.push({ at: place, why });
    else if (read.kind === 'KubeletConfiguration') kubelet = read.tree;
    else if (read.kind === 'KubeProxyConfiguration') proxy = read.tree;
    else documents.push({ kind: read.kind as Kind, version: read.version, tree: read.tree, at: place });
  }
  const one = (kind: Kind) => documents.find((document) => document.kind === kind);
  const joins = documents.filter(({ kind }) => kind === 'JoinConfiguration');
  const [cluster, init] = [one('ClusterConfiguration'), one('InitConfiguration')];
  return { cluster, init, joins, kubelet, proxy, notCarried, faults };
}

type KindOf =
  | { readonly kind: string; readonly version: ApiVersion; readonly tree: MapTree }
  | { readonly fault: Fault };

function kindOf(tree: Tree): KindOf {
  const fault = (where: Located | undefined, message: string, hint?: string): KindOf => ({
    fault: errorAt(where, message, hint),
  });
  if (tree.kind !== 'map') return fault(tree, 'is not a map with apiVersion and kind');
  const [apiVersionTree, kindTree] = [at(tree, ['apiVersion']), at(tree, ['kind'])];
  const [apiVersion, kind] = [asText(apiVersionTree), asText(kindTree)];
  if (apiVersion === undefined || kind === undefined) {
    return fault(
      apiVersion === undefined ? (apiVersionTree ?? tree) : (kindTree ?? tree),
      `"${apiVersion === undefined ? 'apiVersion' : 'kind'}" is missing`,
    );
  }
  const wanted = COMPONENT_VERSIONS.get(kind);
  if (wanted !== undefined) {
    if (apiVersion === wanted) return { kind, version: 'v1beta4', tree };
    return fault(
      apiVersionTree,
      `${show(apiVersion)} is not a version of ${kind} that is read`,
      `it must be ${wanted}`,
    );
  }
  const version = /^kubeadm\.k8s\.io\/(.*)$/.exec(apiVersion)?.[1];
  if (version === undefined)
    return fault(
      kindTree,
      `${show(kind)} (${show(apiVersion)}) is not a part of a kubeadm configuration`,
      hintFor(kind),
    );
  if (version !== 'v1beta3' && version !== 'v1beta4')
    return fault(apiVersionTree, `${show(apiVersion)} is not read; v1beta3 and v1beta4 are`, versionHint(version));
  if (![...KINDS, ...LEFT_KINDS.keys()].includes(kind)) {
    return fault(
      kindTree,
      `${show(kind)} is not a kind of kubeadm's`,
      `known: ${[...KINDS, ...LEFT_KINDS.keys()].join(', ')}, ${[...COMPONENT_VERSIONS.keys()].join(', ')}`,
    );
  }
  return { kind, version, tree };
}

const show = (text: string) => JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);

function hintFor(kind: string): string | undefined {
  if (kind === 'ConfigMap') return 'give what it holds under data.ClusterConfiguration';
  return kind === 'Cluster' ? 'a cluster file is given by --file' : undefined;
}

/** validateSupportedVersion (cmd/kubeadm/app/util/config/common.go) names the kubeadm that still reads an old version. */
function versionHint(version: string): string | undefined {
  const kubeadm = LAST_KUBEADM.get(version);
  return kubeadm && `bring it up to date with \`kubeadm config migrate\` of kubeadm ${kubeadm}`;
}

const LAST_KUBEADM: ReadonlyMap<string, string> = new Map([
  ['v1beta2', 'v1.22'],
  ['v1beta1', 'v1.15'],
  ['v1alpha3', 'v1.14'],
  ['v1alpha2', 'v1.12'],
  ['v1alpha1', 'v1.11'],
]);
