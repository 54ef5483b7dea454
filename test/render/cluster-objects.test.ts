import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BootstrapError } from '../../src/base/errors.ts';
import { describeFault } from '../../src/base/fault.ts';
import { emitYaml } from '../../src/base/yaml-emit.ts';
import { clusterObjects } from '../../src/render/cluster/cluster-objects.ts';
import { type ClusterObject, objectName } from '../../src/render/cluster/object.ts';
import { below, isList, isMap, type JsonMap, mapOf, withEntries } from '../../src/render/json.ts';
import { builtinTemplates } from '../../src/render/template/builtin.ts';
import { withUserTemplates } from '../../src/render/template/user.ts';
import type { Json } from '../../src/spec/tree.ts';
import { needTool } from '../support/tools.ts';
import { clusterOf, contextFor, fakePki, specOf } from './fixtures.ts';
import ofKubeadm from './kubeadm-objects.json' with { type: 'json' };

async function objectsOf(
  spec: object,
  own: Readonly<Record<string, string>> = {},
): Promise<ReadonlyMap<string, ClusterObject>> {
  const cluster = clusterOf(spec);
  const templates = await withUserTemplates(
    builtinTemplates(),
    Object.entries(own).map(([name, text]) => ({ name, file: `templates/${name}.hbs`, text })),
  );
  const { objects } = clusterObjects(cluster, fakePki(cluster), await contextFor(cluster, templates));
  return new Map(objects.map((object) => [objectName(object), object]));
}

/** The data of a ConfigMap, its YAML read. */
async function configOf(spec: object, name: string, key: string): Promise<JsonMap> {
  const text = below((await objectsOf(spec)).get(`ConfigMap ${name}`)?.data, 'data', key);
  return parse(String(text)) as JsonMap;
}

async function faultsOf(spec: object, own: Readonly<Record<string, string>>): Promise<readonly string[]> {
  try {
    await objectsOf(spec, own);
  } catch (error) {
    if (error instanceof BootstrapError) return error.faults.length ? error.faults.map(describeFault) : [error.message];
    throw error;
  }
  return [];
}

/** Without what means nothing: Go's zero values, and `apiGroup` of subjects, which the API fills in. */
function meaning(value: Json, key = ''): Json | undefined {
  if (isList(value)) {
    const items = value.map(
      (item) => meaning(key === 'subjects' && isMap(item) ? withEntries(item, { apiGroup: undefined }) : item) ?? null,
    );
    return items.length ? items : undefined;
  }
  if (isMap(value)) {
    const entries = Object.entries(value).flatMap(([name, inner]) => {
      const left = meaning(inner, name);
      return left === undefined ? [] : [[name, left] as const];
    });
    return entries.length ? mapOf(entries) : undefined;
  }
  const isZero = value === null || value === false || value === 0 || value === '' || value === '0' || value === '0s';
  return isZero && key !== 'enabled' ? undefined : value;
}

function readable({ kind, data }: ClusterObject): JsonMap {
  if (kind !== 'ConfigMap') return data;
  const texts = Object.entries(data['data'] as JsonMap).map(
    ([key, text]) => [key, key === 'Corefile' ? text : (parse(String(text)) as Json)] as const,
  );
  return withEntries(data, { data: mapOf(texts) });
}

