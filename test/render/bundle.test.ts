import { describe, expect, it } from 'vitest';
import { SecretPem } from '../../src/base/pem.ts';
import { bundleDigest } from '../../src/bundle/bundle.ts';
import type { NodeLeaf, Pki } from '../../src/pki/pki.ts';
import { clusterKubeconfigs, renderCluster } from '../../src/render/render.ts';
import {
  clusterOf,
  contextFor,
  fakePem,
  fakePki,
  fileOf,
  flagValues,
  podOf,
  render,
  specOf,
  textOf,
} from './fixtures.ts';

const DIGEST = 'bootstrap/inputs-digest';

/** Which manifests of the first node differ once `change` was made to the PKI or the spec. */
async function restarts(
  change: { readonly pki?: (pki: Pki) => Pki; readonly spec?: object },
  more: object = {},
): Promise<readonly string[]> {
  const cluster = clusterOf(specOf(3, more));
  const changed = change.spec ? clusterOf(specOf(3, change.spec)) : cluster;
  const pki = fakePki(cluster);
  const [before] = renderCluster(cluster, pki, await contextFor(cluster)).bundles;
  const [after] = renderCluster(changed, change.pki?.(pki) ?? pki, await contextFor(changed)).bundles;
  const manifests = (before?.files ?? []).filter((file) => file.effect.kind === 'manifest');
  return manifests
    .filter((file) => !after?.files.find(({ path }) => path === file.path)?.content.equals(file.content))
    .map(({ effect }) => ('pod' in effect ? effect.pod : ''));
}

const renewed =
  (name: string) =>
  (pki: Pki): Pki => {
    const other = fakePki(clusterOf(specOf(3)), ' renewed');
    const nodes = [...pki.nodes].map(
      ([node, leaves]) =>
        [
          node,
          new Map(
            [...leaves].map(([leaf, pair]) => [
              leaf,
              leaf === name ? (other.nodes.get(node)?.get(leaf as NodeLeaf) ?? pair) : pair,
            ]),
          ),
        ] as const,
    );
    return { ...pki, nodes: new Map(nodes) };
  };

/** A second certificate becomes trusted; the one that signs stays. */
const trusting =
  (authority: 'kubernetes' | 'etcd' | 'front-proxy') =>
  (pki: Pki): Pki => {
    const authorities = new Map(pki.authorities);
    const before = authorities.get(authority);
    if (before)
      authorities.set(authority, {
        ...before,
        bundle: `${before.bundle}${fakePem('CERTIFICATE', 'new')}` as typeof before.bundle,
      });
    return { ...pki, authorities };
  };

