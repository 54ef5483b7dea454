import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { explainFlag } from '../../src/render/explain.ts';
import { explainKubeletField } from '../../src/render/explain-kubelet.ts';
import { clusterKubeconfigs } from '../../src/render/render.ts';
import { clusterOf, contextFor, fakePki, faultsOf, type Output, render, specOf, textOf } from './fixtures.ts';
import { container, manifest } from './static-pods/fixtures.ts';

const CONFIG = '/var/lib/kubelet/config.yaml';
const DROP_IN = '/etc/systemd/system/kubelet.service.d/20-bootstrap.conf';

const WORKER = { name: 'w1', addresses: ['10.0.0.21'], role: 'node' };
const MASTER = { name: 'cp1', addresses: ['10.0.0.11'] };
const WEB = manifest({}, { name: 'static-web' });

/** A plain node before a master: what counts is the role, not the place. */
const joined = (node: object = {}, more: object = {}) =>
  specOf(1, { nodes: [{ ...WORKER, ...node }, MASTER], staticPods: [{ manifest: WEB, nodes: ['w1'] }], ...more });
/** Nothing but plain nodes. */
const alone = (node: object = {}, more: object = {}) => ({
  kubernetesVersion: 'v1.36.2',
  nodes: [{ ...WORKER, ...node }],
  staticPods: [{ manifest: WEB }],
  ...more,
});

const listing = ({ bundles }: Output, node: number) => ({
  node: bundles[node]?.node,
  directories: bundles[node]?.directories.map(({ path, mode }) => `${mode.toString(8)} ${path}`),
  files: bundles[node]?.files.map(({ path, mode, effect }) => `${mode.toString(8)} ${effect.kind} ${path}`),
});

