import { resolve } from 'node:path';
import { parseVersion } from '../kubernetes/version.ts';
import { blocksOf } from './blocks.ts';
import { parseCidrList } from './cidr.ts';
import type {
  Cluster,
  ClusterEtcd,
  ClusterNode,
  ComponentSettings,
  ExtraArg,
  ExtraEnv,
  ExtraVolume,
  KeyAlgorithm,
  NodeFile,
  NodeSettings,
  Patch,
  ServeSettings,
  SshSettings,
  StaticPodSource,
  Taint,
} from './cluster.ts';
import { parseDuration } from './duration.ts';
import { parseEndpoint } from './endpoint.ts';
import { asBoolean, asList, asNumber, asObject, asStrings, asText } from './read-tree.ts';
import { isPlain, masterTrees } from './roles.ts';
import { at, fromJson, type Json, type MapTree, mergeTrees, type Tree, toJson } from './tree.ts';

/** Of `bootstrap serve`. */
const SERVE_PORT = 8443;

/** What `patches`, `files` and `staticPods` hold once their sources were read; each with the nodes it is for. */
export interface SpecContents {
  readonly patches: readonly (Patch & { readonly nodes: readonly string[] | undefined })[];
  readonly files: readonly (NodeFile & { readonly nodes: readonly string[] | undefined })[];
  readonly staticPods: readonly {
    readonly source: StaticPodSource;
    readonly nodes: readonly string[] | undefined;
    /** Everywhere, nowhere, or on these nodes. */
    readonly stopped: boolean | readonly string[];
  }[];
}

/**
 * Makes the Cluster from a spec that has passed all checks and has its defaults.
 * @param base the directory of the cluster file
 */
export function buildCluster(
  name: string,
  profiles: readonly string[],
  spec: MapTree,
  contents: SpecContents,
  base: string,
): Cluster {
  const version = parseVersion(asText(at(spec, ['kubernetesVersion'])) ?? '');
  if ('error' in version) throw new Error(`unchecked version: ${version.error}`);
  const endpointText = asText(at(spec, ['controlPlaneEndpoint']));
  // as kubeadm: without a port, the load balancer is taken to listen on the same one as the apiservers
  const bindPort = asNumber(at(spec, ['apiServer', 'bindPort'])) ?? 6443;
  const endpoint = endpointText === undefined ? undefined : parseEndpoint(endpointText, bindPort);
  const hasMasters = masterTrees(spec).length > 0;
  const nodes = asList(at(spec, ['nodes'])).map((node, index) =>
    buildNode({ node, index, hasMasters }, spec, contents, base),
  );
  const hours = (path: string) => (parseDuration(asText(at(spec, ['pki', path])) ?? '') ?? 0) / 3.6e6;
  return Object.freeze({
    name,
    profiles,
    version,
    endpoint: endpoint && 'host' in endpoint ? endpoint : undefined,
    nodes: nodes.filter(({ role }) => role === 'master'),
    plainNodes: nodes.filter(({ role }) => role === 'node'),
    networking: {
      serviceSubnets: subnets(at(spec, ['networking', 'serviceSubnet'])),
      podSubnets: subnets(at(spec, ['networking', 'podSubnet'])),
      dnsDomain: asText(at(spec, ['networking', 'dnsDomain'])) ?? '',
    },
    imageRepository: asText(at(spec, ['imageRepository'])) ?? '',
    etcd: buildEtcd(at(spec, ['etcd', 'external'])),
    common: settingsOf(blocksOf(spec, fromJson({}, 'spec', spec.origin))),
    dns: {
      disabled: asBoolean(at(spec, ['dns', 'disabled'])),
      imageRepository: asText(at(spec, ['dns', 'imageRepository'])) ?? '',
      imageTag: asText(at(spec, ['dns', 'imageTag'])) ?? '',
    },
    proxy: {
      disabled: asBoolean(at(spec, ['proxy', 'disabled'])),
      config: asObject(at(spec, ['proxy', 'config'])),
    },
    pki: {
      algorithm: asText(at(spec, ['pki', 'algorithm'])) as KeyAlgorithm,
      serviceAccountAlgorithm: asText(at(spec, ['pki', 'serviceAccountAlgorithm'])) as KeyAlgorithm,
      caValidityHours: hours('caValidity'),
      certValidityHours: hours('certValidity'),
    },
    serve: buildServe(at(spec, ['serve'])),
    healthCheckSeconds:
      (parseDuration(asText(at(spec, ['timeouts', 'controlPlaneComponentHealthCheck'])) ?? '') ?? 0) / 1000,
    hostCACertDirs: asStrings(at(spec, ['hostCACertDirs'])),
    spec,
  });
}

