/**
 * What kubeadm starts each program with by default: stacked etcd, with a pod subnet (cmd/kubeadm/app/phases of 1.36;
 * the older minors have the same flags, see kubernetes/kubernetes#132838 for etcd's two).
 */
const COMMANDS = `
kube-apiserver --advertise-address=10.0.0.11 --allow-privileged=true --authorization-mode=Node,RBAC
  --client-ca-file=/etc/kubernetes/pki/ca.crt --enable-admission-plugins=NodeRestriction
  --enable-bootstrap-token-auth=true --etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt
  --etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt
  --etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key --etcd-servers=https://127.0.0.1:2379
  --kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt
  --kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key
  --kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname
  --proxy-client-cert-file=/etc/kubernetes/pki/front-proxy-client.crt
  --proxy-client-key-file=/etc/kubernetes/pki/front-proxy-client.key
  --requestheader-allowed-names=front-proxy-client
  --requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt
  --requestheader-extra-headers-prefix=X-Remote-Extra- --requestheader-group-headers=X-Remote-Group
  --requestheader-username-headers=X-Remote-User --secure-port=6443
  --service-account-issuer=https://kubernetes.default.svc.cluster.local
  --service-account-key-file=/etc/kubernetes/pki/sa.pub
  --service-account-signing-key-file=/etc/kubernetes/pki/sa.key --service-cluster-ip-range=10.96.0.0/12,fd00::/112
  --tls-cert-file=/etc/kubernetes/pki/apiserver.crt --tls-private-key-file=/etc/kubernetes/pki/apiserver.key
kube-controller-manager --allocate-node-cidrs=true
  --authentication-kubeconfig=/etc/kubernetes/controller-manager.conf
  --authorization-kubeconfig=/etc/kubernetes/controller-manager.conf --bind-address=127.0.0.1
  --client-ca-file=/etc/kubernetes/pki/ca.crt --cluster-cidr=10.244.0.0/16 --cluster-name=kubernetes
  --cluster-signing-cert-file=/etc/kubernetes/pki/ca.crt --cluster-signing-key-file=/etc/kubernetes/pki/ca.key
  --controllers=*,bootstrapsigner,tokencleaner --kubeconfig=/etc/kubernetes/controller-manager.conf
  --leader-elect=true --requestheader-client-ca-file=/etc/kubernetes/pki/front-proxy-ca.crt
  --root-ca-file=/etc/kubernetes/pki/ca.crt --service-account-private-key-file=/etc/kubernetes/pki/sa.key
  --service-cluster-ip-range=10.96.0.0/12 --use-service-account-credentials=true
kube-scheduler --authentication-kubeconfig=/etc/kubernetes/scheduler.conf
  --authorization-kubeconfig=/etc/kubernetes/scheduler.conf --bind-address=127.0.0.1
  --kubeconfig=/etc/kubernetes/scheduler.conf --leader-elect=true
kubelet --config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf --node-ip=10.0.0.11,fd00::11
  --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --hostname-override=master-0 --node-labels=a=b,c=
etcd --advertise-client-urls=https://10.0.0.11:2379 --cert-file=/etc/kubernetes/pki/etcd/server.crt
  --client-cert-auth=true --data-dir=/var/lib/etcd --initial-advertise-peer-urls=https://[fd00::11]:2380
  --initial-cluster=master-0=https://10.0.0.11:2380 --initial-cluster-state=existing
  --key-file=/etc/kubernetes/pki/etcd/server.key
  --listen-client-urls=https://127.0.0.1:2379,https://10.0.0.11:2379 --listen-metrics-urls=http://[::1]:2381
  --listen-peer-urls=https://10.0.0.11:2380 --name=master-0 --peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt
  --peer-client-cert-auth=true --peer-key-file=/etc/kubernetes/pki/etcd/peer.key
  --peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt --snapshot-count=10000
  --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt`;

/** Component → flag → values. */
export const KUBEADM_DEFAULTS: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> = new Map(
  COMMANDS.trim()
    .split(/\n(?=\S)/)
    .map((command) => {
      const [component = '', ...args] = command.split(/\s+/);
      return [component, readFlags(args)] as const;
    }),
);

/** `--name=value` … → name → values. */
export function readFlags(args: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const flags = new Map<string, string[]>();
  for (const arg of args) {
    const [, name = '', value = ''] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  return flags;
}
