import { errorAt, type Located } from '../../base/fault.ts';
import { asText } from '../read-tree.ts';
import { at, fromJson, type Tree } from '../tree.ts';
import {
  type Placed,
  settleAlgorithm,
  settleOption,
  settleVersion,
  take,
  type Values,
  withPort,
} from './cluster-wide.ts';
import { sameValue } from './compare.ts';
import { sortKubeletConfig } from './kubelet-config.ts';
import type { ExtraNode, NodeDocument } from './node-sources.ts';
import { assembleNodes } from './nodes.ts';
import type { Outcome } from './outcome.ts';
import { sortProxyConfig } from './proxy-config.ts';
import type { KubeadmDocument, KubeadmDocuments } from './read-documents.ts';
import { isNull } from './scalars.ts';
import { sortFields } from './sort-fields.ts';

/** What the command line adds to a kubeadm configuration. */
export interface KubeadmOptions {
  /** `--node`: completes the nodes of the configuration (by name, address or order); what is left is added. */
  readonly extraNodes?: readonly ExtraNode[];
  /** `--endpoint`: wins over controlPlaneEndpoint. */
  readonly endpoint?: string;
  /** `--name`: wins over clusterName. */
  readonly name?: string;
  /** `--profile`; without it the profile that fits the nodes and their etcd. */
  readonly profiles?: readonly string[];
}

export interface Settled {
  readonly placed: readonly Placed[];
  /** False where nodes or their endpoint are missing or cannot be used. */
  readonly complete: boolean;
}

/** Decides on every value of the cluster file. What becomes of each field goes into `outcome`. */
export function settle(
  documents: KubeadmDocuments,
  options: KubeadmOptions,
  start: Located,
  outcome: Outcome,
): Settled {
  const { cluster, init } = documents;
  const values: Values = cluster ? sortFields(cluster, outcome) : new Map();
  const nodeDocuments = controlPlanes(documents, outcome).map((document) => nodeDocument(document, outcome));
  const initValues: Values = new Map(init ? nodeDocuments[0]?.values : []);
  const version = settleVersion(values, outcome);
  const algorithms = settleAlgorithm(values, outcome);
  const name = settleOption(values, 'clusterName', '--name', options.name, outcome);
  const endpoint = withPort(
    settleOption(values, 'controlPlaneEndpoint', '--endpoint', options.endpoint, outcome),
    initValues.get('localAPIEndpoint.bindPort')?.tree,
  );

  const faultsBefore = outcome.faults.length;
  const nodes = assembleNodes(nodeDocuments, options.extraNodes ?? [], cluster?.at ?? start, outcome);
  if (!endpoint && nodes.count > 1) {
    const message = `controlPlaneEndpoint is missing: with ${nodes.count} nodes there must be one address for all of them`;
    outcome.faults.push(
      errorAt(cluster?.at ?? start, message, 'pass --endpoint HOST:PORT, the address of your load balancer'),
    );
  }
  const complete = outcome.faults.length === faultsBefore && !nodeDocuments.some(({ broken }) => broken);

  const etcd = settleEtcd(cluster, outcome);
  const timeout = settleTimeout(values, initValues, outcome);
  const proxy = settleProxy(documents, values, outcome);
  const others = [...values.values()].map(({ tree, at: from, to }): Placed => {
    outcome.carried.push({ at: from, to });
    return { path: to, tree };
  });
  const placed = [
    settleProfiles(options.profiles, nodes.count, etcd !== undefined),
    name,
    version,
    endpoint,
    nodes.count ? { path: 'spec.nodes', tree: nodes.nodes } : undefined,
    etcd,
    ...others,
    ...nodes.clusterWide,
    ...settleKubelet(documents, values, outcome),
    proxy,
    ...algorithms,
    timeout,
  ];
  return { placed: placed.filter((value) => value !== undefined), complete };
}

/** The documents that describe masters; workers are named and left out. */
function controlPlanes({ init, joins }: KubeadmDocuments, outcome: Outcome): readonly KubeadmDocument[] {
  const masters = joins.filter(({ tree, at: place }) => {
    const controlPlane = at(tree, ['controlPlane']);
    if (controlPlane && !isNull(controlPlane)) return true;
    outcome.notCarried.push({ at: place, why: 'describes a worker (it has no controlPlane); bootstrap makes masters' });
    return false;
  });
  return init ? [init, ...masters] : masters;
}