describe('a plain node of a cluster with masters', () => {
  it('comes after the masters, with its kubelet, its certificate and its pods, and nothing of the control plane', async () => {
    const output = await render(joined({}, { kubelet: { installUnit: true } }));
    expect(output.bundles.map(({ node }) => node)).toEqual(['cp1', 'w1']);
    expect(listing(output, 1)).toEqual({
      node: 'w1',
      directories: ['700 /etc/kubernetes/manifests', '755 /etc/kubernetes/pki', '755 /etc/kubernetes/pki/kubelet'],
      files: [
        '600 kubelet /etc/kubernetes/kubelet.conf',
        '600 manifest /etc/kubernetes/manifests/default_static-web.yaml',
        '644 kubelet /etc/kubernetes/pki/ca-bundle.crt',
        '644 none /etc/kubernetes/pki/kubelet/client.crt',
        '600 none /etc/kubernetes/pki/kubelet/client.key',
        '644 kubelet-unit /etc/systemd/system/kubelet.service',
        '644 kubelet-unit /etc/systemd/system/kubelet.service.d/20-bootstrap.conf',
        '600 kubelet /var/lib/kubelet/config.yaml',
      ],
    });
  });

  it('leaves the files of the masters as they are without it', async () => {
    const output = await render(joined());
    const without = await render(specOf(1));
    expect(output.bundles[0]).toEqual(without.bundles[0]);
  });

  it('joins where everybody else reaches the API, with its own certificate', async () => {
    const kubeconfig = async (more: object) =>
      parse(textOf(await render(joined({}, more)), '/etc/kubernetes/kubelet.conf', 1)) as object;
    expect(await kubeconfig({})).toMatchObject({
      clusters: [
        {
          cluster: {
            server: 'https://10.0.0.11:6443',
            'certificate-authority': '/etc/kubernetes/pki/ca-bundle.crt',
          },
        },
      ],
      users: [
        {
          name: 'system:node:w1',
          user: {
            'client-certificate': '/etc/kubernetes/pki/kubelet/client.crt',
            'client-key': '/etc/kubernetes/pki/kubelet/client.key',
          },
        },
      ],
    });
    expect(await kubeconfig({ controlPlaneEndpoint: 'lb.example.com:7443' })).toMatchObject({
      clusters: [{ cluster: { server: 'https://lb.example.com:7443' } }],
    });
  });

  it('has the kubelet of a master, and is tainted when it joins', async () => {
    const output = await render(
      joined({
        taints: [
          { key: 'dedicated', value: 'edge', effect: 'NoExecute' },
          { key: 'x', effect: 'NoSchedule' },
        ],
      }),
    );
    const text = textOf(output, CONFIG, 1);
    expect(text).toContain(`kind: KubeletConfiguration
registerWithTaints:
- effect: NoExecute
  key: dedicated
  value: edge
- effect: NoSchedule
  key: x
rotateCertificates: true
`);
    expect(text.replace(/registerWithTaints:\n(?:[- ] .*\n)+/, '')).toBe(textOf(output, CONFIG, 0));
    expect(textOf(await render(joined()), CONFIG, 1)).not.toContain('registerWithTaints');
    expect(textOf(output, DROP_IN, 1)).toBe(textOf(output, DROP_IN, 0).replace('10.0.0.11', '10.0.0.21'));
  });

  it("takes settings, flags, patches and labels as masters do, and the others' of the control plane not", async () => {
    const spec = joined(
      { labels: { 'example.com/rack': 'r1' }, kubelet: { config: { maxPods: 40 }, extraArgs: { v: 4 } } },
      {
        kubelet: { config: { maxPods: 50, podPidsLimit: 100 } },
        patches: [
          { target: 'kubeletconfiguration', type: 'merge', patch: { serializeImagePulls: false } },
          { target: 'kube-scheduler', type: 'merge', patch: { metadata: { labels: { a: 'b' } } } },
        ],
      },
    );
    const output = await render(spec);
    expect(parse(textOf(output, CONFIG, 1))).toMatchObject({
      maxPods: 40,
      podPidsLimit: 100,
      serializeImagePulls: false,
    });
    expect(textOf(output, DROP_IN, 1)).toContain('--node-labels=example.com/rack=r1 \\\n');
    expect(textOf(output, DROP_IN, 1)).toContain('--v=4\n');
    expect(await faultsOf(spec)).toEqual([]);
  });

  it('is told of labels that no kubelet may set, and of patches for what it does not run', async () => {
    const spec = joined(
      { labels: { 'node-role.kubernetes.io/worker': '', a: 'b' } },
      { patches: [{ target: 'etcd', type: 'merge', patch: {}, nodes: ['w1'] }] },
    );
    expect(await faultsOf(spec)).toEqual([
      expect.stringMatching(
        /^warning .*spec\.nodes\[0\]\.labels\["node-role\.kubernetes\.io\/worker"\]: is not set on w1: .*; kubectl label node w1 node-role\.kubernetes\.io\/worker=$/,
      ),
      expect.stringMatching(/spec\.patches\[0\]\.patch: changes nothing on w1, which has no etcd$/),
    ]);
  });

  it('never holds a key of a CA, the key of service accounts, or an admin', async () => {
    for (const { path, content } of (await render(joined())).bundles[1]?.files ?? []) {
      expect(path).not.toMatch(/ca\.key|sa\.|admin\.conf|controller-manager|scheduler|etcd/);
      for (const key of ['key of ca', 'key of sa', 'key of admin', 'key of front-proxy-ca', 'key of etcd-ca'])
        expect(content.toString()).not.toContain(Buffer.from(key).toString('base64').replace(/=*$/, ''));
    }
  });

  it('gets the files and pods that are for it', async () => {
    const content = 'x';
    const output = await render(
      joined(
        {},
        {
          files: [
            { path: '/etc/a', content },
            { path: '/etc/b', content, nodes: ['w1'] },
          ],
        },
      ),
    );
    const own = (node: number) =>
      output.bundles[node]?.files.map(({ path }) => path).filter((path) => /^\/etc\/.$/.test(path));
    expect([own(0), own(1)]).toEqual([['/etc/a'], ['/etc/b']]);
  });
});