describe('a bundle', () => {
  it('holds every file of a master with stacked etcd, with its mode', async () => {
    const { bundles } = await render(specOf(3));
    const files = bundles[0]?.files.map(({ path, mode, owner }) => `${mode.toString(8)} ${owner} ${path}`);
    expect(files).toEqual([
      '600 root:root /etc/kubernetes/admin.conf',
      '600 root:root /etc/kubernetes/controller-manager.conf',
      '600 root:root /etc/kubernetes/kubelet.conf',
      '600 root:root /etc/kubernetes/manifests/etcd.yaml',
      '600 root:root /etc/kubernetes/manifests/kube-apiserver.yaml',
      '600 root:root /etc/kubernetes/manifests/kube-controller-manager.yaml',
      '600 root:root /etc/kubernetes/manifests/kube-scheduler.yaml',
      '644 root:root /etc/kubernetes/pki/apiserver-etcd-client.crt',
      '600 root:root /etc/kubernetes/pki/apiserver-etcd-client.key',
      '644 root:root /etc/kubernetes/pki/apiserver-kubelet-client.crt',
      '600 root:root /etc/kubernetes/pki/apiserver-kubelet-client.key',
      '644 root:root /etc/kubernetes/pki/apiserver.crt',
      '600 root:root /etc/kubernetes/pki/apiserver.key',
      '644 root:root /etc/kubernetes/pki/ca-bundle.crt',
      '644 root:root /etc/kubernetes/pki/ca.crt',
      '600 root:root /etc/kubernetes/pki/ca.key',
      '644 root:root /etc/kubernetes/pki/controller-manager/ca-bundle.crt',
      '644 root:root /etc/kubernetes/pki/controller-manager/client.crt',
      '600 root:root /etc/kubernetes/pki/controller-manager/client.key',
      '644 root:root /etc/kubernetes/pki/etcd/ca-bundle.crt',
      '644 root:root /etc/kubernetes/pki/etcd/ca.crt',
      '644 root:root /etc/kubernetes/pki/etcd/healthcheck-client.crt',
      '600 root:root /etc/kubernetes/pki/etcd/healthcheck-client.key',
      '644 root:root /etc/kubernetes/pki/etcd/peer.crt',
      '600 root:root /etc/kubernetes/pki/etcd/peer.key',
      '644 root:root /etc/kubernetes/pki/etcd/server.crt',
      '600 root:root /etc/kubernetes/pki/etcd/server.key',
      '644 root:root /etc/kubernetes/pki/front-proxy-ca-bundle.crt',
      '644 root:root /etc/kubernetes/pki/front-proxy-ca.crt',
      '644 root:root /etc/kubernetes/pki/front-proxy-client.crt',
      '600 root:root /etc/kubernetes/pki/front-proxy-client.key',
      '644 root:root /etc/kubernetes/pki/kubelet/client.crt',
      '600 root:root /etc/kubernetes/pki/kubelet/client.key',
      '600 root:root /etc/kubernetes/pki/sa.key',
      '644 root:root /etc/kubernetes/pki/sa.pub',
      '644 root:root /etc/kubernetes/pki/scheduler/ca-bundle.crt',
      '644 root:root /etc/kubernetes/pki/scheduler/client.crt',
      '600 root:root /etc/kubernetes/pki/scheduler/client.key',
      '600 root:root /etc/kubernetes/scheduler.conf',
      '644 root:root /etc/systemd/system/kubelet.service.d/20-bootstrap.conf',
      '600 root:root /var/lib/kubelet/config.yaml',
    ]);
    expect(bundles[0]?.directories.map(({ path, mode }) => `${mode.toString(8)} ${path}`)).toEqual([
      '700 /etc/kubernetes/manifests',
      '755 /etc/kubernetes/pki',
      '755 /etc/kubernetes/pki/controller-manager',
      '755 /etc/kubernetes/pki/etcd',
      '755 /etc/kubernetes/pki/kubelet',
      '755 /etc/kubernetes/pki/scheduler',
      '700 /var/lib/etcd',
    ]);
  });

  it('marks every file with a private key as sensitive, and no key is in any other', async () => {
    for (const file of (await render(specOf(1))).bundles[0]?.files ?? []) {
      const holdsKey = /PRIVATE KEY|client-key-data/.test(file.content.toString());
      expect([file.path, file.sensitive]).toEqual([file.path, holdsKey]);
      if (holdsKey) expect([file.path, file.mode]).toEqual([file.path, 0o600]);
    }
  });

  it('holds nothing of etcd where etcd runs elsewhere', async () => {
    const etcd = { external: { endpoints: ['https://10.9.9.9:2379'], caFile: '/etc/etcd/ca.crt' } };
    const { bundles } = await render(specOf(1, { etcd }));
    expect(bundles[0]?.files.filter(({ path }) => path.includes('etcd'))).toEqual([]);
    expect(bundles[0]?.directories.filter(({ path }) => path.includes('etcd'))).toEqual([]);
  });

  it('is the same every time', async () => {
    const [one, two] = [await render(specOf(3)), await render(specOf(3))];
    expect(one.bundles.map(bundleDigest)).toEqual(two.bundles.map(bundleDigest));
  });

  it("carries the user's files as they are", async () => {
    const files = [
      { path: '/etc/motd', content: 'hello\n', mode: '0640', owner: 'root:adm', sensitive: true, nodes: ['cp2'] },
    ];
    const output = await render(specOf(3, { files }));
    expect(fileOf(output, '/etc/motd', 1)).toEqual({
      path: '/etc/motd',
      content: Buffer.from('hello\n'),
      mode: 0o640,
      owner: 'root:adm',
      sensitive: true,
      effect: { kind: 'none' },
    });
    expect(output.bundles[0]?.files.some(({ path }) => path === '/etc/motd')).toBe(false);
  });

  it('goes without the key of a CA that is kept elsewhere, and then the controller-manager signs nothing', async () => {
    const cluster = clusterOf(specOf(1));
    const context = await contextFor(cluster);
    const output = { cluster, context, ...renderCluster(cluster, fakePki(cluster, '', { caKey: false }), context) };
    expect(output.bundles[0]?.files.some(({ path }) => path.endsWith('/ca.key'))).toBe(false);
    expect(flagValues(output, 'kube-controller-manager', 'cluster-signing-cert-file')).toEqual(['']);
    expect(flagValues(output, 'kube-controller-manager', 'cluster-signing-key-file')).toEqual(['']);
  });
});

