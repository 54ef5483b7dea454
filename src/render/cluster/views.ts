import type { Pki } from '../../pki/pki.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { authorityOf } from '../kubeconfig.ts';
import { apiServerUrl } from '../view/common.ts';
import { clusterDNS } from '../view/kubelet.ts';

interface CorefileView {
  readonly dnsDomain: string;
}

export function corefileView({ networking: { dnsDomain } }: Cluster): CorefileView {
  return { dnsDomain };
}

export interface CoreDnsView {
  readonly clusterIP: string;
  readonly corefile: string;
  readonly image: string;
}

export function coreDnsView(cluster: Cluster, corefile: string): CoreDnsView {
  const { imageRepository, imageTag } = cluster.dns;
  // GetDNSImage (cmd/kubeadm/app/images/images.go): the default registry has it one level further down
  const repository = imageRepository === 'registry.k8s.io' ? `${imageRepository}/coredns` : imageRepository;
  return { clusterIP: clusterDNS(cluster), corefile, image: `${repository}/coredns:${imageTag}` };
}

export interface KubeProxyView {
  readonly bindAddress: string;
  readonly image: string;
  /** Null where pods get their addresses from elsewhere. */
  readonly podSubnet: string | null;
  readonly server: string;
}

/** The wildcard address is of the family in which the API is advertised (kubeProxyDefaultBindAddress of kubeadm). */
export function kubeProxyView(cluster: Cluster): KubeProxyView {
  return {
    bindAddress: cluster.nodes[0]?.addresses[0].includes(':') ? '::' : '0.0.0.0',
    image: `${cluster.imageRepository}/kube-proxy:${cluster.version.text}`,
    podSubnet: cluster.networking.podSubnets.join(',') || null,
    server: apiServerUrl(cluster),
  };
}

export interface WorkerKubeletView {
  readonly clusterDNS: string;
  readonly clusterDomain: string;
}

export function workerKubeletView(cluster: Cluster): WorkerKubeletView {
  return { clusterDNS: clusterDNS(cluster), clusterDomain: cluster.networking.dnsDomain };
}

export interface ClusterInfoView {
  /** All certificates that are trusted as the cluster's CA, in base64. */
  readonly authority: string;
  readonly server: string;
}

export function clusterInfoView(cluster: Cluster, pki: Pki): ClusterInfoView {
  return {
    authority: Buffer.from(authorityOf(pki, 'kubernetes').bundle).toString('base64'),
    server: apiServerUrl(cluster),
  };
}