describe('a plain node where there are no masters', () => {
  it('has a kubelet that runs alone: no kubeconfig, no certificate, no server', async () => {
    const output = await render(alone());
    expect(output.warnings).toEqual([]);
    expect(listing(output, 0)).toEqual({
      node: 'w1',
      directories: ['700 /etc/kubernetes/manifests'],
      files: [
        '600 manifest /etc/kubernetes/manifests/default_static-web.yaml',
        '644 kubelet-unit /etc/systemd/system/kubelet.service.d/20-bootstrap.conf',
        '600 kubelet /var/lib/kubelet/config.yaml',
      ],
    });
    expect(textOf(output, CONFIG)).toBe(`apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: false
authorization:
  mode: AlwaysAllow
cgroupDriver: systemd
containerRuntimeEndpoint: unix:///var/run/containerd/containerd.sock
enableServer: false
healthzBindAddress: "127.0.0.1"
healthzPort: 10248
kind: KubeletConfiguration
staticPodPath: /etc/kubernetes/manifests
`);
    expect(textOf(output, DROP_IN)).toBe(`# Made by bootstrap; the next apply overwrites what is changed here.
[Service]
ExecStart=
ExecStart=/usr/bin/kubelet \\
    --config=/var/lib/kubelet/config.yaml \\
    --node-ip=10.0.0.21
`);
  });

  it('needs no CA at all, and there is no kubeconfig for anybody', async () => {
    const cluster = clusterOf(alone());
    const pki = { ...fakePki(cluster), authorities: new Map(), nodes: new Map() };
    const { renderCluster } = await import('../../src/render/render.ts');
    const context = await contextFor(cluster);
    expect(renderCluster(cluster, pki, context).bundles).toEqual((await render(alone())).bundles);
    expect(clusterKubeconfigs(cluster, pki, context)).toEqual([]);
  });

  it('has the port of the kubelet free for a pod, until that answers', async () => {
    const ports = (...all: readonly number[]) =>
      manifest({ containers: [container({ ports: all.map((port) => ({ containerPort: port, hostPort: port })) })] });
    const said = (more: object) => faultsOf(alone({}, { staticPods: [{ manifest: ports(10250, 10256) }], ...more }));
    expect(await said({})).toEqual([]);
    expect(await said({ kubelet: { config: { enableServer: true } } })).toEqual([
      expect.stringContaining('port 10250/TCP of w1 is taken by kubelet (port)'),
      expect.stringContaining('AlwaysAllow: everybody who signs in to the kubelet may run commands'),
    ]);
    expect(await said({ kubelet: { extraArgs: { 'enable-server': true } } })).toHaveLength(3);
    // its health it always tells, on loopback
    expect(await faultsOf(alone({}, { staticPods: [{ manifest: ports(10248) }] }))).toEqual([
      expect.stringContaining('port 10248/TCP of w1 is taken by kubelet (healthzPort), on 127.0.0.1'),
    ]);
  });

  it('cannot have a kubelet that asks the API who may do what', async () => {
    const config = { authentication: { webhook: { enabled: true } }, authorization: { mode: null } };
    expect(await faultsOf(alone({}, { kubelet: { config } }))).toEqual([
      expect.stringMatching(
        /^error .*authentication\.webhook\.enabled: the kubelet does not start: it would ask an API/,
      ),
      expect.stringMatching(/^error .*authorization\.mode: the kubelet does not start/),
    ]);
    expect(await faultsOf(joined({}, { kubelet: { config } }))).toEqual([]);
  });

  it('refuses a kubeconfig for its kubelet, and says what does nothing', async () => {
    expect(
      await faultsOf(alone({}, { kubelet: { extraArgs: { kubeconfig: '/etc/kubernetes/kubelet.conf' } } })),
    ).toEqual([expect.stringMatching(/^error .*--kubeconfig: all nodes have "role: node", so there is no API server/)]);
    const spec = alone({ taints: [{ key: 'a', effect: 'NoSchedule' }], labels: { 'kubernetes.io/x': 'y' } });
    expect(await faultsOf(spec)).toEqual([
      expect.stringMatching(/^warning .*taints: do nothing: without masters there is no scheduler/),
      expect.stringMatching(/^warning .*labels\["kubernetes\.io\/x"\]: is not set on w1: .*; take it out$/),
    ]);
  });
});

