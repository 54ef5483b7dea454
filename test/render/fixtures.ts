import { parse } from 'yaml';
import { describeFault, type Fault } from '../../src/base/fault.ts';
import { type Pem, SecretPem } from '../../src/base/pem.ts';
import { SecretText } from '../../src/base/secret.ts';
import type { Bundle, BundleFile } from '../../src/bundle/bundle.ts';
import { loadCatalogue } from '../../src/kubernetes/catalogue.ts';
import type { Authority, AuthorityName, KeyPair, NodeLeaf, Pki } from '../../src/pki/pki.ts';
import { makeContext, type RenderContext } from '../../src/render/context.ts';
import type { PodComponent } from '../../src/render/layout.ts';
import { checkCluster, renderCluster } from '../../src/render/render.ts';
import type { ServedNode } from '../../src/render/served.ts';
import { builtinTemplates } from '../../src/render/template/builtin.ts';
import type { TemplateSet } from '../../src/render/template/template.ts';
import { allNodes } from '../../src/spec/all-nodes.ts';
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
    const own = { certificate, key: hasKey ? key : undefined };
    return { ...own, signer: own, bundle: certificate };
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
      allNodes(cluster).map(({ name, role }) => [
        name,
        new Map(
          LEAVES.filter((leaf) => role === 'master' || leaf === 'kubelet').map((leaf) => [
            leaf,
            pair(`${name} ${leaf}${generation}`),
          ]),
        ),
      ]),
    ),
    serve: cluster.serve && {
      pair: pair(`serve${generation}`),
      tokens: new Map(allNodes(cluster).map(({ name }) => [name, new SecretText(`token-of-${name}${generation}`)])),
    },
  };
}

/** A cluster file's `spec`, in YAML or as data, as the Cluster that it describes. */
export function clusterOf(spec: object | string): Cluster {
  const text =
    typeof spec === 'string' ? spec : JSON.stringify({ apiVersion: 'bootstrap/v1alpha1', kind: 'Cluster', spec });
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

export async function contextFor(
  cluster: Cluster,
  templates: TemplateSet = builtinTemplates(),
): Promise<RenderContext> {
  return makeContext(cluster, await loadCatalogue(cluster.version.minor), templates);
}

export interface Output {
  readonly cluster: Cluster;
  readonly context: RenderContext;
  readonly bundles: readonly Bundle[];
  readonly served: readonly ServedNode[];
  readonly warnings: readonly Fault[];
}

/** Renders a spec with a fake PKI. */
export async function render(spec: object | string, generation = ''): Promise<Output> {
  const cluster = clusterOf(spec);
  const context = await contextFor(cluster);
  return { cluster, context, ...renderCluster(cluster, fakePki(cluster, generation), context) };
}

/** The faults of a spec, each as the user sees it: `error cluster.yaml:1:20: spec.x: message; hint`. */
export async function faultsOf(spec: object | string): Promise<readonly string[]> {
  const cluster = clusterOf(spec);
  const faults = checkCluster(cluster, await contextFor(cluster));
  return faults.map((fault) => `${fault.severity} ${describeFault(fault)}`);
}

/** One file of the first node, or of another. */
export function fileOf({ bundles }: Output, path: string, node = 0): BundleFile {
  const file = bundles[node]?.files.find((candidate) => candidate.path === path);
  if (!file) throw new Error(`${path} is not rendered; there are ${bundles[node]?.files.map((f) => f.path).join(' ')}`);
  return file;
}

export function textOf(output: Output, path: string, node = 0): string {
  return fileOf(output, path, node).content.toString();
}

/** The part of a Pod that tests look at. */
export interface PodShape {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly containers: readonly {
      readonly command: readonly string[];
      readonly env?: readonly object[];
      readonly image: string;
      readonly livenessProbe: {
        readonly httpGet: { readonly host?: string; readonly port: string | number; readonly scheme: string };
      };
      readonly ports?: readonly { readonly containerPort: number }[];
      readonly resources: object;
      readonly startupProbe: { readonly failureThreshold: number };
      readonly volumeMounts: readonly {
        readonly name: string;
        readonly mountPath: string;
        readonly readOnly?: boolean;
      }[];
    }[];
    readonly volumes: readonly {
      readonly name: string;
      readonly hostPath: { readonly path: string; readonly type: string };
    }[];
  };
}

export function podOf(output: Output, component: PodComponent, node = 0): PodShape {
  return parse(textOf(output, `/etc/kubernetes/manifests/${component}.yaml`, node)) as PodShape;
}

export function containerOf(output: Output, component: PodComponent, node = 0): PodShape['spec']['containers'][number] {
  const [container] = podOf(output, component, node).spec.containers;
  if (!container) throw new Error('a pod without a container');
  return container;
}

/** The values of one flag in a manifest. */
export function flagValues(output: Output, component: PodComponent, flag: string, node = 0): readonly string[] {
  const { command } = containerOf(output, component, node);
  return command.filter((word) => word.startsWith(`--${flag}=`)).map((word) => word.slice(flag.length + 3));
}
