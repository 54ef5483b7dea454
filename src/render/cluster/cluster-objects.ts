import { BootstrapError } from '../../base/errors.ts';
import { applyRank } from '../../kubernetes/api-kinds.ts';
import type { Pki } from '../../pki/pki.ts';
import type { Cluster } from '../../spec/cluster.ts';
import type { RenderContext } from '../context.ts';
import type { JsonMap } from '../json.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import type { Template, TemplateName } from '../template/template.ts';
import { kubeadmConfigView } from './cluster-configuration.ts';
import { nodeMarks } from './node-marks.ts';
import { type ClusterObject, type ClusterObjects, objectName } from './object.ts';
import { type Change, changeConfig, parseObjects } from './parse-objects.ts';
import { clusterInfoView, coreDnsView, corefileView, kubeProxyView, workerKubeletView } from './views.ts';

/**
 * The API objects without which the cluster is of little use: those that kubeadm of that version makes, so that its
 * `join` works for workers. A pure function of its arguments.
 * @throws BootstrapError `cluster-file` where a template of the user's makes something else than API objects
 */
export function clusterObjects(cluster: Cluster, pki: Pki, context: RenderContext): ClusterObjects {
  const template = (name: TemplateName): Template => {
    const found = context.templates.get(name);
    if (!found) throw new Error(`there is no template ${name}`);
    return found;
  };
  const make = (name: TemplateName, view: object, change?: (template: Template) => Change) => {
    const found = template(name);
    return parseObjects(found.fill(view), found, change?.(found));
  };
  const coreDns = () => {
    const corefile = template('cluster/Corefile').fill(corefileView(cluster));
    return make('cluster/coredns.yaml', coreDnsView(cluster, corefile));
  };
  const kubelet = (config: JsonMap) =>
    context.catalogue.canonicalKubeletConfig(mergePatch(config, cluster.common.kubelet.config)) as JsonMap;
  const proxy = (config: JsonMap) => mergePatch(config, cluster.proxy.config);
  const objects = [
    ...make('cluster/access.yaml', {}),
    ...make('cluster/kubeadm-config.yaml', kubeadmConfigView(cluster)),
    ...make('cluster/kubelet-config.yaml', workerKubeletView(cluster), (of) =>
      changeConfig('kubelet-config', 'kubelet', of, kubelet),
    ),
    ...make('cluster/bootstrap-tokens.yaml', {}),
    ...make('cluster/cluster-info.yaml', clusterInfoView(cluster, pki)),
    ...(cluster.dns.disabled ? [] : coreDns()),
    ...(cluster.proxy.disabled
      ? []
      : make('cluster/kube-proxy.yaml', kubeProxyView(cluster), (of) =>
          changeConfig('kube-proxy', 'config.conf', of, proxy),
        )),
  ];
  checkUnique(objects);
  return { objects: [...objects].sort((a, b) => applyRank(a) - applyRank(b)), nodes: nodeMarks(cluster) };
}

function checkUnique(objects: readonly ClusterObject[]): void {
  const names = objects.map(objectName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new BootstrapError('cluster-file', `the templates make ${twice} twice`, {
    hint: 'look under templates/cluster/ in the cluster directory',
  });
}
