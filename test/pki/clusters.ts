import type { Cluster, ClusterNode, KeyAlgorithm } from '../../src/spec/cluster.ts';

/** What the inventory reads of a cluster; the rest of it plays no part here. */
export interface ClusterOptions {
  readonly nodes?: Readonly<Record<string, readonly [string, ...string[]]>>;
  /** Hosts without a control plane. */
  readonly plainNodes?: readonly string[];
  /** The host at which `bootstrap serve` is reached. */
  readonly serve?: string;
  readonly endpoint?: string;
  readonly certSANs?: readonly string[];
  readonly serverCertSANs?: readonly string[];
  readonly peerCertSANs?: readonly string[];
  readonly serviceSubnets?: readonly string[];
  readonly dnsDomain?: string;
  readonly externalEtcd?: boolean;
  readonly algorithm?: KeyAlgorithm;
  readonly serviceAccountAlgorithm?: KeyAlgorithm;
  readonly caValidityHours?: number;
  readonly certValidityHours?: number;
  readonly version?: Cluster['version'];
}

export function testCluster(options: ClusterOptions = {}): Cluster {
  const nodes = Object.entries(options.nodes ?? { 'master-0': ['10.0.0.11'] as const }).map(([name, addresses]) => ({
    name,
    role: 'master',
    addresses,
    apiServer: { certSANs: options.certSANs ?? [] },
    etcd: { serverCertSANs: options.serverCertSANs ?? [], peerCertSANs: options.peerCertSANs ?? [] },
  }));
  const cluster: Partial<Cluster> = {
    version: options.version ?? { text: 'v1.36.2', minor: 36, patch: 2 },
    endpoint: options.endpoint === undefined ? undefined : { host: options.endpoint, port: 6443 },
    nodes: nodes as unknown as readonly ClusterNode[],
    plainNodes: (options.plainNodes ?? []).map((name) => ({ name, role: 'node' })) as unknown as readonly ClusterNode[],
    serve: options.serve === undefined ? undefined : { endpoint: { host: options.serve, port: 8443 }, pollSeconds: 20 },
    networking: {
      serviceSubnets: options.serviceSubnets ?? ['10.96.0.0/12'],
      podSubnets: [],
      dnsDomain: options.dnsDomain ?? 'cluster.local',
    },
    etcd: options.externalEtcd
      ? { kind: 'external', endpoints: ['https://10.0.1.21:2379'], caFile: '', certFile: '', keyFile: '' }
      : { kind: 'local' },
    pki: {
      algorithm: options.algorithm ?? 'ECDSA-P256',
      serviceAccountAlgorithm: options.serviceAccountAlgorithm ?? options.algorithm ?? 'ECDSA-P256',
      caValidityHours: options.caValidityHours ?? 87_600,
      certValidityHours: options.certValidityHours ?? 8760,
    },
  };
  return cluster as Cluster;
}

export const threeMasters = {
  'master-0': ['10.0.0.11'],
  'master-1': ['10.0.0.12'],
  'master-2': ['10.0.0.13'],
} as const;
