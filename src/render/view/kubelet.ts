import { canonicalAddress } from '../../pki/addresses.ts';
import { nthAddress, parseCidr } from '../../spec/cidr.ts';
import type { Cluster, ClusterNode, Taint } from '../../spec/cluster.ts';
import { mayKubeletSetLabel } from '../node-labels.ts';
import { hasApi, type ViewInput } from './common.ts';
import { type PodUrl, podUrl } from './pod-url.ts';
import type { ViewSources } from './sources.ts';

type Nullable<T> = { readonly [Key in keyof T]: T[Key] | null };

/** All of {@link PodUrl} is null where the node gets no pods by URL. */
export interface KubeletConfigView extends Nullable<PodUrl> {
  readonly clusterDNS: string;
  readonly clusterDomain: string;
  readonly containerRuntimeEndpoint: string;
  /** Whether there is an API server to join. */
  readonly isJoined: boolean;
  /** Those with which a plain node joins; a master's are set through the API. */
  readonly taints: readonly (Omit<Taint, 'value'> & { readonly value: string | null })[];
}

export interface KubeletDropInView {
  /** Null where the machine's own host name is the node's name already. */
  readonly hostname: string | null;
  readonly isJoined: boolean;
  readonly nodeIPs: readonly string[];
  readonly nodeLabels: readonly string[];
  /** Whether the kubelet gets pods by URL, from a server with a certificate of this cluster's CA. */
  readonly pollsServer: boolean;
}

export function kubeletConfigView({ cluster, node }: Pick<ViewInput, 'cluster' | 'node'>): KubeletConfigView {
  const joinsHere = node.role === 'node' && hasApi(cluster);
  return {
    clusterDNS: clusterDNS(cluster),
    clusterDomain: cluster.networking.dnsDomain,
    containerRuntimeEndpoint: node.kubelet.criSocket,
    isJoined: hasApi(cluster),
    taints: joinsHere ? node.taints.map((taint) => ({ ...taint, value: taint.value ?? null })) : [],
    ...(podUrl(cluster, node) ?? { authorization: null, httpCheckFrequency: null, staticPodURL: null }),
  };
}

/** The tenth address of the first service subnet, as kubeadm has it (kubeadmconstants.GetDNSIP). */
export function clusterDNS({ networking: { serviceSubnets } }: Cluster): string {
  const [first = ''] = serviceSubnets;
  const cidr = parseCidr(first);
  if ('error' in cidr) throw new Error(`unchecked service subnet: ${cidr.error}`);
  return nthAddress(cidr, 10);
}

export function kubeletDropInView(cluster: Cluster, node: ClusterNode): KubeletDropInView {
  const labels = Object.entries(node.labels).filter(([key]) => mayKubeletSetLabel(key));
  return {
    hostname: node.hostname !== undefined && node.hostname !== node.name ? node.name : null,
    isJoined: hasApi(cluster),
    nodeIPs: node.addresses.map((address) => canonicalAddress(address) ?? address),
    nodeLabels: labels.map(([key, value]) => `${key}=${value}`).sort(),
    pollsServer: podUrl(cluster, node) !== undefined,
  };
}

export const KUBELET_DROP_IN_SOURCES: ViewSources<KubeletDropInView> = {
  hostname: [
    ['node', 'hostname'],
    ['node', 'name'],
  ],
  isJoined: [['spec', 'nodes']],
  nodeIPs: [['node', 'addresses']],
  nodeLabels: [['node', 'labels']],
  pollsServer: [['spec', 'staticPods']],
};