describe('the objects of a cluster', () => {
  const kubeadms = { kubernetesVersion: 'v1.36.2', pki: { algorithm: 'RSA-2048' } };

  it('are those that kubeadm 1.36.2 makes, and the binding of its administrators', async () => {
    const names = [...(await objectsOf(specOf(1, kubeadms))).keys()];
    expect(names.sort()).toEqual([...Object.keys(ofKubeadm), 'ClusterRoleBinding kubeadm:cluster-admins'].sort());
  });

  it.each(Object.entries(ofKubeadm as unknown as Readonly<Record<string, JsonMap>>))(
    'mean the same: %s',
    async (name, theirs) => {
      const ours = (await objectsOf(specOf(1, kubeadms))).get(name);
      if (!ours) throw new Error(`there is no ${name}`);
      // with the hash, kubeadm would take the configuration for its own and write it anew
      const { annotations = {}, ...metadata } = theirs['metadata'] as { readonly annotations?: JsonMap };
      const kept = withEntries(annotations, { 'kubeadm.kubernetes.io/component-config.hash': undefined });
      const wanted = withEntries(theirs, { metadata: { ...metadata, annotations: kept } as JsonMap });
      const cluster = clusterOf(specOf(1, kubeadms));
      const ca = Buffer.from(fakePki(cluster).authorities.get('kubernetes')?.bundle ?? '').toString('base64');
      const withCa = JSON.parse(JSON.stringify(meaning(wanted)).replace('(the CA)', ca)) as Json;
      expect(meaning(readable(ours))).toEqual(withCa);
    },
  );

  it.each([33, 34, 35, 36, 37])('are made for Kubernetes 1.%s with its CoreDNS and its kube-proxy', async (minor) => {
    const objects = await objectsOf(specOf(3, { kubernetesVersion: `v1.${minor}.1` }));
    const image = (name: string) =>
      below(objects.get(name)?.data, 'spec', 'template', 'spec', 'containers', 0, 'image');
    expect(image('DaemonSet kube-system/kube-proxy')).toBe(`registry.k8s.io/kube-proxy:v1.${minor}.1`);
    expect(image('Deployment kube-system/coredns')).toMatch(/^registry\.k8s\.io\/coredns\/coredns:v1\.1[2-4]\.\d$/);
  });

  it('leave out CoreDNS and kube-proxy, each with all that belongs to it', async () => {
    const names = async (more: object) => [...(await objectsOf(specOf(1, more))).keys()];
    expect((await names({ dns: { disabled: true } })).filter((name) => /dns/i.test(name))).toEqual([]);
    expect((await names({ proxy: { disabled: true } })).filter((name) => /prox/.test(name))).toEqual([]);
    expect(await names({ dns: { disabled: true }, proxy: { disabled: true } })).toHaveLength(16);
  });

  it('take images from where the cluster file says, as kubeadm does', async () => {
    const image = async (more: object) =>
      below(
        (await objectsOf(specOf(1, more))).get('Deployment kube-system/coredns')?.data,
        'spec',
        'template',
        'spec',
        'containers',
        0,
        'image',
      );
    expect(await image({ imageRepository: 'r.example.com/k8s' })).toBe('r.example.com/k8s/coredns:v1.14.2');
    expect(await image({ dns: { imageRepository: 'r.example.com/dns', imageTag: 'v1.0.0' } })).toBe(
      'r.example.com/dns/coredns:v1.0.0',
    );
    expect(await image({ imageRepository: 'r.example.com', dns: { imageRepository: 'registry.k8s.io' } })).toBe(
      'registry.k8s.io/coredns/coredns:v1.14.2',
    );
  });

  it('follow the address families', async () => {
    const spec = specOf(1, {
      nodes: [{ name: 'cp1', addresses: ['fd00::11', '10.0.0.11'] }],
      networking: {
        serviceSubnet: 'fd00:96::/112,10.96.0.0/16',
        podSubnet: 'fd00:244::/56,10.244.0.0/16',
        dnsDomain: 'x.local',
      },
    });
    const objects = await objectsOf(spec);
    expect(below(objects.get('Service kube-system/kube-dns')?.data, 'spec', 'clusterIP')).toBe('fd00:96::a');
    expect(below(objects.get('ConfigMap kube-system/coredns')?.data, 'data', 'Corefile')).toContain(
      'kubernetes x.local in-addr.arpa',
    );
    expect(await configOf(spec, 'kube-system/kube-proxy', 'config.conf')).toMatchObject({
      bindAddress: '::',
      clusterCIDR: 'fd00:244::/56,10.244.0.0/16',
    });
    expect(await configOf(spec, 'kube-public/cluster-info', 'kubeconfig')).toMatchObject({
      clusters: [{ cluster: { server: 'https://[fd00::11]:6443' } }],
    });
    expect(await configOf(spec, 'kube-system/kubelet-config', 'kubelet')).toMatchObject({
      clusterDNS: ['fd00:96::a'],
      clusterDomain: 'x.local',
    });
  });
});

