import { BootstrapError } from '../base/errors.ts';
import { kubeletClientOrganization } from '../kubernetes/facts.ts';
import { allNodes } from '../spec/all-nodes.ts';
import { nthAddress, parseCidr } from '../spec/cidr.ts';
import type { Cluster, ClusterNode, KeyAlgorithm } from '../spec/cluster.ts';
import { canonicalAddress } from './addresses.ts';
import type { AuthorityName, NodeLeaf } from './pki.ts';

export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
}

export type ExtendedUsage = 'serverAuth' | 'clientAuth';

/** A CA that must exist; its files are `pki/<path>.crt`, `.key` and, where more is trusted, `<path>-bundle.crt`. */
export interface AuthorityEntry {
  readonly name: AuthorityName;
  readonly path: string;
  readonly subject: Subject;
}

/** Whose certificate it is. */
type LeafUse =
  | { readonly kind: 'admin' }
  | { readonly kind: 'super-admin' }
  | { readonly kind: 'serve' }
  | { readonly kind: 'node'; readonly node: string; readonly leaf: NodeLeaf };

/** A certificate that must exist; its files are `pki/<path>.crt` and `.key`. */
export interface LeafEntry {
  readonly use: LeafUse;
  readonly path: string;
  readonly authority: AuthorityName;
  readonly subject: Subject;
  readonly usages: readonly ExtendedUsage[];
  /** Sorted, each once. */
  readonly dnsNames: readonly string[];
  /** Canonical, each once. */
  readonly addresses: readonly string[];
}

/** A secret that a node shows to `bootstrap serve`; its file is `pki/<path>`. */
export interface TokenEntry {
  readonly node: string;
  readonly path: string;
}

/** Everything that has to lie under `pki/`, as data. */
export interface Inventory {
  readonly authorities: readonly AuthorityEntry[];
  readonly leaves: readonly LeafEntry[];
  /** One for each node where there is a server for static pods, whether or not the node gets any from it. */
  readonly tokens: readonly TokenEntry[];
  readonly algorithm: KeyAlgorithm;
  readonly serviceAccountAlgorithm: KeyAlgorithm;
  /** Milliseconds. */
  readonly caValidity: number;
  /** Milliseconds. */
  readonly certValidity: number;
}

type LeafSpec = Pick<LeafEntry, 'authority' | 'subject' | 'usages'> & { readonly names?: readonly string[] };

const HOUR = 3_600_000;

/** Where each CA lies under `pki/`, without ending. */
export const AUTHORITY_PATHS: Readonly<Record<AuthorityName, string>> = {
  kubernetes: 'ca',
  etcd: 'etcd/ca',
  'front-proxy': 'front-proxy-ca',
};

const KUBERNETES: AuthorityEntry = {
  name: 'kubernetes',
  path: AUTHORITY_PATHS.kubernetes,
  subject: { commonName: 'kubernetes' },
};
const ETCD: AuthorityEntry = { name: 'etcd', path: AUTHORITY_PATHS.etcd, subject: { commonName: 'etcd-ca' } };
const FRONT_PROXY: AuthorityEntry = {
  name: 'front-proxy',
  path: AUTHORITY_PATHS['front-proxy'],
  subject: { commonName: 'front-proxy-ca' },
};

/**
 * Which authorities, keys and certificates a cluster needs, and what stands in each. Subjects, usages and names are
 * those of kubeadm 1.36 (cmd/kubeadm/app/phases/certs, certlist.go and pkiutil); so, as there, only the first address
 * of a node and the first service subnet of a dual-stack cluster get into a certificate. Without masters there is but
 * one CA: it issues what kubelets need to get static pods by URL, and stays the cluster's when masters come.
 */
export function pkiInventory(cluster: Cluster): Inventory {
  const { serve } = cluster;
  const nodes = allNodes(cluster);
  const leaves = nodes.flatMap((node) =>
    Object.entries(nodeLeaves(cluster, node)).map(([leaf, spec]) =>
      leafEntry({ kind: 'node', node: node.name, leaf: leaf as NodeLeaf }, `nodes/${node.name}/${leaf}`, spec),
    ),
  );
  return {
    authorities: authoritiesOf(cluster),
    leaves: [
      leafEntry({ kind: 'admin' }, 'admin', ADMIN),
      leafEntry(
        { kind: 'super-admin' },
        'super-admin',
        client('kubernetes', 'kubernetes-super-admin', 'system:masters'),
      ),
      ...(serve ? [leafEntry({ kind: 'serve' }, 'serve', server(serve.endpoint.host))] : []),
      ...leaves,
    ],
    tokens: serve ? nodes.map(({ name }) => ({ node: name, path: `nodes/${name}/static-pod-url.token` })) : [],
    algorithm: cluster.pki.algorithm,
    serviceAccountAlgorithm: cluster.pki.serviceAccountAlgorithm,
    caValidity: cluster.pki.caValidityHours * HOUR,
    certValidity: cluster.pki.certValidityHours * HOUR,
  };
}

