import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeFault } from '../../../src/base/fault.ts';
import { explainKubeletField } from '../../../src/render/explain-kubelet.ts';
import { planCluster } from '../../../src/render/plan-cluster.ts';
import { checkCluster, renderCluster } from '../../../src/render/render.ts';
import { builtinTemplates } from '../../../src/render/template/builtin.ts';
import { withUserTemplates } from '../../../src/render/template/user.ts';
import type { Cluster } from '../../../src/spec/cluster.ts';
import {
  clusterOf,
  contextFor,
  fakePem,
  fakePki,
  faultsOf,
  fileOf,
  type Output,
  render,
  specOf,
  textOf,
} from '../fixtures.ts';
import { container, manifest } from './fixtures.ts';

const CONFIG = '/var/lib/kubelet/config.yaml';
const DROP_IN = '/etc/systemd/system/kubelet.service.d/20-bootstrap.conf';
const TRUST = '/etc/kubernetes/static-pods-ca/ca-bundle.crt';

const tolerations = [{ operator: 'Exists', effect: 'NoExecute' }];
const pod = (name: string, spec: object = {}, metadata: object = {}) =>
  manifest({ tolerations, ...spec }, { name, ...metadata });
const byUrl = (manifest: object, more: object = {}) => ({ manifest, via: 'http', ...more });

const NODES = [
  { name: 'w1', addresses: ['10.0.0.21'], role: 'node' },
  { name: 'cp1', addresses: ['10.0.0.11'] },
  { name: 'cp2', addresses: ['10.0.0.12'] },
  { name: 'cp3', addresses: ['10.0.0.13'] },
];
const SERVE = { endpoint: 'pods.example.com:8443' };

/** Three masters and a plain node, which comes last. */
const spec = (staticPods: readonly object[], more: object = {}) =>
  specOf(3, { nodes: NODES, serve: SERVE, staticPods, ...more });

const paths = ({ bundles }: Output, node: number) => bundles[node]?.files.map(({ path }) => path) ?? [];
const names = ({ served }: Output) =>
  served.map(({ node, pods }) => [node, ...pods.map((each) => (each['metadata'] as { name: string }).name)]);

