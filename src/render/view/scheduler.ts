import { portArg } from '../args.ts';
import { PORTS } from '../layout.ts';
import { bindAddress, COMPONENT_IMAGE, type PodView, probeView, TIMEOUT, VERSION, type ViewInput } from './common.ts';
import type { ViewSources } from './sources.ts';

export type SchedulerView = PodView;

export function schedulerView({ cluster, node }: ViewInput): SchedulerView {
  const { extraArgs } = node.scheduler;
  const port = portArg(extraArgs, 'secure-port', PORTS.scheduler);
  return {
    ...probeView(cluster, bindAddress(extraArgs, '127.0.0.1'), port),
    image: `${cluster.imageRepository}/kube-scheduler:${cluster.version.text}`,
  };
}

export const SCHEDULER_SOURCES: ViewSources<SchedulerView> = {
  image: COMPONENT_IMAGE,
  probeHost: [['block', 'scheduler', 'extraArgs', 'bind-address']],
  probePort: [['block', 'scheduler', 'extraArgs', 'secure-port'], VERSION],
  portNumber: [['block', 'scheduler', 'extraArgs', 'secure-port']],
  isPortNamed: [VERSION],
  startupFailures: [TIMEOUT],
};
