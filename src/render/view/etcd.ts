import { etcdMinorFor } from '../../kubernetes/facts.ts';
import type { ClusterNode } from '../../spec/cluster.ts';
import { formatHostPort } from '../../spec/endpoint.ts';
import { argValue } from '../args.ts';
import { PORTS } from '../layout.ts';
import {
  ADDRESS,
  advertiseAddress,
  etcdProbe,
  loopback,
  type PodView,
  probeView,
  TIMEOUT,
  VERSION,
  type ViewInput,
} from './common.ts';
import type { SpecPath, ViewSources } from './sources.ts';

export interface EtcdView extends PodView {
  readonly clientURL: string;
  readonly dataDir: string;
  readonly initialCluster: string;
  /** etcd 3.5 knows two settings by other names only. */
  readonly isEtcd35: boolean;
  readonly listenClientURLs: readonly string[];
  readonly memberName: string;
  readonly metricsURL: string;
  readonly peerURL: string;
  readonly probeScheme: string;
}

export function etcdView({ cluster, node }: ViewInput): EtcdView {
  const probe = etcdProbe(node);
  return {
    ...probeView(cluster, probe.host, probe.port),
    image: `${node.etcd.imageRepository}/etcd:${node.etcd.imageTag}`,
    clientURL: clientURL(advertiseAddress(node)),
    dataDir: node.etcd.dataDir,
    initialCluster: cluster.nodes.flatMap(memberURLs).join(','),
    isEtcd35: etcdMinorFor(node.etcd.imageTag, cluster.version.minor) === '3.5',
    listenClientURLs: [clientURL(loopback(node)), clientURL(advertiseAddress(node))],
    memberName: node.name,
    metricsURL: `http://${formatHostPort({ host: loopback(node), port: PORTS.etcdMetrics })}`,
    peerURL: peerURL(node),
    probeScheme: probe.scheme,
  };
}

export function clientURL(host: string): string {
  return `https://${formatHostPort({ host, port: PORTS.etcdClient })}`;
}

function peerURL(node: ClusterNode): string {
  return `https://${formatHostPort({ host: advertiseAddress(node), port: PORTS.etcdPeer })}`;
}

/** A member as its peers know it. etcd does not start where this differs from the flags that the member itself has. */
function memberURLs(node: ClusterNode): readonly string[] {
  const { extraArgs } = node.etcd;
  const name = argValue(extraArgs, 'name') ?? node.name;
  const urls = argValue(extraArgs, 'initial-advertise-peer-urls') ?? peerURL(node);
  return urls.split(',').map((url) => `${name}=${url.trim()}`);
}

const PROBE: readonly SpecPath[] = [ADDRESS, ['block', 'etcd', 'extraArgs', 'listen-metrics-urls']];

export const ETCD_SOURCES: ViewSources<EtcdView> = {
  image: [
    ['block', 'etcd', 'imageRepository'],
    ['block', 'etcd', 'imageTag'],
  ],
  clientURL: [ADDRESS],
  dataDir: [['block', 'etcd', 'dataDir']],
  initialCluster: [['spec', 'nodes']],
  isEtcd35: [['block', 'etcd', 'imageTag']],
  listenClientURLs: [ADDRESS],
  memberName: [['node', 'name']],
  metricsURL: [ADDRESS],
  peerURL: [ADDRESS],
  probeHost: PROBE,
  probePort: [...PROBE, VERSION],
  portNumber: PROBE,
  isPortNamed: [VERSION],
  probeScheme: PROBE,
  startupFailures: [TIMEOUT],
};