function nodeDocument(document: KubeadmDocument, outcome: Outcome): NodeDocument {
  const before = outcome.faults.length;
  const values = sortFields(document, outcome);
  return { document, values, broken: outcome.faults.length > before };
}

/** The block of an external etcd, yet without its fields: it is external even if nothing is said of it. */
function settleEtcd(cluster: KubeadmDocument | undefined, outcome: Outcome): Placed | undefined {
  const external = at(cluster?.tree, ['etcd', 'external']);
  if (external?.kind !== 'map') return undefined;
  // kubeadm takes `endpoints` where there are no `httpEndpoints`: the same list says nothing new
  const [grpc, http] = [at(external, ['endpoints']), at(external, ['httpEndpoints'])];
  const named =
    grpc && http && sameValue(grpc, http) ? outcome.notCarried.findIndex((n) => n.at.path === http.path) : -1;
  for (const { at: place } of named < 0 ? [] : outcome.notCarried.splice(named, 1)) {
    outcome.carried.push({ at: place, to: undefined });
  }
  return { path: 'spec.etcd.external', tree: { ...external, entries: new Map() } };
}

/** One timeout under two names: v1beta3 has it in the ClusterConfiguration, v1beta4 in the InitConfiguration. */
function settleTimeout(values: Values, initValues: Values, outcome: Outcome): Placed | undefined {
  const mine = take(initValues, 'timeouts.controlPlaneComponentHealthCheck');
  if (!mine) return undefined;
  outcome.carried.push({ at: mine.at, to: mine.to });
  const other = take(values, 'apiServer.timeoutForControlPlane');
  if (other) outcome.notCarried.push({ at: other.at, why: 'that of the InitConfiguration is taken instead' });
  return { path: mine.to, tree: mine.tree };
}

function settleKubelet(documents: KubeadmDocuments, values: Values, outcome: Outcome): readonly Placed[] {
  if (!documents.kubelet) return [];
  const context = {
    serviceSubnet: asText(values.get('networking.serviceSubnet')?.tree) ?? '10.96.0.0/12',
    dnsDomain: asText(values.get('networking.dnsDomain')?.tree) ?? 'cluster.local',
    certificatesDir: asText(at(documents.cluster?.tree, ['certificatesDir'])) || '/etc/kubernetes/pki',
  };
  const { config, criSocket } = sortKubeletConfig(documents.kubelet, context, outcome);
  const socket = criSocket && settleSocket(documents, criSocket, outcome);
  return [...(config ? [{ path: 'spec.kubelet.config', tree: config }] : []), ...(socket ? [socket] : [])];
}

function settleProxy({ proxy }: KubeadmDocuments, values: Values, outcome: Outcome): Placed | undefined {
  const podSubnet = asText(values.get('networking.podSubnet')?.tree);
  const config = proxy && sortProxyConfig(proxy, podSubnet, outcome);
  return config && { path: 'spec.proxy.config', tree: config };
}

/** kubeadm overwrites the kubelet's containerRuntimeEndpoint with the node's criSocket where there is one. */
function settleSocket(
  { init, joins }: KubeadmDocuments,
  socket: { readonly tree: Tree; readonly at: Located },
  outcome: Outcome,
): Placed | undefined {
  const path = 'spec.kubelet.criSocket';
  const own = [init, ...joins].flatMap(
    (document) => asText(at(document?.tree, ['nodeRegistration', 'criSocket'])) || [],
  );
  if (own.every((text) => text === asText(socket.tree))) outcome.carried.push({ at: socket.at, to: path });
  else outcome.notCarried.push({ at: socket.at, why: 'nodeRegistration.criSocket wins over it' });
  return own.length ? undefined : { path, tree: socket.tree };
}

/** The profile of the package that fits, so that later runs check what it requires. `ha` goes up to 7 masters. */
function settleProfiles(given: readonly string[] | undefined, count: number, external: boolean): Placed | undefined {
  const fitting = count === 1 ? 'single' : external ? 'ha-external-etcd' : 'ha';
  const names = given?.length ? given : count > 0 && (external || count <= 7) ? [fitting] : [];
  if (!names.length) return undefined;
  const rule = 'the profile that fits the nodes';
  return { path: 'spec.profiles', tree: fromJson([...names], 'spec.profiles', { kind: 'default', rule }) };
}
