import type { NodeLeaf, Pki } from '../pki/pki.ts';
import type { Cluster, ClusterNode } from '../spec/cluster.ts';
import { authorityOf, leafOf } from './kubeconfig.ts';
import { ETCD_PKI, KUBELET_CLIENT_CERTIFICATE, KUBELET_CLIENT_KEY, PKI, POD_SERVER_BUNDLE } from './layout.ts';
import { hasApi } from './view/common.ts';
import { podUrl } from './view/pod-url.ts';

/** A file of the PKI that lies on a node. */
export interface PkiFile {
  readonly path: string;
  readonly isSecret: boolean;
  /** Undefined where there is nothing to put there: the key of a CA that is kept elsewhere. */
  readonly content: (pki: Pki) => string | undefined;
}

/**
 * The certificates and keys of one node. The keys of the etcd CA and of the front-proxy CA are never among them; the
 * cluster CA's is on masters, because the controller-manager signs with it. A plain node has those of its kubelet alone.
 */
export function pkiFiles(cluster: Cluster, node: ClusterNode): readonly PkiFile[] {
  const files = (certificate: string, key: string, leaf: NodeLeaf): readonly PkiFile[] => [
    open(certificate, (pki) => leafOf(pki, node.name, leaf).certificate),
    secret(key, (pki) => leafOf(pki, node.name, leaf).key.reveal()),
  ];
  const pair = (path: string, leaf: NodeLeaf) => files(`${path}.crt`, `${path}.key`, leaf);
  const bundle = (path: string) => open(path, (pki) => authorityOf(pki, 'kubernetes').bundle);
  const client = (component: 'controller-manager' | 'scheduler'): readonly PkiFile[] => [
    ...pair(`${PKI}/${component}/client`, component),
    bundle(`${PKI}/${component}/ca-bundle.crt`),
  ];
  const kubelet = files(KUBELET_CLIENT_CERTIFICATE, KUBELET_CLIENT_KEY, 'kubelet');
  const forUrl = podUrl(cluster, node) ? [bundle(POD_SERVER_BUNDLE)] : [];
  if (node.role === 'node') return hasApi(cluster) ? [bundle(`${PKI}/ca-bundle.crt`), ...kubelet, ...forUrl] : forUrl;
  return [
    ...authority(`${PKI}/ca`, 'kubernetes'),
    secret(`${PKI}/ca.key`, (pki) => authorityOf(pki, 'kubernetes').signer.key?.reveal()),
    ...authority(`${PKI}/front-proxy-ca`, 'front-proxy'),
    secret(`${PKI}/sa.key`, (pki) => pki.serviceAccount.key.reveal()),
    open(`${PKI}/sa.pub`, (pki) => pki.serviceAccount.publicKeys),
    ...pair(`${PKI}/apiserver`, 'apiserver'),
    ...pair(`${PKI}/apiserver-kubelet-client`, 'apiserver-kubelet-client'),
    ...pair(`${PKI}/front-proxy-client`, 'front-proxy-client'),
    ...client('controller-manager'),
    ...client('scheduler'),
    ...kubelet,
    ...forUrl,
    ...(cluster.etcd.kind === 'local'
      ? [
          ...authority(`${ETCD_PKI}/ca`, 'etcd'),
          ...pair(`${PKI}/apiserver-etcd-client`, 'apiserver-etcd-client'),
          ...pair(`${ETCD_PKI}/server`, 'etcd/server'),
          ...pair(`${ETCD_PKI}/peer`, 'etcd/peer'),
          ...pair(`${ETCD_PKI}/healthcheck-client`, 'etcd/healthcheck-client'),
        ]
      : []),
  ];
}

/** The one certificate that signs, and all that are trusted. */
function authority(path: string, name: 'kubernetes' | 'etcd' | 'front-proxy'): readonly PkiFile[] {
  return [
    open(`${path}.crt`, (pki) => authorityOf(pki, name).signer.certificate),
    open(`${path}-bundle.crt`, (pki) => authorityOf(pki, name).bundle),
  ];
}

function open(path: string, content: PkiFile['content']): PkiFile {
  return { path, isSecret: false, content };
}

function secret(path: string, content: PkiFile['content']): PkiFile {
  return { path, isSecret: true, content };
}
