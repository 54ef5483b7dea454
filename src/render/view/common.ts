import { factsOf } from '../../kubernetes/facts.ts';
import { canonicalAddress } from '../../pki/addresses.ts';
import type { Cluster, ClusterNode, ExtraArg } from '../../spec/cluster.ts';
import { formatHostPort } from '../../spec/endpoint.ts';
import { argValue, isWildcard, parseEtcdUrl, portArg } from '../args.ts';
import { PORTS } from '../layout.ts';
import type { SpecPath } from './sources.ts';

/** What the views are made from. */
export interface ViewInput {
  readonly cluster: Cluster;
  readonly node: ClusterNode;
  /** Whether the key of the cluster CA is at hand, so that the controller-manager can sign with it. */
  readonly signs: boolean;
}

/** What all four manifests have. */
export interface PodView {
  readonly image: string;
  /** Null = the kubelet takes the pod's own address, which is the host's. */
  readonly probeHost: string | null;
  /** What the probes refer to: the port's name or, up to 1.33, its number. */
  readonly probePort: string | number;
  readonly portNumber: number;
  readonly isPortNamed: boolean;
  readonly startupFailures: number;
}

/** The address that the node's API server and etcd are reached at, as Go writes it (kubeadm does the same). */
export function advertiseAddress(node: ClusterNode): string {
  const [first] = node.addresses;
  return canonicalAddress(first) ?? first;
}

export function loopback(node: ClusterNode): string {
  return node.addresses[0].includes(':') ? '::1' : '127.0.0.1';
}

/** The port that the API server listens on: `secure-port` of the user's flags counts more than `bindPort`. */
export function securePort(node: ClusterNode): number {
  return portArg(node.apiServer.extraArgs, 'secure-port', node.apiServer.bindPort, PORTS.apiServer);
}

/** `host:port` of the node's own API server. */
export function localEndpoint(node: ClusterNode): string {
  return formatHostPort({ host: advertiseAddress(node), port: securePort(node) });
}

/** Whether there is an API server; where not, every kubelet runs for itself alone. */
export function hasApi({ nodes }: Pick<Cluster, 'nodes'>): boolean {
  return nodes.length > 0;
}

/** `host:port` at which everybody else reaches the API: the load balancer, or else the only master. */
export function apiEndpoint({ endpoint, nodes: [node] }: Cluster): string {
  if (endpoint) return formatHostPort(endpoint);
  if (!node) throw new Error('a cluster without masters has no API');
  return localEndpoint(node);
}

export function apiServerUrl(cluster: Cluster): string {
  return `https://${apiEndpoint(cluster)}`;
}

/** Where probes find etcd's metrics (kubeadm: GetEtcdProbeEndpoint): its first URL, on loopback where it is a wildcard. */
export function etcdProbe(node: ClusterNode): {
  readonly host: string;
  readonly port: number;
  readonly scheme: 'HTTP' | 'HTTPS';
} {
  const [first = ''] = argValue(node.etcd.extraArgs, 'listen-metrics-urls')?.split(',') ?? [];
  const url = parseEtcdUrl(first);
  if (!url) return { host: loopback(node), port: PORTS.etcdMetrics, scheme: 'HTTP' };
  const host = isWildcard(url.host) ? (url.host.includes(':') ? '::1' : '127.0.0.1') : url.host;
  return { host, port: url.port ?? PORTS.etcdMetrics, scheme: url.scheme === 'https' ? 'HTTPS' : 'HTTP' };
}

/** Where a component listens: null = on every address. */
export function bindAddress(args: readonly ExtraArg[], fallback: string | null): string | null {
  const value = argValue(args, 'bind-address');
  if (value === undefined) return fallback;
  return value === null || isWildcard(value) ? null : value;
}

/** The probe's part of a view. Probes name a container port since 1.34 (kubernetes/kubernetes#132776). */
export function probeView(cluster: Cluster, host: string | null, port: number): Omit<PodView, 'image'> {
  const isPortNamed = factsOf(cluster.version.minor).probePort === 'named';
  return {
    probeHost: host,
    probePort: isPortNamed ? 'probe-port' : port,
    portNumber: port,
    isPortNamed,
    startupFailures: Math.ceil(cluster.healthCheckSeconds / 10),
  };
}

export const VERSION: SpecPath = ['spec', 'kubernetesVersion'];
export const ADDRESS: SpecPath = ['node', 'addresses', 0];
export const TIMEOUT: SpecPath = ['spec', 'timeouts', 'controlPlaneComponentHealthCheck'];
export const COMPONENT_IMAGE: readonly SpecPath[] = [['spec', 'imageRepository'], VERSION];
