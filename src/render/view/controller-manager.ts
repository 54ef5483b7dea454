import { FLEX_VOLUME, factsOf } from '../../kubernetes/facts.ts';
import { argValue, portArg } from '../args.ts';
import { PKI, PORTS } from '../layout.ts';
import { bindAddress, COMPONENT_IMAGE, type PodView, probeView, TIMEOUT, VERSION, type ViewInput } from './common.ts';
import { caCertDirs, type HostDir } from './host-dirs.ts';
import type { ViewSources } from './sources.ts';

export interface ControllerManagerView extends PodView {
  readonly clusterName: string;
  /** Null since 1.36 (kubernetes/kubernetes#136423). */
  readonly flexVolumeDir: string | null;
  readonly hostDirs: readonly HostDir[];
  readonly podSubnets: readonly string[];
  readonly serviceSubnets: readonly string[];
  /** Both empty where the CA's key is kept elsewhere: the signing controller then stays off, as with kubeadm. */
  readonly signingCertFile: string;
  readonly signingKeyFile: string;
}

export function controllerManagerView({ cluster, node, signs }: ViewInput): ControllerManagerView {
  const { extraArgs } = node.controllerManager;
  const port = portArg(extraArgs, 'secure-port', PORTS.controllerManager);
  const flexVolumeDir = argValue(extraArgs, FLEX_VOLUME.flag) ?? FLEX_VOLUME.path;
  return {
    ...probeView(cluster, bindAddress(extraArgs, '127.0.0.1'), port),
    image: `${cluster.imageRepository}/kube-controller-manager:${cluster.version.text}`,
    clusterName: cluster.name,
    flexVolumeDir: factsOf(cluster.version.minor).flexVolumeDir ? flexVolumeDir : null,
    hostDirs: caCertDirs(cluster),
    podSubnets: cluster.networking.podSubnets,
    serviceSubnets: cluster.networking.serviceSubnets,
    signingCertFile: signs ? `${PKI}/ca.crt` : '',
    signingKeyFile: signs ? `${PKI}/ca.key` : '',
  };
}

export const CONTROLLER_MANAGER_SOURCES: ViewSources<ControllerManagerView> = {
  image: COMPONENT_IMAGE,
  clusterName: [],
  flexVolumeDir: [VERSION, ['block', 'controllerManager', 'extraArgs', FLEX_VOLUME.flag]],
  hostDirs: [['spec', 'hostCACertDirs']],
  podSubnets: [['spec', 'networking', 'podSubnet']],
  serviceSubnets: [['spec', 'networking', 'serviceSubnet']],
  signingCertFile: [],
  signingKeyFile: [],
  probeHost: [['block', 'controllerManager', 'extraArgs', 'bind-address']],
  probePort: [['block', 'controllerManager', 'extraArgs', 'secure-port'], VERSION],
  portNumber: [['block', 'controllerManager', 'extraArgs', 'secure-port']],
  isPortNamed: [VERSION],
  startupFailures: [TIMEOUT],
};