describe('what has to happen on the node', () => {
  it.each([
    ['/etc/kubernetes/pki/apiserver.crt', { kind: 'none' }],
    ['/etc/kubernetes/pki/scheduler/client.crt', { kind: 'none' }],
    ['/etc/kubernetes/pki/etcd/server.crt', { kind: 'none' }],
    ['/etc/kubernetes/admin.conf', { kind: 'none' }],
    ['/etc/kubernetes/pki/ca.crt', { kind: 'none' }],
    ['/etc/kubernetes/pki/front-proxy-ca-bundle.crt', { kind: 'none' }],
    ['/etc/kubernetes/pki/scheduler/ca-bundle.crt', { kind: 'none' }],
    ['/etc/kubernetes/pki/sa.key', { kind: 'pods', pods: ['kube-apiserver', 'kube-controller-manager'] }],
    ['/etc/kubernetes/pki/sa.pub', { kind: 'pods', pods: ['kube-apiserver'] }],
    ['/etc/kubernetes/pki/etcd/ca-bundle.crt', { kind: 'pods', pods: ['etcd', 'kube-apiserver'] }],
    ['/etc/kubernetes/pki/ca-bundle.crt', { kind: 'pods', pods: ['kube-controller-manager'], kubelet: true }],
    ['/etc/kubernetes/scheduler.conf', { kind: 'pods', pods: ['kube-scheduler'] }],
    ['/etc/kubernetes/kubelet.conf', { kind: 'kubelet' }],
    ['/var/lib/kubelet/config.yaml', { kind: 'kubelet' }],
    ['/etc/kubernetes/pki/kubelet/client.crt', { kind: 'none' }],
    ['/etc/kubernetes/pki/kubelet/client.key', { kind: 'none' }],
    ['/etc/systemd/system/kubelet.service.d/20-bootstrap.conf', { kind: 'kubelet-unit' }],
    ['/etc/kubernetes/manifests/etcd.yaml', { kind: 'manifest', pod: 'etcd' }],
  ])('once %s has changed', async (path, effect) => {
    expect(fileOf(await render(specOf(1)), path).effect).toEqual(effect);
  });

  it('up to 1.35 is more: clients do not load a changed CA by themselves', async () => {
    const output = await render(specOf(1, { kubernetesVersion: 'v1.35.1' }));
    expect(fileOf(output, '/etc/kubernetes/pki/scheduler/ca-bundle.crt').effect).toEqual({
      kind: 'pods',
      pods: ['kube-scheduler'],
    });
    expect(fileOf(output, '/etc/kubernetes/pki/kubelet/client.crt').effect).toEqual({ kind: 'none' });
    expect(fileOf(output, '/etc/kubernetes/pki/kubelet/client.key').effect).toEqual({ kind: 'none' });
  });
});