describe('a node with a pod by URL', () => {
  it('polls its own address with its own token, trusts the CA of the cluster, and has no file of the pod', async () => {
    const output = await render(spec([byUrl(pod('web'), { nodes: ['w1', 'cp2'] })]));
    for (const [node, name] of [
      [1, 'cp2'],
      [3, 'w1'],
    ] as const) {
      expect(textOf(output, CONFIG, node)).toContain('httpCheckFrequency: "20s"\n');
      expect(textOf(output, CONFIG, node)).toContain(`staticPodURL: https://pods.example.com:8443/v1/nodes/${name}/pods
staticPodURLHeader:
  Authorization:
  - "Bearer token-of-${name}"
`);
      expect(fileOf(output, CONFIG, node)).toMatchObject({ mode: 0o600, sensitive: true, effect: { kind: 'kubelet' } });
      expect(fileOf(output, TRUST, node)).toMatchObject({
        content: Buffer.from(fakePem('CERTIFICATE', 'ca')),
        mode: 0o644,
        sensitive: false,
        effect: { kind: 'kubelet' },
      });
      expect(output.bundles[node]?.directories).toContainEqual({
        path: '/etc/kubernetes/static-pods-ca',
        mode: 0o755,
        owner: 'root:root',
      });
      expect(textOf(output, DROP_IN, node)).toContain(`[Service]
Environment=SSL_CERT_DIR=/etc/ssl/certs:/etc/pki/tls/certs:/etc/kubernetes/static-pods-ca
ExecStart=
`);
      expect(fileOf(output, DROP_IN, node).effect).toEqual({ kind: 'kubelet-unit' });
      expect(paths(output, node).filter((path) => path.includes('web'))).toEqual([]);
    }
  });

  it('is the only one that changes', async () => {
    const output = await render(spec([byUrl(pod('web'), { nodes: ['cp2'] })]));
    const without = await render(spec([]));
    const bare = await render(spec([], { serve: undefined }));
    for (const node of [0, 2, 3]) expect(output.bundles[node]).toEqual(without.bundles[node]);
    expect(without.bundles).toEqual(bare.bundles);
    expect([output.served.length, without.served, bare.served]).toEqual([1, [], []]);
  });

  it('polls as often and where the cluster file says, on IPv6 too', async () => {
    const serve = { endpoint: '[fd00::5]:9443', httpCheckFrequency: '90s' };
    const text = textOf(await render(spec([byUrl(pod('web'))], { serve })), CONFIG, 3);
    expect(text).toContain('httpCheckFrequency: "1m30s"\n');
    expect(text).toContain('staticPodURL: "https://[fd00::5]:9443/v1/nodes/w1/pods"\n');
  });

  it('works where there are no masters: no API, but a CA for the server of the pods', async () => {
    const output = await render({
      kubernetesVersion: 'v1.36.2',
      nodes: [NODES[0]],
      serve: SERVE,
      staticPods: [byUrl(manifest({}, { name: 'web' }))],
    });
    expect(paths(output, 0)).toEqual([TRUST, DROP_IN, CONFIG]);
    expect(names(output)).toEqual([['w1', 'web']]);
    expect(output.warnings).toEqual([]);
  });

  it('needs the token: without one nothing is rendered', async () => {
    const cluster = clusterOf(spec([byUrl(pod('web'))]));
    const context = await contextFor(cluster);
    expect(() => renderCluster(cluster, { ...fakePki(cluster), serve: undefined }, context)).toThrow(
      'the PKI has no token for the node "cp1"',
    );
  });

  it('never shows the token in what is planned or explained', async () => {
    const cluster = clusterOf(spec([byUrl(pod('web'))]));
    const context = await contextFor(cluster);
    renderCluster(cluster, fakePki(cluster), context);
    expect(JSON.stringify(planCluster(cluster, context, true).map(({ kubelet }) => kubelet))).not.toContain('token-of');
    const [node] = cluster.plainNodes;
    expect(node && explainKubeletField(cluster, node, context, ['staticPodURLHeader', 'Authorization', 0])).toEqual({
      value: 'Bearer [secret]',
      origin: { kind: 'template' },
    });
  });

  it('restarts its kubelet, and nothing else, when the CA of the cluster is another one', async () => {
    const cluster = clusterOf(spec([byUrl(pod('web'))]));
    const context = await contextFor(cluster);
    const before = renderCluster(cluster, fakePki(cluster), context);
    const after = renderCluster(cluster, fakePki(cluster, ' new'), context);
    expect(after.served).toEqual(before.served);
    const changed = after.bundles[3]?.files.filter(
      ({ path, content }) => !before.bundles[3]?.files.find((file) => file.path === path)?.content.equals(content),
    );
    expect(changed?.map(({ path, effect }) => `${effect.kind} ${path}`)).toContain(`kubelet ${TRUST}`);
    expect(changed?.filter(({ effect }) => effect.kind === 'manifest' || effect.kind === 'pods')).toEqual([]);
  });
});

describe('what is served', () => {
  it('is for each node its own pods, by name, with the same digests as by file', async () => {
    const pods = [pod('b'), pod('a', {}, { namespace: 'kube-system' }), pod('c')];
    const output = await render(spec([...pods.map((one) => byUrl(one)), byUrl(pod('d'), { nodes: ['cp3'] })]));
    expect(names(output)).toEqual([
      ['cp1', 'a', 'b', 'c'],
      ['cp2', 'a', 'b', 'c'],
      ['cp3', 'a', 'b', 'c', 'd'],
      ['w1', 'a', 'b', 'c'],
    ]);
    const file = await render(spec([{ manifest: pod('b') }]));
    expect(output.served[0]?.pods[1]).toEqual(parse(textOf(file, '/etc/kubernetes/manifests/default_b.yaml')));
    expect(output.served[0]?.pods[1]).toMatchObject({
      metadata: {
        annotations: {
          'bootstrap/inputs-digest': expect.stringMatching(/^[0-9a-f]{64}$/),
          'bootstrap/manifest-digest': expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      },
    });
  });

  it('changes with a file that the pod mounts, which does nothing by itself', async () => {
    const mounting = pod('web', {
      containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }] })],
      volumes: [{ name: 'v', hostPath: { path: '/etc/web' } }],
    });
    const of = (content: string, via = 'http') =>
      render(
        spec([{ manifest: mounting, via, nodes: ['w1'] }], { files: [{ path: '/etc/web/a', content, nodes: ['w1'] }] }),
      );
    const [one, same, two] = [await of('one'), await of('one'), await of('two')];
    expect(one.served).toEqual(same.served);
    expect(two.served).not.toEqual(one.served);
    expect(fileOf(two, '/etc/web/a', 3).effect).toEqual({ kind: 'none' });
    expect(fileOf(await of('one', 'file'), '/etc/web/a', 3).effect).toEqual({ kind: 'pods', pods: ['default/web'] });
  });
});