describe('the settings of workers', () => {
  it('are the cluster-wide ones of the kubelet, not those of a node', async () => {
    const nodes = [{ name: 'cp1', addresses: ['10.0.0.11'], kubelet: { config: { maxPods: 9, failSwapOn: false } } }];
    const config = { maxPods: 50, shutdownGracePeriod: '90s', rotateCertificates: null };
    const made = await configOf(specOf(1, { nodes, kubelet: { config } }), 'kube-system/kubelet-config', 'kubelet');
    expect(made).toMatchObject({
      maxPods: 50,
      shutdownGracePeriod: '1m30s',
      staticPodPath: '/etc/kubernetes/manifests',
    });
    expect(made).not.toHaveProperty('failSwapOn');
    expect(made).not.toHaveProperty('rotateCertificates');
    expect(below(made, 'authentication', 'x509', 'clientCAFile')).toBe('/etc/kubernetes/pki/ca.crt');
    expect(made).not.toHaveProperty('containerRuntimeEndpoint');
  });

  it('of kube-proxy are laid over the defaults', async () => {
    const config = { mode: 'nftables', clusterCIDR: null, conntrack: { min: 0 } };
    const made = await configOf(specOf(1, { proxy: { config } }), 'kube-system/kube-proxy', 'config.conf');
    expect(made).toEqual({
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      bindAddress: '0.0.0.0',
      clientConnection: { kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf' },
      conntrack: { min: 0 },
      kind: 'KubeProxyConfiguration',
      mode: 'nftables',
    });
  });
});

describe('the description for kubeadm', () => {
  it('holds what the cluster file says for the whole cluster', async () => {
    const made = await configOf(
      specOf(3, {
        kubernetesVersion: 'v1.36.2',
        nodes: [1, 2, 3].map((n) => ({
          name: `cp${n}`,
          addresses: [`10.0.0.1${n}`],
          apiServer: { extraArgs: { v: n } },
        })),
        apiServer: {
          certSANs: ['API.example.com'],
          extraArgs: { 'audit-log-maxage': 30, 'service-account-issuer': ['https://a', 'https://b'], profiling: null },
          extraEnvs: [
            { name: 'GOGC', value: '80' },
            { name: 'EMPTY', value: '' },
          ],
          extraVolumes: [{ name: 'a', hostPath: '/a', mountPath: '/b', readOnly: true, pathType: 'Directory' }],
          resources: { requests: { cpu: 1 } },
        },
        etcd: { local: { imageTag: '3.6.1-0', extraArgs: { 'snapshot-count': 5 }, serverCertSANs: ['e.example.com'] } },
        dns: { imageTag: 'v1.0.0' },
        proxy: { disabled: true },
        pki: { certValidity: '100h' },
        networking: {},
      }),
      'kube-system/kubeadm-config',
      'ClusterConfiguration',
    );
    expect(made).toEqual({
      apiServer: {
        certSANs: ['api.example.com'],
        extraArgs: [
          { name: 'audit-log-maxage', value: '30' },
          { name: 'service-account-issuer', value: 'https://a' },
          { name: 'service-account-issuer', value: 'https://b' },
        ],
        extraEnvs: [{ name: 'GOGC', value: '80' }, { name: 'EMPTY' }],
        extraVolumes: [{ hostPath: '/a', mountPath: '/b', name: 'a', pathType: 'Directory', readOnly: true }],
      },
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      caCertificateValidityPeriod: '87600h0m0s',
      certificateValidityPeriod: '100h0m0s',
      certificatesDir: '/etc/kubernetes/pki',
      clusterName: 'kubernetes',
      controlPlaneEndpoint: 'lb.example.com:6443',
      controllerManager: {},
      dns: { imageTag: 'v1.0.0' },
      encryptionAlgorithm: 'ECDSA-P256',
      etcd: {
        local: {
          dataDir: '/var/lib/etcd',
          extraArgs: [{ name: 'snapshot-count', value: '5' }],
          imageTag: '3.6.1-0',
          serverCertSANs: ['e.example.com'],
        },
      },
      imageRepository: 'registry.k8s.io',
      kind: 'ClusterConfiguration',
      kubernetesVersion: 'v1.36.2',
      networking: { dnsDomain: 'cluster.local', serviceSubnet: '10.96.0.0/12' },
      proxy: { disabled: true },
      scheduler: {},
    });
  });

  it('names an etcd that runs elsewhere', async () => {
    const external = { endpoints: ['https://e:2379'], caFile: '/etc/e/ca', certFile: '/etc/e/c', keyFile: '/etc/e/k' };
    const made = await configOf(
      specOf(1, { etcd: { external } }),
      'kube-system/kubeadm-config',
      'ClusterConfiguration',
    );
    expect(made['etcd']).toEqual({ external });
  });
});

describe("templates of the user's", () => {
  it('replace ours: a Corefile of one’s own, or more objects in one file', async () => {
    const corefile = '.:53 {\n    # "quotes", {$HOME}: as they are\n    whoami {{word dnsDomain}}\n}\n';
    const more =
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: extra}\n---\n# nothing\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: extra}\ndata:\n  text: "a: b"\n  map:\n    list: [1, "2"]\n';
    const objects = await objectsOf(specOf(1), { 'cluster/Corefile': corefile, 'cluster/access.yaml': more });
    expect(below(objects.get('ConfigMap kube-system/coredns')?.data, 'data', 'Corefile')).toBe(
      corefile.replace('{{word dnsDomain}}', 'cluster.local'),
    );
    expect([...objects.keys()][0]).toBe('Namespace extra');
    expect(objects.get('ConfigMap extra/c')?.data['data']).toEqual({ text: 'a: b', map: 'list:\n- 1\n- "2"\n' });
    expect(objects.has('ClusterRoleBinding kubeadm:cluster-admins')).toBe(false);
  });

  const FILE = 'templates/cluster/access.yaml.hbs';
  it.each([
    ['a: 1\n', `${FILE}:1:1: once filled: an object needs apiVersion, kind and metadata.name`],
    [
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n',
      `${FILE}:5:1: once filled: Pod (v1) is no kind that can be applied; known: Namespace`,
    ],
    ['apiVersion: v1\nkind: Rol\nmetadata: {name: a}\n', 'did you mean "Role"?'],
    [
      'apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n',
      'Deployment (apps/v1beta1) is no kind that can be applied; Deployment is known in apps/v1',
    ],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n', 'ConfigMap a needs metadata.namespace'],
    ['apiVersion: v1\nkind: Namespace\nmetadata: {name: a, namespace: b}\n', 'Namespace b/a lives in no namespace'],
    ['apiVersion: v1\nkind: X\n---\na: b: c\n', 'once filled'],
    [
      'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: coredns, namespace: kube-system}\n',
      'the templates make ServiceAccount kube-system/coredns twice',
    ],
  ])('are refused with their place where they make something else: %j', async (text, expected) => {
    expect((await faultsOf(specOf(1), { 'cluster/access.yaml': text })).join('\n')).toContain(expected);
  });

  it('must leave a map where settings of the cluster file go', async () => {
    const text =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubelet-config, namespace: kube-system}\ndata: {kubelet: "a: b"}\n';
    expect(await faultsOf(specOf(1), { 'cluster/kubelet-config.yaml': text })).toEqual([
      'templates/cluster/kubelet-config.yaml.hbs:1:1: once filled: ConfigMap kubelet-config must have a map at data["kubelet"]',
    ]);
  });

  it.each([
    ['x{{word dnsDomain}}\n', '{{word}} must be a word of its own'],
    ['{{yaml dnsDomain}}\n', '{{yaml}} does not quote its value; the helpers are word'],
    ['{{dnsDomain}}\n', '{{dnsDomain}} does not quote its value; write {{word dnsDomain}}'],
  ])('cannot put half a word into a Corefile: %j', async (text, expected) => {
    expect((await faultsOf(specOf(1), { 'cluster/Corefile': text })).join('\n')).toContain(expected);
  });
});

describe.skipIf(!needTool('kubectl'))('kubectl', () => {
  it('loses nothing when it reads workloads, Service and ConfigMaps into its own types', async () => {
    const objects = await objectsOf(specOf(3, { proxy: { config: { mode: 'ipvs' } } }));
    for (const { kind, data } of objects.values()) {
      const output = execFileSync('kubectl', ['annotate', '--local', '-f', '-', 'added=x', '-o', 'json'], {
        input: emitYaml(data),
        encoding: 'utf8',
      });
      const { status: _, ...read } = JSON.parse(output) as JsonMap;
      const annotations = below(data, 'metadata', 'annotations');
      const added = { ...(isMap(annotations) ? annotations : {}), added: 'x' };
      const wanted = withEntries(data, { metadata: withEntries(data['metadata'] as JsonMap, { annotations: added }) });
      expect(meaning(read), kind).toEqual(meaning(wanted));
    }
  });
});
