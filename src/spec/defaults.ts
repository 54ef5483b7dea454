import { etcdImageTag, factsOf } from '../kubernetes/facts.ts';
import { DEFAULT_VERSION, parseVersion } from '../kubernetes/version.ts';
import { isPlain } from './roles.ts';
import { at, fromJson, type Json, type MapTree, type Segment, setAt, type Tree } from './tree.ts';

interface Default {
  readonly path: readonly Segment[];
  readonly value: (spec: Tree) => Json | undefined;
  readonly rule: string;
}

const text = (spec: Tree, ...path: readonly Segment[]): string | undefined => {
  const found = at(spec, path);
  return found?.kind === 'scalar' && typeof found.value === 'string' ? found.value : undefined;
};
const fixed = (path: string, value: Json, rule: string): Default => ({
  path: path.split('.'),
  value: () => value,
  rule,
});

/** In order: a later rule may look at what an earlier one has set. kubeadm's defaults where kubeadm has the field. */
const DEFAULTS: readonly Default[] = [
  fixed(
    'kubernetesVersion',
    DEFAULT_VERSION,
    'the newest patch of the best-proven minor that this version of bootstrap knows',
  ),
  fixed('networking.serviceSubnet', '10.96.0.0/12', "kubeadm's default"),
  fixed('networking.dnsDomain', 'cluster.local', "kubeadm's default"),
  fixed('imageRepository', 'registry.k8s.io', "kubeadm's default"),
  fixed('transport', 'ssh', 'the nodes are other machines than this one'),
  fixed('apiServer.bindPort', 6443, "kubeadm's default"),
  fixed('kubelet.criSocket', 'unix:///var/run/containerd/containerd.sock', "containerd's socket"),
  fixed('dns.disabled', false, "kubeadm's default"),
  {
    path: ['dns', 'imageRepository'],
    value: (spec) => text(spec, 'imageRepository'),
    rule: 'spec.imageRepository',
  },
  {
    path: ['dns', 'imageTag'],
    value: (spec) => {
      const version = parseVersion(text(spec, 'kubernetesVersion') ?? '');
      return 'error' in version ? undefined : factsOf(version.minor).coreDnsTag;
    },
    rule: 'the CoreDNS that kubeadm takes for this Kubernetes minor',
  },
  fixed('proxy.disabled', false, "kubeadm's default"),
  fixed('pki.algorithm', 'ECDSA-P256', 'fast to make, and small enough for user-data'),
  fixed('pki.serviceAccountAlgorithm', 'RSA-2048', 'some OIDC relying parties accept nothing but RS256'),
  fixed('pki.caValidity', '87600h', '10 years, as kubeadm'),
  fixed('pki.certValidity', '8760h', '1 year, as kubeadm'),
  fixed('timeouts.controlPlaneComponentHealthCheck', '4m', "kubeadm's default"),
  fixed(
    'hostCACertDirs',
    ['/etc/ca-certificates', '/usr/share/ca-certificates', '/usr/local/share/ca-certificates'],
    'the directories of Debian and Ubuntu; the profile rhel has those of Red Hat',
  ),
];

const LOCAL_ETCD: readonly Default[] = [
  fixed('etcd.local.dataDir', '/var/lib/etcd', "kubeadm's default"),
  {
    path: ['etcd', 'local', 'imageRepository'],
    value: (spec) => text(spec, 'imageRepository'),
    rule: 'spec.imageRepository',
  },
  {
    path: ['etcd', 'local', 'imageTag'],
    value: (spec) => {
      const version = parseVersion(text(spec, 'kubernetesVersion') ?? '');
      return 'error' in version ? undefined : etcdImageTag(version.minor);
    },
    rule: 'the etcd that kubeadm takes for this Kubernetes minor',
  },
];

const CONTROL_PLANE_TAINT = [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }];

/** The same spec with every default filled in; each says its rule. */
export function withDefaults(spec: MapTree): MapTree {
  const external = at(spec, ['etcd', 'external']) !== undefined;
  const rules = external ? DEFAULTS : [...DEFAULTS, ...LOCAL_ETCD];
  let out: Tree = spec;
  for (const { path, value, rule } of rules) out = setDefault(out, path, value(out), rule);
  const nodes = at(out, ['nodes']);
  for (const [i, node] of (nodes?.kind === 'list' ? nodes.items : []).entries()) {
    if (node.kind === 'map' && !isPlain(node))
      out = setDefault(out, ['nodes', i, 'taints'], CONTROL_PLANE_TAINT, 'as kubeadm taints control-plane nodes');
  }
  return out.kind === 'map' ? out : spec;
}

function setDefault(spec: Tree, path: readonly Segment[], value: Json | undefined, rule: string): Tree {
  if (value === undefined || at(spec, path)) return spec;
  const parent = at(spec, path.slice(0, -1));
  if (parent && parent.kind !== 'map' && parent.kind !== 'list') return spec;
  const full = path.reduce<string>((p, s) => (typeof s === 'number' ? `${p}[${s}]` : `${p}.${s}`), 'spec');
  return setAt(spec, path, fromJson(value, full, { kind: 'default', rule }), 'spec');
}