describe('a stopped pod', () => {
  it('lies aside as the same bytes, and nothing follows from it', async () => {
    const files = [{ path: '/etc/web/a', content: 'a', nodes: ['w1', 'cp1', 'cp2'] }];
    const mounting = pod('web', {
      containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }] })],
      volumes: [{ name: 'v', hostPath: { path: '/etc/web' } }],
    });
    const running = await render(spec([{ manifest: mounting }], { files }));
    const output = await render(spec([{ manifest: mounting, stopped: ['w1', 'cp1'] }], { files }));
    const path = '/etc/kubernetes/stopped-pods/default_web.yaml';
    expect(fileOf(output, path, 3)).toMatchObject({
      content: fileOf(running, '/etc/kubernetes/manifests/default_web.yaml', 3).content,
      mode: 0o600,
      owner: 'root:root',
      sensitive: false,
      effect: { kind: 'none' },
    });
    expect(output.bundles[3]?.directories).toContainEqual({
      path: '/etc/kubernetes/stopped-pods',
      mode: 0o700,
      owner: 'root:root',
    });
    expect(paths(output, 3)).not.toContain('/etc/kubernetes/manifests/default_web.yaml');
    expect(fileOf(output, '/etc/web/a', 3).effect).toEqual({ kind: 'none' });
    expect(output.bundles[1]).toEqual(running.bundles[1]);
  });

  it('by URL is neither served nor kept anywhere, and the last one takes the settings with it', async () => {
    const output = await render(spec([byUrl(pod('web'), { stopped: ['w1'] })]));
    const without = await render(spec([]));
    expect(output.bundles[3]).toEqual(without.bundles[3]);
    expect(names(output)).toEqual([
      ['cp1', 'web'],
      ['cp2', 'web'],
      ['cp3', 'web'],
    ]);
    const other = await render(spec([byUrl(pod('web'), { stopped: true }), byUrl(pod('other'), { nodes: ['w1'] })]));
    expect(names(other)).toEqual([['w1', 'other']]);
    expect(other.bundles[0]).toEqual(without.bundles[0]);
  });

  it('gives its port away and keeps its name', async () => {
    const ports = [{ containerPort: 80, hostPort: 8080 }];
    const taking = (name: string) => pod(name, { containers: [container({ ports })] });
    expect(await faultsOf(spec([{ manifest: taking('a'), stopped: true }, { manifest: taking('b') }]))).toEqual([]);
    const twice = [{ manifest: pod('a'), stopped: true, nodes: ['w1'] }, byUrl(pod('a'), { nodes: ['w1'] })];
    expect(await faultsOf(spec(twice))).toEqual([
      expect.stringMatching(
        /^error .*w1 has two pods called default\/a: .*; once both are started, one by file and one by URL/,
      ),
    ]);
  });

  it('has to be as right as one that runs', async () => {
    expect(await faultsOf(spec([{ manifest: pod('Web'), stopped: true }]))).toEqual([
      expect.stringMatching(/^error .*"Web" is no name of a pod/),
    ]);
  });

  it("has its directory to itself: no file of the user's goes there", async () => {
    const files = [{ path: '/etc/kubernetes/stopped-pods/x', content: 'x' }];
    expect(await faultsOf(spec([], { files }))).toEqual([
      expect.stringContaining('/etc/kubernetes/stopped-pods is for pods of spec.staticPods that are stopped'),
    ]);
  });
});

