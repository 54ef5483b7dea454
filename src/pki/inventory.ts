import { BootstrapError } from '../base/errors.ts';
import { kubeletClientOrganization } from '../kubernetes/facts.ts';
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

/** Everything that has to lie under `pki/`, as data. */
export interface Inventory {
  readonly authorities: readonly AuthorityEntry[];
  readonly leaves: readonly LeafEntry[];
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
 * of a node and the first service subnet of a dual-stack cluster get into a certificate.
 */
export function pkiInventory(cluster: Cluster): Inventory {
  const local = cluster.etcd.kind === 'local';
  const leaves = cluster.nodes.flatMap((node) =>
    Object.entries(nodeLeaves(cluster, node)).map(([leaf, spec]) =>
      leafEntry({ kind: 'node', node: node.name, leaf: leaf as NodeLeaf }, `nodes/${node.name}/${leaf}`, spec),
    ),
  );
  return {
    authorities: local ? [KUBERNETES, ETCD, FRONT_PROXY] : [KUBERNETES, FRONT_PROXY],
    leaves: [
      leafEntry({ kind: 'admin' }, 'admin', ADMIN),
      leafEntry(
        { kind: 'super-admin' },
        'super-admin',
        client('kubernetes', 'kubernetes-super-admin', 'system:masters'),
      ),
      ...leaves,
    ],
    algorithm: cluster.pki.algorithm,
    serviceAccountAlgorithm: cluster.pki.serviceAccountAlgorithm,
    caValidity: cluster.pki.caValidityHours * HOUR,
    certValidity: cluster.pki.certValidityHours * HOUR,
  };
}

function client(authority: AuthorityName, commonName: string, organization?: string): LeafSpec {
  return { authority, subject: { commonName, ...(organization && { organization }) }, usages: ['clientAuth'] };
}

const ADMIN = client('kubernetes', 'kubernetes-admin', 'kubeadm:cluster-admins');

function nodeLeaves(cluster: Cluster, node: ClusterNode): Partial<Readonly<Record<NodeLeaf, LeafSpec>>> {
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
    kubelet: client('kubernetes', `system:node:${node.name}`, 'system:nodes'),
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
