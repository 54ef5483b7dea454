import type { SecretText } from '../base/secret.ts';
import { emitYaml } from '../base/yaml-emit.ts';
import type { Authority, KeyPair, NodeLeaf, Pki } from '../pki/pki.ts';
import type { Cluster, ClusterNode } from '../spec/cluster.ts';
import type { RenderContext } from './context.ts';
import type { JsonMap } from './json.ts';
import { KUBELET_CLIENT_CERTIFICATE, KUBELET_CLIENT_KEY, KUBELET_KUBECONFIG, KUBERNETES, PKI } from './layout.ts';
import { parseFilled } from './parse.ts';
import type { Template } from './template/template.ts';
import { apiServerUrl, hasApi, localEndpoint } from './view/common.ts';

/** What stands in a kubeconfig; authority, certificate and key are paths, or the data itself in base64. */
interface KubeconfigView {
  readonly authority: string;
  readonly certificate: string;
  readonly clusterName: string;
  readonly context: string;
  readonly embedded: boolean;
  readonly key: string;
  readonly server: string;
  readonly user: string;
}

/** A kubeconfig of a process: it points to files, so that a renewed certificate restarts nothing. */
export interface ProcessKubeconfig {
  readonly path: string;
  readonly data: JsonMap;
}

/**
 * The kubeconfigs of a node's own processes. Those of a master use its own API server, as those of kubeadm do; a plain
 * node has none, and joins where everybody else reaches the API.
 */
export function processKubeconfigs(
  context: RenderContext,
  cluster: Cluster,
  node: ClusterNode,
): readonly ProcessKubeconfig[] {
  const isMaster = node.role === 'master';
  if (!isMaster && !hasApi(cluster)) return [];
  const server = isMaster ? `https://${localEndpoint(node)}` : apiServerUrl(cluster);
  const make = (path: string, user: string, files: Pick<KubeconfigView, 'authority' | 'certificate' | 'key'>) => ({
    path,
    data: fill(context, { ...named(cluster, user), ...files, embedded: false, server }),
  });
  const own = (component: string) => ({
    authority: `${PKI}/${component}/ca-bundle.crt`,
    certificate: `${PKI}/${component}/client.crt`,
    key: `${PKI}/${component}/client.key`,
  });
  const kubelet = make(KUBELET_KUBECONFIG, `system:node:${node.name}`, {
    authority: `${PKI}/ca-bundle.crt`,
    certificate: KUBELET_CLIENT_CERTIFICATE,
    key: KUBELET_CLIENT_KEY,
  });
  if (!isMaster) return [kubelet];
  return [
    make(`${KUBERNETES}/controller-manager.conf`, 'system:kube-controller-manager', own('controller-manager')),
    kubelet,
    make(`${KUBERNETES}/scheduler.conf`, 'system:kube-scheduler', own('scheduler')),
  ];
}

/** The kubeconfig of a person, with everything in it. */
export function personKubeconfig(
  context: RenderContext,
  cluster: Cluster,
  user: string,
  authority: Authority,
  pair: KeyPair,
): string {
  const data = fill(context, {
    ...named(cluster, user),
    authority: base64(authority.bundle),
    certificate: base64(pair.certificate),
    key: base64(pair.key.reveal()),
    embedded: true,
    server: apiServerUrl(cluster),
  });
  return emitYaml(data);
}

/** An authority that a Pki must have. */
export function authorityOf(pki: Pick<Pki, 'authorities'>, name: 'kubernetes' | 'etcd' | 'front-proxy'): Authority {
  const authority = pki.authorities.get(name);
  if (!authority) throw new Error(`the PKI has no authority "${name}"`);
  return authority;
}

/** A certificate that a Pki must have. */
export function leafOf(pki: Pki, node: string, leaf: NodeLeaf): KeyPair {
  const pair = pki.nodes.get(node)?.get(leaf);
  if (!pair) throw new Error(`the PKI has no certificate "${leaf}" for the node "${node}"`);
  return pair;
}

/** The token that a node shows to the server of its pods, which a Pki must have where there is one. */
export function tokenOf({ serve }: Pick<Pki, 'serve'>, node: string): SecretText {
  const token = serve?.tokens.get(node);
  if (!token) throw new Error(`the PKI has no token for the node "${node}"`);
  return token;
}

/** Names as kubeadm gives them. */
function named({ name }: Cluster, user: string): Pick<KubeconfigView, 'clusterName' | 'context' | 'user'> {
  return { clusterName: name, context: `${user}@${name}`, user };
}

function fill({ templates }: RenderContext, view: KubeconfigView): JsonMap {
  const template = templates.get('kubeconfig.yaml') as Template;
  return parseFilled(template.fill(view), template);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