describe('what is refused of pods by URL', () => {
  const short = (lines: readonly string[]) => lines.map((line) => line.replace(/cluster\.yaml:\d+:\d+: /, ''));

  it('settings of the user about another URL, wherever they are', async () => {
    const config = { staticPodURL: 'https://other/', staticPodURLHeader: { A: ['b'] }, httpCheckFrequency: '5s' };
    const one = [byUrl(pod('web'), { nodes: ['w1'] })];
    const hint = 'w1 gets pods by URL from spec.serve; take it out, or give the pods of this node "via: file"';
    expect(short(await faultsOf(spec(one, { kubelet: { config } })))).toEqual([
      `error spec.kubelet.config.staticPodURL: staticPodURL is taken: ${hint}`,
      `error spec.kubelet.config.staticPodURLHeader: staticPodURLHeader is taken: ${hint}`,
      'error spec.kubelet.config.httpCheckFrequency: httpCheckFrequency is taken: w1 gets pods by URL from spec.serve; set spec.serve.httpCheckFrequency',
    ]);
    expect(await faultsOf(spec([], { kubelet: { config } }))).toEqual([]);
    expect(short(await faultsOf(spec(one, { kubelet: { config: { staticPodURL: null } } })))).toEqual([
      `error spec.kubelet.config.staticPodURL: staticPodURL is taken: ${hint}`,
    ]);
    const patches = [{ target: 'kubeletconfiguration', type: 'merge', patch: { staticPodURL: 'https://other/' } }];
    expect(short(await faultsOf(spec(one, { patches })))).toEqual([
      `error spec.patches[0].patch: staticPodURL is taken: ${hint}`,
    ]);
    const said = await faultsOf(spec(one, { kubelet: { extraArgs: { 'manifest-url': 'https://other/' } } }));
    expect(short(said)).toContain(`error spec.kubelet.extraArgs.manifest-url: --manifest-url is taken: ${hint}`);
  });

  it("templates of the user's in which the settings are missing", async () => {
    const cluster: Cluster = clusterOf(spec([byUrl(pod('web'), { nodes: ['w1'] })]));
    const config =
      'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: /etc/kubernetes/manifests\n';
    const dropIn =
      '[Service]\nExecStart=\nExecStart=/usr/bin/kubelet \\\n    --config=/var/lib/kubelet/config.yaml \\\n    --kubeconfig=/etc/kubernetes/kubelet.conf\n';
    const templates = await withUserTemplates(builtinTemplates(), [
      { name: 'kubelet/config.yaml', file: 'config.hbs', text: config },
      { name: 'kubelet/20-bootstrap.conf', file: 'drop-in.hbs', text: dropIn },
    ]);
    const said = checkCluster(cluster, await contextFor(cluster, templates)).map(describeFault);
    expect(said).toEqual([
      expect.stringMatching(/^config\.hbs:1:1: .*URL/i),
      expect.stringMatching(/^config\.hbs:1:1: /),
      expect.stringMatching(/^config\.hbs:1:1: /),
      expect.stringMatching(/^drop-in\.hbs:1:1: sets no SSL_CERT_DIR with \/etc\/kubernetes\/static-pods-ca/),
    ]);
  });

  it('the same pod by file and by URL, and a pod of the control plane', async () => {
    expect(await faultsOf(spec([{ manifest: pod('web') }, byUrl(pod('web'), { nodes: ['cp2'] })]))).toEqual([
      expect.stringMatching(/^error .*cp2 has two pods called default\/web: .*; one by file and one by URL/),
    ]);
    const scheduler = pod('kube-scheduler', {}, { namespace: 'kube-system' });
    expect(await faultsOf(spec([byUrl(scheduler, { nodes: ['cp1'] })]))).toEqual([
      expect.stringMatching(
        /^error .*cp1 has two pods called kube-system\/kube-scheduler: this and the control plane's kube-scheduler; one by file and one by URL/,
      ),
    ]);
  });

  it('ports that are taken on the node, a UID, and what ends by itself', async () => {
    const taking = (port: number) =>
      pod('web', { containers: [container({ ports: [{ containerPort: 80, hostPort: port }] })] });
    expect(await faultsOf(spec([byUrl(taking(6443), { nodes: ['cp1'] })]))).toEqual([
      expect.stringContaining('port 6443/TCP of cp1 is taken by kube-apiserver'),
    ]);
    expect(await faultsOf(spec([byUrl(taking(6443), { nodes: ['w1'] })]))).toEqual([]);
    expect(await faultsOf(spec([byUrl(pod('web', {}, { uid: 'x' }))]))).toEqual([
      expect.stringMatching(/^error .*metadata\.uid: keeps the kubelet from seeing changes/),
    ]);
    expect(await faultsOf(spec([byUrl(pod('web', { restartPolicy: 'Never' }))]))).toEqual([
      expect.stringMatching(/^error .*restartPolicy/),
    ]);
  });

  it('is not what only its mirror pod would need, and a missing toleration is told', async () => {
    const other = pod('web', { readinessGates: [{ conditionType: 'x' }] }, { namespace: 'monitoring' });
    expect((await faultsOf(spec([byUrl(other)]))).filter((line) => !line.startsWith('warning'))).toEqual([]);
    expect(await faultsOf(spec([byUrl(manifest())]))).toEqual([
      expect.stringMatching(/^warning .*tolerations: by URL the kubelet adds no toleration/),
    ]);
  });
});
