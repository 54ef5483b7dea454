/** Where things lie on a node. The templates name the same paths; tests hold them together. */
export const KUBERNETES = '/etc/kubernetes';
export const PKI = `${KUBERNETES}/pki`;
export const ETCD_PKI = `${PKI}/etcd`;
export const MANIFESTS = `${KUBERNETES}/manifests`;
/** Manifests that wait there to be moved back. */
export const STOPPED_PODS = `${KUBERNETES}/stopped-pods`;
/** What the kubelet trusts, besides the machine's own authorities, where it gets pods by URL; all of this directory. */
export const POD_SERVER_CA = `${KUBERNETES}/static-pods-ca`;
export const POD_SERVER_BUNDLE = `${POD_SERVER_CA}/ca-bundle.crt`;
export const SSL_CERTS = '/etc/ssl/certs';
export const KUBELET_CONFIG = '/var/lib/kubelet/config.yaml';
export const KUBELET_KUBECONFIG = `${KUBERNETES}/kubelet.conf`;
/** The kubelet's first client certificate; those that it gets by itself it keeps in /var/lib/kubelet/pki. */
export const KUBELET_CLIENT_CERTIFICATE = `${PKI}/kubelet/client.crt`;
export const KUBELET_CLIENT_KEY = `${PKI}/kubelet/client.key`;
export const KUBELET_UNIT = '/etc/systemd/system/kubelet.service';
export const KUBELET_DROP_IN = '/etc/systemd/system/kubelet.service.d/20-bootstrap.conf';

/** Ports that kubeadm keeps constant (cmd/kubeadm/app/constants), and those of a kube-proxy with default settings. */
export const PORTS = {
  apiServer: 6443,
  etcdClient: 2379,
  etcdPeer: 2380,
  etcdMetrics: 2381,
  controllerManager: 10257,
  scheduler: 10259,
  kubelet: 10250,
  kubeletHealth: 10248,
  proxyMetrics: 10249,
  proxyHealth: 10256,
} as const;

export const POD_COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** The components that run as static pods; each name is that of its pod, container and program. */
export type PodComponent = (typeof POD_COMPONENTS)[number];

/** The name of a component's block in the cluster file and of its settings in ClusterNode. */
export const BLOCK_OF = {
  etcd: 'etcd',
  'kube-apiserver': 'apiServer',
  'kube-controller-manager': 'controllerManager',
  'kube-scheduler': 'scheduler',
  kubelet: 'kubelet',
} as const;
