import { stringify } from 'yaml';
import type { Sshd } from '../support/sshd.ts';
import { isMap, type Json, type JsonMap } from './json.ts';

/** The ports of one node; all nodes are 127.0.0.1. */
export interface NodePorts {
  readonly apiServer: number;
  readonly controllerManager: number;
  readonly scheduler: number;
  readonly etcdClient: number;
  readonly etcdPeer: number;
  readonly etcdMetrics: number;
  readonly kubeletHealth: number;
  readonly kubelet: number;
}

export const PORTS_PER_NODE = 8;

export const nodePorts = (ports: readonly number[]): NodePorts => {
  const [apiServer = 0, controllerManager = 0, scheduler = 0, ...others] = ports;
  const [etcdClient = 0, etcdPeer = 0, etcdMetrics = 0, kubeletHealth = 0, kubelet = 0] = others;
  return { apiServer, controllerManager, scheduler, etcdClient, etcdPeer, etcdMetrics, kubeletHealth, kubelet };
};

export interface FileNode {
  readonly name: string;
  readonly address: string;
  readonly ports: NodePorts;
  readonly sshd: Pick<Sshd, 'host' | 'port' | 'user' | 'identityFile' | 'configFile'>;
}

/**
 * A cluster file for the world: the nodes' addresses are nobody's, since the product refuses loopback ones, and
 * everything that listens or is asked by another node is moved to a port of its own on 127.0.0.1.
 * @param version of Kubernetes
 * @param spec laid over the spec; `nodes` there is a map by name
 */
export function clusterFile(
  nodes: readonly FileNode[],
  endpointPort: number,
  spec: JsonMap,
  version = 'v1.36.2',
): string {
  const { nodes: perNode = {}, ...rest } = spec;
  const local = (port: number) => `https://127.0.0.1:${port}`;
  const standard: JsonMap = {
    profiles: nodes.length > 1 ? ['ha'] : ['single'],
    kubernetesVersion: version,
    controlPlaneEndpoint: `localhost:${endpointPort}`,
    apiServer: { certSANs: ['127.0.0.1'], extraArgs: { 'bind-address': '127.0.0.1' } },
    etcd: {
      local: {
        extraArgs: { 'initial-cluster': nodes.map(({ name, ports }) => `${name}=${local(ports.etcdPeer)}`).join() },
      },
    },
  };
  const entries = nodes.map(({ name, address, ports, sshd }) =>
    laidOver(
      {
        name,
        addresses: [address],
        ssh: {
          host: sshd.host,
          port: sshd.port,
          user: sshd.user,
          identityFile: sshd.identityFile,
          configFile: sshd.configFile,
        },
        apiServer: { bindPort: ports.apiServer },
        controllerManager: { extraArgs: { 'secure-port': ports.controllerManager } },
        scheduler: { extraArgs: { 'secure-port': ports.scheduler } },
        kubelet: { config: { healthzPort: ports.kubeletHealth, port: ports.kubelet } },
        etcd: {
          local: {
            extraArgs: {
              'listen-client-urls': local(ports.etcdClient),
              'advertise-client-urls': local(ports.etcdClient),
              'listen-peer-urls': local(ports.etcdPeer),
              'initial-advertise-peer-urls': local(ports.etcdPeer),
              'listen-metrics-urls': `http://127.0.0.1:${ports.etcdMetrics}`,
            },
          },
        },
      },
      isMap(perNode) ? (perNode[name] ?? {}) : {},
    ),
  );
  return stringify({
    apiVersion: 'bootstrap/v1alpha1',
    kind: 'Cluster',
    spec: { ...(laidOver(standard, rest) as JsonMap), nodes: entries },
  });
}

/** Maps are merged; null stays, since it means something in a cluster file. */
function laidOver(below: Json | undefined, above: Json): Json {
  if (!isMap(above) || !isMap(below)) return above;
  const keys = new Set([...Object.keys(below), ...Object.keys(above)]);
  return Object.fromEntries(
    [...keys].map((key) => [key, key in above ? laidOver(below[key], above[key] ?? null) : (below[key] ?? null)]),
  );
}
