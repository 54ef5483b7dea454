import type { ClusterNode, ComponentSettings } from '../spec/cluster.ts';
import type { PodComponent } from './layout.ts';
import type { TemplateName } from './template/template.ts';
import { API_SERVER_SOURCES, apiServerView } from './view/api-server.ts';
import type { ViewInput } from './view/common.ts';
import { CONTROLLER_MANAGER_SOURCES, controllerManagerView } from './view/controller-manager.ts';
import { ETCD_SOURCES, etcdView } from './view/etcd.ts';
import { KUBELET_DROP_IN_SOURCES } from './view/kubelet.ts';
import { SCHEDULER_SOURCES, schedulerView } from './view/scheduler.ts';
import type { SpecPath } from './view/sources.ts';

type Sources = Readonly<Record<string, readonly SpecPath[]>>;

/** What turns a cluster into one component's manifest: its template, its view, and its settings in the cluster file. */
interface ComponentRendering {
  readonly template: TemplateName;
  readonly view: (input: ViewInput) => object;
  readonly sources: Sources;
  readonly settings: (node: ClusterNode) => ComponentSettings;
}

export const RENDERINGS: Readonly<Record<PodComponent, ComponentRendering>> = {
  etcd: { template: 'manifests/etcd.yaml', view: etcdView, sources: ETCD_SOURCES, settings: (node) => node.etcd },
  'kube-apiserver': {
    template: 'manifests/kube-apiserver.yaml',
    view: apiServerView,
    sources: API_SERVER_SOURCES,
    settings: (node) => node.apiServer,
  },
  'kube-controller-manager': {
    template: 'manifests/kube-controller-manager.yaml',
    view: controllerManagerView,
    sources: CONTROLLER_MANAGER_SOURCES,
    settings: (node) => node.controllerManager,
  },
  'kube-scheduler': {
    template: 'manifests/kube-scheduler.yaml',
    view: schedulerView,
    sources: SCHEDULER_SOURCES,
    settings: (node) => node.scheduler,
  },
};

/** Where a component's flags come from by default: its template, and what each name in that template is computed from. */
export function flagSources(component: PodComponent | 'kubelet'): {
  readonly template: TemplateName;
  readonly sources: Sources;
} {
  if (component === 'kubelet') return { template: 'kubelet/20-bootstrap.conf', sources: KUBELET_DROP_IN_SOURCES };
  return RENDERINGS[component];
}
