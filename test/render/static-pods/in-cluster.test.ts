import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeFault } from '../../../src/base/fault.ts';
import { packPayload } from '../../../src/deliver/user-data/payload.ts';
import { checkCluster } from '../../../src/render/render.ts';
import { loadCluster } from '../../../src/spec/load.ts';
import { clusterOf, contextFor, faultsOf, type Output, render, specOf } from '../fixtures.ts';
import { container, manifest } from './fixtures.ts';

const FILE = '/etc/kubernetes/manifests/default_static-web.yaml';
const dir = mkdtempSync(join(tmpdir(), 'static-pods-'));
afterAll(() => rmSync(dir, { recursive: true }));

const WEB = `apiVersion: v1
kind: Pod
metadata:
  name: static-web
  labels: {role: myrole}
spec:
  containers:
    - name: web
      image: nginx:1.29
      ports: [{name: web, containerPort: 80, protocol: TCP}]
`;

const masters = (staticPods: readonly object[], more: object = {}) => specOf(3, { staticPods, ...more });
const named = (name: string, more: object = {}) => manifest({}, { name, ...more });
const manifestsOf = ({ bundles }: Output) =>
  bundles.map(({ files }) => files.flatMap(({ effect }) => (effect.kind === 'manifest' ? [effect.pod] : [])));

/** What is said of a pod as the only one on cp1. */
const told = async (pod: object, more: object = {}) =>
  (await faultsOf(masters([{ manifest: pod, nodes: ['cp1'] }], more))).map((line) =>
    line.replace(/cluster\.yaml:\d+:\d+: spec\.staticPods\[0\]\.manifest\./, ''),
  );

/** The same of a cluster file and files beside it. */
async function toldOf(files: Readonly<Record<string, string>>, staticPods: string) {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const head = 'apiVersion: bootstrap/v1alpha1\nkind: Cluster\nspec:\n  nodes: [{name: cp1, addresses: [10.0.0.11]}]\n';
  const text = `${head}  staticPods:\n${staticPods}\n`;
  const from = { file: join(dir, 'cluster.yaml'), shown: 'cluster.yaml', profileFolders: [], text };
  const { cluster } = loadCluster(from);
  const faults = checkCluster(cluster, await contextFor(cluster));
  return { cluster, lines: faults.map((fault) => `${fault.severity} ${describeFault(fault)}`) };
}

describe('a pod of the user', () => {
  test('is a manifest on its node alone, beside those of the control plane, which stay as they are', async () => {
    const plain = await render(specOf(3));
    const output = await render(masters([{ manifest: parse(WEB) as object, nodes: ['cp2'] }]));
    const [cp1, cp2, cp3] = manifestsOf(output);
    expect(cp2).toEqual(['default/static-web', ...(cp1 ?? [])]);
    expect(cp1).toEqual(cp3);
    const file = output.bundles[1]?.files.find(({ path }) => path === FILE);
    expect(file).toMatchObject({ mode: 0o600, owner: 'root:root', sensitive: false });
    expect(parse(String(file?.content))).toMatchObject({
      metadata: {
        name: 'static-web',
        labels: { role: 'myrole' },
        annotations: {
          'bootstrap/inputs-digest': expect.stringMatching(/^[0-9a-f]{64}$/),
          'bootstrap/manifest-digest': expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      },
      spec: { containers: [{ name: 'web', image: 'nginx:1.29', ports: [{ containerPort: 80 }] }] },
    });
    expect(output.bundles.map(({ files }) => files.filter(({ path }) => path !== FILE))).toEqual(
      plain.bundles.map(({ files }) => files),
    );
  });

  test('is on all nodes where none is named, and in kube-system called by its name alone', async () => {
    const output = await render(masters([{ manifest: named('agent', { namespace: 'kube-system' }) }]));
    for (const pods of manifestsOf(output)) expect(pods).toContain('agent');
    expect(output.bundles[2]?.files.map(({ path }) => path)).toContain(
      '/etc/kubernetes/manifests/kube-system_agent.yaml',
    );
  });

  test('may be called as a component is, in another namespace', async () => {
    const output = await render(masters([{ manifest: named('etcd') }]));
    expect(manifestsOf(output)[0]).toEqual(expect.arrayContaining(['etcd', 'default/etcd']));
  });

  test('gets another digest with the files of the user that it mounts, and with no others', async () => {
    const mounting = (path: string) =>
      manifest(
        {
          containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true }] })],
          volumes: [{ name: 'v', hostPath: { path } }],
        },
        { name: 'static-web' },
      );
    const text = async (hostPath: string, content: string) => {
      const files = [{ path: '/etc/web/index.html', content }];
      const output = await render(masters([{ manifest: mounting(hostPath) }], { files }));
      const found = output.bundles[0]?.files ?? [];
      const effect = found.find(({ path }) => path === '/etc/web/index.html')?.effect;
      return { effect, text: String(found.find(({ path }) => path === FILE)?.content) };
    };
    const mounted = await text('/etc/web/', 'one');
    expect(mounted.effect).toEqual({ kind: 'pods', pods: ['default/static-web'] });
    expect((await text('/etc/web/', 'two')).text).not.toBe(mounted.text);
    const other = await text('/etc/we', 'one');
    expect(other.effect).toEqual({ kind: 'none' });
    expect((await text('/etc/we', 'two')).text).toBe(other.text);
    expect(await told(mounting('/etc/kubernetes/pki/ca.crt'))).toEqual([
      'warning spec.volumes[0].hostPath.path: once /etc/kubernetes/pki/ca.crt is replaced, the container still sees the old one; mount its directory instead',
    ]);
  });

  test('travels with user-data as the other manifests do', async () => {
    const { bundles } = await render(masters([{ manifest: named('static-web'), nodes: ['cp1'] }]));
    const lists = bundles.map((bundle) => gunzipSync(packPayload(bundle).content).toString('latin1'));
    expect(lists.map((list) => list.includes(`f\t600\troot:root\tmanifest\t${FILE}\n`))).toEqual([true, false, false]);
  });
});

