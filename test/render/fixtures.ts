import { type Pem, SecretPem } from '../../src/base/pem.ts';
import { loadCatalogue } from '../../src/kubernetes/catalogue.ts';
import type { Authority, AuthorityName, KeyPair, NodeLeaf, Pki } from '../../src/pki/pki.ts';
import type { RenderContext } from '../../src/render/context.ts';
import { builtinTemplates } from '../../src/render/template/builtin.ts';
import type { Cluster } from '../../src/spec/cluster.ts';
import { loadCluster } from '../../src/spec/load.ts';

/** A PEM block in form only: what stands in it is the name of what it stands for. */
export function fakePem(label: string, name: string): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(name).toString('base64')}\n-----END ${label}-----\n`;
}

const pair = (name: string): KeyPair => ({
  certificate: fakePem('CERTIFICATE', name) as Pem,
  key: new SecretPem(fakePem('PRIVATE KEY', `key of ${name}`)),
});

const LEAVES: readonly NodeLeaf[] = [
  'apiserver',
  'apiserver-kubelet-client',
  'front-proxy-client',
  'apiserver-etcd-client',
  'etcd/server',
  'etcd/peer',
  'etcd/healthcheck-client',
  'admin',
  'controller-manager',
  'scheduler',
  'kubelet',
];

/** A PKI for rendering; nothing in it can be verified. `generation` makes another one. */
export function fakePki(cluster: Cluster, generation = '', options: { readonly caKey?: boolean } = {}): Pki {
  const authority = (name: string, hasKey = true): Authority => {
    const { certificate, key } = pair(`${name}${generation}`);
    return { certificate, key: hasKey ? key : undefined, bundle: certificate };
  };
  const authorities = new Map<AuthorityName, Authority>([
    ['kubernetes', authority('ca', options.caKey)],
    ['front-proxy', authority('front-proxy-ca')],
  ]);
  if (cluster.etcd.kind === 'local') authorities.set('etcd', authority('etcd-ca'));
  return {
    authorities,
    serviceAccount: { key: pair(`sa${generation}`).key, publicKeys: fakePem('PUBLIC KEY', `sa${generation}`) as Pem },
    admin: pair(`admin${generation}`),
    superAdmin: pair(`super-admin${generation}`),
    nodes: new Map(
      cluster.nodes.map(({ name }) => [name, new Map(LEAVES.map((leaf) => [leaf, pair(`${name} ${leaf}${generation}`)]))]),
    ),
  };
}

/** A cluster file's `spec`, in YAML or as data, as the Cluster that it describes. */
export function clusterOf(spec: object | string): Cluster {
  const text = typeof spec === 'string' ? spec : JSON.stringify({ apiVersion: 'bootstrap/v1alpha1', kind: 'Cluster', spec });
  return loadCluster({ file: '/nowhere/cluster.yaml', shown: 'cluster.yaml', profileFolders: [], text }).cluster;
}

/** The spec of a cluster of `count` masters; `more` is laid over its top level. */
export function specOf(count: number, more: object = {}): object {
  const nodes = Array.from({ length: count }, (_, i) => ({ name: `cp${i + 1}`, addresses: [`10.0.0.${11 + i}`] }));
  return {
    kubernetesVersion: 'v1.36.2',
    ...(count > 1 && { controlPlaneEndpoint: 'lb.example.com:6443' }),
    nodes,
    networking: { podSubnet: '10.244.0.0/16' },
    ...more,
  };
}

export async function contextFor(cluster: Cluster): Promise<RenderContext> {
  return { catalogue: await loadCatalogue(cluster.version.minor), templates: builtinTemplates() };
}