function authoritiesOf({ nodes, etcd }: Cluster): readonly AuthorityEntry[] {
  if (!nodes.length) return [KUBERNETES];
  return etcd.kind === 'local' ? [KUBERNETES, ETCD, FRONT_PROXY] : [KUBERNETES, FRONT_PROXY];
}

function client(authority: AuthorityName, commonName: string, organization?: string): LeafSpec {
  return { authority, subject: { commonName, ...(organization && { organization }) }, usages: ['clientAuth'] };
}

/** Of `bootstrap serve`: as the nodes reach it, and as one does on its own machine. */
function server(host: string): LeafSpec {
  return {
    authority: 'kubernetes',
    subject: { commonName: 'bootstrap-serve' },
    usages: ['serverAuth'],
    names: [host, 'localhost', '127.0.0.1', '::1'],
  };
}

const ADMIN = client('kubernetes', 'kubernetes-admin', 'kubeadm:cluster-admins');

function nodeLeaves(cluster: Cluster, node: ClusterNode): Partial<Readonly<Record<NodeLeaf, LeafSpec>>> {
  const kubelet = client('kubernetes', `system:node:${node.name}`, 'system:nodes');
  // where there is no API, nobody asks a kubelet who it is
  if (node.role === 'node') return cluster.nodes.length ? { kubelet } : {};
  const { dnsDomain, serviceSubnets } = cluster.networking;
  const [advertise] = node.addresses;
  const etcdNames = ['localhost', node.name, advertise, '127.0.0.1', '::1'];
  const etcdMember: LeafSpec = {
    authority: 'etcd',
    subject: { commonName: node.name },
    usages: ['serverAuth', 'clientAuth'],
  };
  return {
    apiserver: {
      authority: 'kubernetes',
      subject: { commonName: 'kube-apiserver' },
      usages: ['serverAuth'],
      names: [
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        `kubernetes.default.svc.${dnsDomain}`,
        node.name,
        firstServiceAddress(serviceSubnets),
        advertise,
        ...(cluster.endpoint ? [cluster.endpoint.host] : []),
        ...node.apiServer.certSANs,
      ],
    },
    'apiserver-kubelet-client': client(
      'kubernetes',
      'kube-apiserver-kubelet-client',
      kubeletClientOrganization(cluster.version),
    ),
    'front-proxy-client': client('front-proxy', 'front-proxy-client'),
    ...(cluster.etcd.kind === 'local' && {
      'apiserver-etcd-client': client('etcd', 'kube-apiserver-etcd-client'),
      'etcd/server': { ...etcdMember, names: [...etcdNames, ...node.etcd.serverCertSANs] },
      'etcd/peer': { ...etcdMember, names: [...etcdNames, ...node.etcd.peerCertSANs] },
      'etcd/healthcheck-client': client('etcd', 'kube-etcd-healthcheck-client'),
    }),
    admin: ADMIN,
    'controller-manager': client('kubernetes', 'system:kube-controller-manager'),
    scheduler: client('kubernetes', 'system:kube-scheduler'),
    kubelet,
  };
}

function leafEntry(use: LeafUse, path: string, { names = [], ...spec }: LeafSpec): LeafEntry {
  const addresses = new Set<string>();
  const dnsNames = new Set<string>();
  for (const name of names) {
    const address = canonicalAddress(name);
    if (address === undefined) dnsNames.add(name);
    else addresses.add(address);
  }
  return { use, path, ...spec, dnsNames: [...dnsNames].sort(), addresses: [...addresses] };
}

function firstServiceAddress([subnet = '']: readonly string[]): string {
  const cidr = parseCidr(subnet);
  if ('error' in cidr) throw new BootstrapError('cluster-file', `spec.networking.serviceSubnet: ${cidr.error}`);
  return nthAddress(cidr, 1);
}