describe('what is wrong is told with its place', () => {
  test('in a file beside the cluster file', async () => {
    const { lines } = await toldOf({ 'web.yaml': WEB.replace('image:', 'imige:') }, '    - {source: web.yaml}');
    expect(lines).toEqual([
      expect.stringMatching(/^error web\.yaml:8:7: spec\.containers\[0\]\.image: /),
      'error web.yaml:9:7: spec.containers[0].imige: unknown field; the kubelet would drop it without a word; did you mean "image"?',
    ]);
  });

  test('in the cluster file itself', async () => {
    const { lines } = await toldOf(
      {},
      `    - manifest:
        apiVersion: v1
        kind: Pod
        metadata: {name: Web}
        spec:
          containers: [{name: c, image: x, ports: [{containerPort: 70000}]}]`,
    );
    expect(lines).toEqual([
      expect.stringMatching(
        /^error cluster\.yaml:9:26: spec\.staticPods\[0\]\.manifest\.metadata\.name: "Web" is no name/,
      ),
      expect.stringMatching(
        /^error cluster\.yaml:11:68: spec\.staticPods\[0\]\.manifest\.spec\.containers\[0\]\.ports/,
      ),
    ]);
  });

  test('of several pods in one file, of their names, and of a name for all of them', async () => {
    const two = `${WEB}---\n${WEB.replace('static-web', 'other')}`;
    const { cluster, lines } = await toldOf({ 'two.yaml': two }, '    - {source: two.yaml}');
    expect(lines).toEqual([]);
    expect(cluster.nodes[0]?.staticPods).toHaveLength(1);
    expect((await toldOf({ 'two.yaml': two }, '    - {source: two.yaml, name: one}')).lines).toEqual([
      'error cluster.yaml:6:32: spec.staticPods[0].name: 2 pods come from this, and they cannot all have one name; give them an entry each, or no name',
    ]);
    expect((await toldOf({ 'web.yaml': WEB }, '    - {source: web.yaml}\n    - {source: web.yaml}')).lines).toEqual([
      expect.stringMatching(
        /^error web\.yaml:4:9: metadata\.name: cp1 has two pods called default\/static-web: this and/,
      ),
    ]);
    const again = '    - {source: web.yaml}\n    - {source: web.yaml, name: second}';
    expect((await toldOf({ 'web.yaml': WEB }, again)).lines).toEqual([]);
    expect((await toldOf({ 'web.yaml': WEB }, '    - {source: web.yaml, name: No}')).lines).toEqual([
      expect.stringMatching(/^error cluster\.yaml:6:32: spec\.staticPods\[0\]\.name: "No" is no name of a pod/),
    ]);
  });

  test('of names and ports that the control plane has', async () => {
    expect(await told(named('etcd', { namespace: 'kube-system' }))).toEqual([
      expect.stringMatching(
        /^error metadata\.name: cp1 has two pods called kube-system\/etcd: .* control plane's etcd/,
      ),
    ]);
    const port = manifest({ containers: [container({ ports: [{ containerPort: 80, hostPort: 7443 }] })] });
    expect(await told(port, { apiServer: { bindPort: 7443 } })).toEqual([
      expect.stringMatching(
        /hostPort: the pod default\/web: port 7443\/TCP of cp1 is taken by kube-apiserver \(--secure-port\)/,
      ),
    ]);
    expect(await told(port)).toEqual([]);
  });

  test.each([
    [manifest({ restartPolicy: 'Never' }), 'spec.restartPolicy: what ends by itself is not ready for good'],
    [manifest({ activeDeadlineSeconds: 5 }), 'spec.activeDeadlineSeconds: the pod would be ended and stay so'],
    [manifest({ readinessGates: [{ conditionType: 'x' }] }), 'spec.readinessGates: nobody sets conditions'],
    [manifest({ priorityClassName: 'mine' }), 'spec.priorityClassName: a new cluster has no PriorityClass "mine"'],
    [manifest({ priority: 7 }), 'spec.priority: the API server does not show a pod with a number'],
    [manifest({ runtimeClassName: 'kata' }), 'spec.runtimeClassName: a new cluster has no RuntimeClass'],
    [named('web', { namespace: 'monitoring' }), 'metadata.namespace: a new cluster has no namespace "monitoring"'],
  ])('of what apply could never prove: %#', async (pod, what) => {
    const found = await told(pod);
    expect(found).toEqual([expect.stringContaining(`error ${what}`)]);
    expect(found[0]).toContain('so apply could not prove');
  });
});

test('two masters of one pod share what was read of it', () => {
  const { nodes } = clusterOf(masters([{ manifest: named('web') }]));
  expect(nodes[0]?.staticPods[0]?.source).toBe(nodes[1]?.staticPods[0]?.source);
});
