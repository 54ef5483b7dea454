import { canonicalAddress } from '../../pki/addresses.ts';
import { nthAddress, parseCidr } from '../../spec/cidr.ts';
import type { Cluster, ClusterNode } from '../../spec/cluster.ts';
import { mayKubeletSetLabel } from '../node-labels.ts';
import type { ViewInput } from './common.ts';
import type { ViewSources } from './sources.ts';

export interface KubeletConfigView {
  readonly clusterDNS: string;
  readonly clusterDomain: string;
  readonly containerRuntimeEndpoint: string;
}

export interface KubeletDropInView {
  /** Null where the machine's own host name is the node's name already. */
  readonly hostname: string | null;
  readonly nodeIPs: readonly string[];
  readonly nodeLabels: readonly string[];
}

export function kubeletConfigView({ cluster, node }: Pick<ViewInput, 'cluster' | 'node'>): KubeletConfigView {
  return {
    clusterDNS: clusterDNS(cluster),
    clusterDomain: cluster.networking.dnsDomain,
    containerRuntimeEndpoint: node.kubelet.criSocket,
  };
}

/** The tenth address of the first service subnet, as kubeadm has it (kubeadmconstants.GetDNSIP). */
export function clusterDNS({ networking: { serviceSubnets } }: Cluster): string {
  const [first = ''] = serviceSubnets;
  const cidr = parseCidr(first);
  if ('error' in cidr) throw new Error(`unchecked service subnet: ${cidr.error}`);
  return nthAddress(cidr, 10);
}

export function kubeletDropInView(node: ClusterNode): KubeletDropInView {
  const labels = Object.entries(node.labels).filter(([key]) => mayKubeletSetLabel(key));
  return {
    hostname: node.hostname !== undefined && node.hostname !== node.name ? node.name : null,
    nodeIPs: node.addresses.map((address) => canonicalAddress(address) ?? address),
    nodeLabels: labels.map(([key, value]) => `${key}=${value}`).sort(),
  };
}

export const KUBELET_DROP_IN_SOURCES: ViewSources<KubeletDropInView> = {
  hostname: [
    ['node', 'hostname'],
    ['node', 'name'],
  ],
  nodeIPs: [['node', 'addresses']],
  nodeLabels: [['node', 'labels']],
};