describe('the digest in a manifest', () => {
  it('is a SHA-256, and that of a pod with other inputs is another', async () => {
    const output = await render(specOf(1));
    const digests = (['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const).map(
      (pod) => podOf(output, pod).metadata.annotations[DIGEST],
    );
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(digests).size).toBe(4);
  });

  it.each<[string]>([
    ['apiserver'],
    ['apiserver-kubelet-client'],
    ['front-proxy-client'],
    ['apiserver-etcd-client'],
    ['etcd/server'],
    ['etcd/peer'],
    ['controller-manager'],
    ['scheduler'],
    ['kubelet'],
    ['admin'],
  ])('stays when the certificate %s is renewed: nothing restarts', async (leaf) => {
    expect(await restarts({ pki: renewed(leaf) })).toEqual([]);
  });

  it('changes where a process would go on with what it has read', async () => {
    const key = new SecretPem(fakePem('PRIVATE KEY', 'another'));
    expect(await restarts({ pki: (pki) => ({ ...pki, serviceAccount: { ...pki.serviceAccount, key } }) })).toEqual([
      'kube-apiserver',
      'kube-controller-manager',
    ]);
    expect(await restarts({ pki: trusting('etcd') })).toEqual(['etcd', 'kube-apiserver']);
    expect(await restarts({ pki: trusting('kubernetes') })).toEqual(['kube-controller-manager']);
    expect(await restarts({ pki: trusting('front-proxy') })).toEqual([]);
    expect(await restarts({ pki: trusting('kubernetes') }, { kubernetesVersion: 'v1.34.1' })).toEqual([
      'kube-controller-manager',
      'kube-scheduler',
    ]);
  });

  it("covers the user's files that are read only at start, found through the volume that brings them", async () => {
    const withFiles = (policy: string, authz: string, admission = 'x') => ({
      apiServer: {
        extraArgs: {
          'audit-policy-file': '/audit/policy.yaml',
          'authorization-config': '/audit/authz.yaml',
          'admission-control-config-file': '/audit/admission.yaml',
        },
        extraVolumes: [{ name: 'audit', hostPath: '/etc/kubernetes/audit', mountPath: '/audit', readOnly: true }],
      },
      files: [
        { path: '/etc/kubernetes/audit/policy.yaml', content: policy },
        { path: '/etc/kubernetes/audit/authz.yaml', content: authz },
        {
          path: '/etc/kubernetes/audit/admission.yaml',
          content: 'kind: AdmissionConfiguration\nplugins: [{name: EventRateLimit, path: limits.yaml}]\n',
        },
        { path: '/etc/kubernetes/audit/limits.yaml', content: admission },
      ],
    });
    expect(await restarts({ spec: withFiles('b', 'a') }, withFiles('a', 'a'))).toEqual(['kube-apiserver']);
    expect(await restarts({ spec: withFiles('a', 'b') }, withFiles('a', 'a'))).toEqual([]);
    expect(await restarts({ spec: withFiles('a', 'a', 'y') }, withFiles('a', 'a'))).toEqual(['kube-apiserver']);
  });
});

describe('kubeconfigs', () => {
  it('of processes point to files and to the API server of their own node', async () => {
    expect(textOf(await render(specOf(3)), '/etc/kubernetes/scheduler.conf', 1)).toBe(`apiVersion: v1
clusters:
- cluster:
    certificate-authority: /etc/kubernetes/pki/scheduler/ca-bundle.crt
    server: https://10.0.0.12:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: system:kube-scheduler
  name: system:kube-scheduler@kubernetes
current-context: system:kube-scheduler@kubernetes
kind: Config
users:
- name: system:kube-scheduler
  user:
    client-certificate: /etc/kubernetes/pki/scheduler/client.crt
    client-key: /etc/kubernetes/pki/scheduler/client.key
`);
  });

  it('of people hold everything and use the endpoint of the cluster', async () => {
    const output = await render(specOf(3));
    const admin = textOf(output, '/etc/kubernetes/admin.conf');
    expect(admin).toContain('server: https://lb.example.com:6443\n');
    expect(Buffer.from(/certificate-authority-data: (\S+)/.exec(admin)?.[1] ?? '', 'base64').toString()).toBe(
      fakePem('CERTIFICATE', 'ca'),
    );
    expect(
      textOf(
        await render(
          specOf(1, { nodes: [{ name: 'a', addresses: ['fd00::1'] }], networking: { serviceSubnet: 'fd00:96::/112' } }),
        ),
        '/etc/kubernetes/admin.conf',
      ),
    ).toContain('server: "https://[fd00::1]:6443"\n');
  });

  it('of the cluster directory are those of the admin and of the super-admin', async () => {
    const { cluster, context } = await render(specOf(3));
    const files = clusterKubeconfigs(cluster, fakePki(cluster), context);
    expect(
      files.map(({ name, content }) => `${name} ${/current-context: (.*)/.exec(content.toString())?.[1]}`),
    ).toEqual(['admin.conf kubernetes-admin@kubernetes', 'super-admin.conf kubernetes-super-admin@kubernetes']);
  });

  it('of the kubelet points to files outside of the directory in which the kubelet keeps its own', async () => {
    const output = await render(specOf(1));
    expect(textOf(output, '/etc/kubernetes/kubelet.conf')).toContain(`
    client-certificate: /etc/kubernetes/pki/kubelet/client.crt
    client-key: /etc/kubernetes/pki/kubelet/client.key
`);
    expect(textOf(output, '/etc/kubernetes/pki/kubelet/client.crt')).toBe(fakePem('CERTIFICATE', 'cp1 kubelet'));
    expect(textOf(output, '/etc/kubernetes/pki/kubelet/client.key')).toBe(fakePem('PRIVATE KEY', 'key of cp1 kubelet'));
    expect(output.bundles[0]?.files.filter(({ path }) => path.startsWith('/var/lib/kubelet/pki/'))).toEqual([]);
  });
});
