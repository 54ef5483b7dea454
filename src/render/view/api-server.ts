import type { ClusterNode } from '../../spec/cluster.ts';
import { argValue } from '../args.ts';
import { ETCD_PKI, PKI } from '../layout.ts';
import {
  ADDRESS,
  advertiseAddress,
  bindAddress,
  COMPONENT_IMAGE,
  localEndpoint,
  loopback,
  type PodView,
  probeView,
  securePort,
  TIMEOUT,
  VERSION,
  type ViewInput,
} from './common.ts';
import { clientURL } from './etcd.ts';
import { caCertDirs, etcdCertDirs, type HostDir } from './host-dirs.ts';
import type { SpecPath, ViewSources } from './sources.ts';

export interface ApiServerView extends PodView {
  readonly advertiseAddress: string;
  readonly etcdCAFile: string | null;
  readonly etcdCertFile: string | null;
  readonly etcdKeyFile: string | null;
  readonly etcdServers: readonly string[];
  readonly hostDirs: readonly HostDir[];
  readonly localEndpoint: string;
  readonly securePort: number;
  readonly serviceAccountIssuer: string;
  readonly serviceSubnets: readonly string[];
  /** False where the user gives `authorization-config`, which excludes `authorization-mode` (kubeadm does the same). */
  readonly setsAuthorizationMode: boolean;
}

export function apiServerView({ cluster, node }: ViewInput): ApiServerView {
  const { extraArgs } = node.apiServer;
  const port = securePort(node);
  return {
    ...probeView(cluster, bindAddress(extraArgs, null) ?? advertiseAddress(node), port),
    image: `${cluster.imageRepository}/kube-apiserver:${cluster.version.text}`,
    advertiseAddress: advertiseAddress(node),
    ...etcdView(cluster, node),
    hostDirs: [...caCertDirs(cluster), ...etcdCertDirs(cluster)],
    localEndpoint: localEndpoint(node),
    securePort: port,
    serviceAccountIssuer: `https://kubernetes.default.svc.${cluster.networking.dnsDomain}`,
    serviceSubnets: cluster.networking.serviceSubnets,
    setsAuthorizationMode: !argValue(extraArgs, 'authorization-config'),
  };
}

type EtcdPart = Pick<ApiServerView, 'etcdCAFile' | 'etcdCertFile' | 'etcdKeyFile' | 'etcdServers'>;

function etcdView({ etcd }: ViewInput['cluster'], node: ClusterNode): EtcdPart {
  if (etcd.kind === 'external') {
    return {
      etcdCAFile: etcd.caFile || null,
      etcdCertFile: etcd.certFile || null,
      etcdKeyFile: etcd.keyFile || null,
      etcdServers: etcd.endpoints,
    };
  }
  return {
    etcdCAFile: `${ETCD_PKI}/ca-bundle.crt`,
    etcdCertFile: `${PKI}/apiserver-etcd-client.crt`,
    etcdKeyFile: `${PKI}/apiserver-etcd-client.key`,
    etcdServers: [argValue(node.etcd.extraArgs, 'advertise-client-urls') ?? clientURL(loopback(node))],
  };
}

const PORT: readonly SpecPath[] = [
  ['block', 'apiServer', 'bindPort'],
  ['block', 'apiServer', 'extraArgs', 'secure-port'],
];

export const API_SERVER_SOURCES: ViewSources<ApiServerView> = {
  image: COMPONENT_IMAGE,
  advertiseAddress: [ADDRESS],
  etcdCAFile: [['spec', 'etcd', 'external', 'caFile']],
  etcdCertFile: [['spec', 'etcd', 'external', 'certFile']],
  etcdKeyFile: [['spec', 'etcd', 'external', 'keyFile']],
  etcdServers: [
    ['spec', 'etcd', 'external', 'endpoints'],
    ['block', 'etcd', 'extraArgs', 'advertise-client-urls'],
    ADDRESS,
  ],
  hostDirs: [
    ['spec', 'hostCACertDirs'],
    ['spec', 'etcd', 'external'],
  ],
  localEndpoint: [ADDRESS, ...PORT],
  securePort: PORT,
  serviceAccountIssuer: [['spec', 'networking', 'dnsDomain']],
  serviceSubnets: [['spec', 'networking', 'serviceSubnet']],
  setsAuthorizationMode: [['block', 'apiServer', 'extraArgs', 'authorization-config']],
  probeHost: [['block', 'apiServer', 'extraArgs', 'bind-address'], ADDRESS],
  probePort: [...PORT, VERSION],
  portNumber: PORT,
  isPortNamed: [VERSION],
  startupFailures: [TIMEOUT],
};