describe('pods of a plain node', () => {
  const told = async (pod: object, spec: typeof joined | typeof alone) =>
    (await faultsOf(spec({}, { staticPods: [{ manifest: pod, nodes: ['w1'] }] }))).map((line) =>
      line.replace(/cluster\.yaml:\d+:\d+: spec\.staticPods\[0\]\.manifest\./, ''),
    );

  it('may use what only keeps a mirror pod from being shown: nothing has to be proven by it', async () => {
    const pod = manifest(
      { priorityClassName: 'mine', readinessGates: [{ conditionType: 'x' }] },
      { name: 'web', namespace: 'monitoring' },
    );
    expect((await told(pod, joined)).map((line) => line.replace(/:.*/, ''))).toEqual([
      'warning metadata.namespace',
      'warning spec.priorityClassName',
      'warning spec.readinessGates',
    ]);
    expect(await told(pod, alone)).toEqual([]);
    expect(await told(manifest({ priority: 7 }), joined)).toEqual([expect.stringMatching(/^warning spec\.priority:/)]);
  });

  it.each([
    [{ restartPolicy: 'Never' }, 'error spec.restartPolicy: what ends by itself is not ready for good'],
    [{ activeDeadlineSeconds: 5 }, 'error spec.activeDeadlineSeconds: the pod would be ended and stay so'],
  ])('may not end by themselves: %j', async (spec, what) => {
    for (const cluster of [joined, alone])
      expect(await told(manifest(spec), cluster)).toEqual([expect.stringContaining(what)]);
  });

  it('may name no RuntimeClass: with masters it may not be there, and without the kubelet ignores it', async () => {
    const pod = manifest({ runtimeClassName: 'kata' });
    expect(await told(pod, joined)).toEqual([expect.stringContaining('a new cluster has no RuntimeClass')]);
    expect(await told(pod, alone)).toEqual([
      'error spec.runtimeClassName: without an API server the kubelet ignores it, and runs the pod in the default runtime; take it out',
    ]);
  });

  it('may be called and listen as the control plane does, which is not there', async () => {
    const ports = [{ containerPort: 6443, hostPort: 6443 }];
    const pod = manifest({ containers: [container({ ports })] }, { name: 'kube-apiserver', namespace: 'kube-system' });
    expect(await told(pod, joined)).toEqual([]);
    const kubelets = manifest({ containers: [container({ ports: [{ containerPort: 1, hostPort: 10250 }] })] });
    expect(await told(kubelets, joined)).toEqual([expect.stringContaining('is taken by kubelet (port)')]);
  });
});

describe('explain', () => {
  it.each([
    ['with masters', joined()],
    ['without', alone()],
  ])('says of a plain node what it has, %s', async (_, spec) => {
    const cluster = clusterOf(spec);
    const [node] = cluster.plainNodes;
    if (!node) throw new Error('no node');
    const context = await contextFor(cluster);
    const isJoined = cluster.nodes.length > 0;
    expect(explainFlag(cluster, node, 'kubelet', 'kubeconfig', context)).toMatchObject(
      isJoined
        ? { values: ['/etc/kubernetes/kubelet.conf'], origin: { kind: 'template' } }
        : { values: [], origin: { kind: 'unset' } },
    );
    expect(explainFlag(cluster, node, 'kubelet', 'node-ip', context)).toMatchObject({ values: ['10.0.0.21'] });
    expect(explainFlag(cluster, node, 'etcd', 'data-dir', context)).toMatchObject({
      values: [],
      origin: { kind: 'unset' },
    });
    expect(explainKubeletField(cluster, node, context, ['authorization', 'mode'])).toEqual({
      value: isJoined ? 'Webhook' : 'AlwaysAllow',
      origin: { kind: 'template' },
    });
  });
});