function subnets(tree: Tree | undefined): readonly string[] {
  const text = asText(tree);
  const parsed = text === undefined ? [] : parseCidrList(text);
  return 'error' in parsed ? [] : parsed.map((cidr) => cidr.text);
}

function buildEtcd(external: Tree | undefined): ClusterEtcd {
  if (!external) return { kind: 'local' };
  return {
    kind: 'external',
    endpoints: asStrings(at(external, ['endpoints'])),
    caFile: asText(at(external, ['caFile'])) ?? '',
    certFile: asText(at(external, ['certFile'])) ?? '',
    keyFile: asText(at(external, ['keyFile'])) ?? '',
  };
}

function buildServe(serve: Tree | undefined): ServeSettings | undefined {
  const endpoint = parseEndpoint(asText(at(serve, ['endpoint'])) ?? '', SERVE_PORT);
  if (!('host' in endpoint)) return undefined;
  return { endpoint, pollSeconds: (parseDuration(asText(at(serve, ['httpCheckFrequency'])) ?? '') ?? 20_000) / 1000 };
}

interface NodeEntry {
  readonly node: Tree;
  readonly index: number;
  /** The cluster has masters; where not, all that is for everyone is for its plain nodes. */
  readonly hasMasters: boolean;
}

function buildNode(
  { node, index, hasMasters }: NodeEntry,
  spec: MapTree,
  contents: SpecContents,
  base: string,
): ClusterNode {
  const name = asText(at(node, ['name'])) ?? '';
  const [first = '', ...others] = asStrings(at(node, ['addresses']));
  const blocks = blocksOf(spec, node);
  const role = isPlain(node) ? 'node' : 'master';
  const isNamed = (item: { readonly nodes: readonly string[] | undefined }) => item.nodes?.includes(name);
  // what is meant for masters may hold their secrets: a host that joins later gets it only where it is named
  const mine = (item: { readonly nodes: readonly string[] | undefined }) =>
    isNamed(item) ?? (role === 'master' || !hasMasters);
  const isForAll = ({ target }: Patch) => target === 'kubeletconfiguration';
  return {
    name,
    role,
    index,
    hostname: asText(at(node, ['hostname'])),
    addresses: [first, ...others],
    transport: asText(at(node, ['transport']) ?? at(spec, ['transport'])) === 'local' ? 'local' : 'ssh',
    ssh: sshSettings(mergeTrees(at(spec, ['ssh']), at(node, ['ssh'])), first, base),
    labels: asObject(at(node, ['labels'])) as Record<string, string>,
    taints: asList(at(node, ['taints'])).map((taint) => toJson(taint) as unknown as Taint),
    ...settingsOf(blocks),
    patches: contents.patches
      .filter((patch) => isNamed(patch) ?? (isForAll(patch) || role === 'master'))
      .map(({ nodes: _, ...patch }) => patch),
    files: contents.files.filter(mine).map(({ nodes: _, ...file }) => file),
    staticPods: contents.staticPods
      .filter((entry) => isNamed(entry) ?? true)
      .map(({ source, stopped }) => ({
        source,
        isStopped: typeof stopped === 'boolean' ? stopped : stopped.includes(name),
      })),
    blocks,
  };
}

function sshSettings(ssh: Tree | undefined, address: string, base: string): SshSettings {
  const file = (key: string) => {
    const path = asText(at(ssh, [key]));
    // whose home that is, only the transport may ask
    return path === undefined || path.startsWith('~/') ? path : resolve(base, path);
  };
  return {
    host: (asText(at(ssh, ['host'])) ?? address).replace(/^\[(.*)\]$/, '$1'),
    port: asNumber(at(ssh, ['port'])),
    user: asText(at(ssh, ['user'])),
    identityFile: file('identityFile'),
    configFile: file('configFile'),
  };
}

function settingsOf(blocks: MapTree): NodeSettings {
  const block = (key: string) => at(blocks, [key]);
  return {
    apiServer: {
      ...component(block('apiServer')),
      bindPort: asNumber(at(blocks, ['apiServer', 'bindPort'])) ?? 6443,
      certSANs: sans(at(blocks, ['apiServer', 'certSANs'])),
    },
    controllerManager: component(block('controllerManager')),
    scheduler: component(block('scheduler')),
    etcd: {
      ...component(block('etcd')),
      dataDir: asText(at(blocks, ['etcd', 'dataDir'])) ?? '',
      imageRepository: asText(at(blocks, ['etcd', 'imageRepository'])) ?? '',
      imageTag: asText(at(blocks, ['etcd', 'imageTag'])) ?? '',
      serverCertSANs: sans(at(blocks, ['etcd', 'serverCertSANs'])),
      peerCertSANs: sans(at(blocks, ['etcd', 'peerCertSANs'])),
    },
    kubelet: {
      config: asObject(at(blocks, ['kubelet', 'config'])),
      extraArgs: extraArgs(at(blocks, ['kubelet', 'extraArgs'])),
      criSocket: (asText(at(blocks, ['kubelet', 'criSocket'])) ?? '').replace(/^\//, 'unix:///'),
      installUnit: asBoolean(at(blocks, ['kubelet', 'installUnit'])),
    },
  };
}

function component(block: Tree | undefined): ComponentSettings {
  const resources = at(block, ['resources']);
  return {
    extraArgs: extraArgs(at(block, ['extraArgs'])),
    extraEnvs: asList(at(block, ['extraEnvs'])).map((env) => toJson(env) as unknown as ExtraEnv),
    extraVolumes: asList(at(block, ['extraVolumes'])).map(extraVolume),
    resources: resources && quantities(resources),
  };
}

/** DNS names are compared regardless of case; certificates hold them small, as kubeadm's do. */
function sans(tree: Tree | undefined): readonly string[] {
  return asStrings(tree).map((name) => name.toLowerCase());
}

/** Quantities written as numbers (`cpu: 1`) become the texts that Kubernetes makes of them. */
function quantities(tree: Tree): Json {
  if (tree.kind === 'map') return Object.fromEntries([...tree.entries].map(([key, value]) => [key, quantities(value)]));
  return tree.kind === 'scalar' && typeof tree.value === 'number' ? tree.source : toJson(tree);
}

/** Numbers and booleans keep the text in which they were written: `1.10` stays `1.10`. */
function extraArgs(tree: Tree | undefined): readonly ExtraArg[] {
  if (tree?.kind !== 'map') return [];
  return [...tree.entries].map(([name, value]) => ({
    name,
    values: argValues(value),
    at: { path: value.path, origin: value.origin },
  }));
}

function argValues(value: Tree): readonly string[] | null {
  if (value.kind === 'list') return value.items.map((item) => (item.kind === 'scalar' ? item.source : ''));
  return value.kind === 'scalar' && value.value !== null ? [value.source] : null;
}

function extraVolume(tree: Tree): ExtraVolume {
  const json = toJson(tree) as { readonly [key: string]: Json };
  return {
    name: String(json['name']),
    hostPath: String(json['hostPath']),
    mountPath: String(json['mountPath']),
    readOnly: json['readOnly'] === true,
    pathType: typeof json['pathType'] === 'string' ? json['pathType'] : '',
    at: { path: tree.path, origin: tree.origin },
  };
}
