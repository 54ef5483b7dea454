import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { bootstrap } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';
import { apiClient } from '../world/api-client.ts';
import { at, type Json, listAt, textAt } from '../world/json.ts';
import { eventually, startWorld, type World } from '../world/world.ts';

const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const START = 'systemctl daemon-reload && systemctl enable kubelet && systemctl start kubelet';

/** A world in which `bootstrap init` was run, with its files on the nodes and no kubelet started. */
async function prepared(nodes: number): Promise<World> {
  const world = await startWorld({ nodes });
  const { status, stderr } = bootstrap(world.dir, 'init');
  expect(status, stderr).toBe(0);
  world.copyToNodes();
  return world;
}

async function mirrorPods(world: World, through = 'cp1'): Promise<ReadonlyMap<string, Json>> {
  const answer = await world
    .api(through)
    .request('/api/v1/namespaces/kube-system/pods')
    .catch(() => undefined);
  return new Map(listAt(answer?.body, 'items').map((pod) => [textAt(pod, 'metadata', 'name'), pod]));
}

const isReady = (pod: Json | undefined): boolean => textAt(pod, 'status', 'conditions', 0, 'status') === 'True';

const allReady = async (world: World): Promise<boolean> => {
  const pods = await mirrorPods(world);
  return pods.size === 4 * world.names.length && [...pods.values()].every(isReady);
};

const digestIn = (manifest: string | undefined): string =>
  /bootstrap\/inputs-digest: "?([0-9a-f]{64})/.exec(manifest ?? '')?.[1] ?? 'none';

const manifestPath = (pod: string) => `/etc/kubernetes/manifests/${pod}.yaml`;

/** Writes a manifest as it must be written: beside, under a name with a dot, and renamed. */
async function replaceManifest(world: World, node: string, pod: string, change: (text: string) => string) {
  const text = change(world.node(node).read(manifestPath(pod)) ?? '');
  const dot = `/etc/kubernetes/manifests/.${pod}.new`;
  writeFileSync(join(world.node(node).root, dot), text);
  await world.node(node).ssh(`mv "$BOOTSTRAP_NODE_ROOT${dot}" "$BOOTSTRAP_NODE_ROOT${manifestPath(pod)}"`);
}

/** The common name of the certificate that the apiserver shows. */
const servedName = (world: World): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: world.ports('cp1').apiServer, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))('the world of the tests', () => {
  test('boots a control plane of three nodes from what init has rendered, and leaves no process behind', {
    timeout: 120_000,
  }, async () => {
    const world = await prepared(3);
    for (const name of world.names) {
      expect(await world.node(name).ssh('systemctl is-active kubelet || true')).toBe('inactive\n');
      expect(await world.node(name).ssh('systemctl is-enabled kubelet || true')).toBe('disabled\n');
      expect(world.node(name).pods()).toEqual({});
    }
    await Promise.all(world.names.map((name) => world.node(name).ssh(START)));
    await eventually('all 12 pods are ready', () => allReady(world));
    const pods = await mirrorPods(world);
    for (const name of world.names) {
      expect(await world.node(name).ssh('systemctl is-active kubelet')).toBe('active\n');
      expect((await world.api(name).request('/readyz')).text).toBe('ok');
      expect((await world.api(name).request('/readyz?verbose')).text).toContain('[+]etcd ok');
      for (const component of COMPONENTS) {
        const mirror = pods.get(`${component}-${name}`);
        const annotations = at(mirror, 'metadata', 'annotations');
        expect(textAt(annotations, 'bootstrap/inputs-digest')).toBe(
          digestIn(world.node(name).read(manifestPath(component))),
        );
        expect(textAt(annotations, 'kubernetes.io/config.hash')).toBe(world.node(name).pods()[component]?.uid);
        expect(textAt(mirror, 'spec', 'nodeName')).toBe(name);
        expect(world.node(name).pods()[component]).toMatchObject({ running: true, starts: 1 });
      }
      expect((await world.api(name).request(`/api/v1/nodes/${name}`)).status).toBe(200);
    }
    expect(world.processes().length).toBeGreaterThan(12);
    await world.stop();
    expect(world.processes()).toEqual([]);
  });

  test('replaces exactly the pod whose data has changed, and goes on while the kubelet is stopped', {
    timeout: 120_000,
  }, async () => {
    const world = await prepared(1);
    const node = world.node('cp1');
    await node.ssh(START);
    await eventually('all 4 pods are ready', () => allReady(world));
    const before = node.pods();
    const hash = (pods: ReadonlyMap<string, Json>) =>
      textAt(pods.get('kube-scheduler-cp1'), 'metadata', 'annotations', 'kubernetes.io/config.hash');
    const old = hash(await mirrorPods(world));

    // a comment is no data, and a name with a dot is no manifest
    await replaceManifest(world, 'cp1', 'kube-scheduler', (text) => `# a comment\n${text}`);
    writeFileSync(join(node.root, '/etc/kubernetes/manifests/.kube-proxy.yaml'), 'kind: Pod');
    await node.ssh('systemctl restart kubelet; sleep 0.5');
    expect(node.pods()).toEqual(before);

    await node.ssh('systemctl stop kubelet');
    await replaceManifest(world, 'cp1', 'kube-scheduler', (text) =>
      text.replace('--leader-elect=true', '--leader-elect=true\n    - --v=4'),
    );
    await node.ssh('sleep 0.3');
    expect(node.pods()).toEqual(before);
    await node.ssh('systemctl start kubelet');
    await eventually('the new scheduler is ready', async () => {
      const pods = await mirrorPods(world);
      return hash(pods) !== old && isReady(pods.get('kube-scheduler-cp1'));
    });
    const { 'kube-scheduler': scheduler, ...rest } = node.pods();
    const { 'kube-scheduler': oldScheduler, ...oldRest } = before;
    expect(rest).toEqual(oldRest);
    expect(scheduler).toMatchObject({ running: true, starts: 2 });
    expect(scheduler?.pid).not.toBe(oldScheduler?.pid);
    expect(node.systemctl()).toEqual([
      'daemon-reload',
      'enable kubelet',
      'start kubelet',
      'restart kubelet',
      'stop kubelet',
      'start kubelet',
    ]);
  });

  test('backs off a program that cannot start, with its words in its log, and takes a pod away with its file', {
    timeout: 120_000,
  }, async () => {
    const world = await prepared(1);
    const node = world.node('cp1');
    await node.ssh(START);
    await eventually('all 4 pods are ready', () => allReady(world));
    await replaceManifest(world, 'cp1', 'kube-scheduler', (text) =>
      text.replace('--leader-elect=true', '--leader-elect=true\n    - --fail-on-purpose'),
    );
    const scheduler = async () => (await mirrorPods(world)).get('kube-scheduler-cp1');
    const container = async () => at(await scheduler(), 'status', 'containerStatuses', 0);
    await eventually(
      'it has been started three times',
      async () => Number(at(await container(), 'restartCount') ?? 0) >= 2,
    );
    await eventually(
      'it is backed off',
      async () => textAt(await container(), 'state', 'waiting', 'reason') === 'CrashLoopBackOff',
    );
    expect(isReady(await scheduler())).toBe(false);
    expect(at(await container(), 'lastState', 'terminated', 'exitCode')).toBe(1);
    const uid = textAt(await scheduler(), 'metadata', 'annotations', 'kubernetes.io/config.hash');
    const folder = join(node.root, `/var/log/pods/kube-system_kube-scheduler-cp1_${uid}/kube-scheduler`);
    expect(readdirSync(folder)).toContain('0.log');
    expect(readFileSync(join(folder, '0.log'), 'utf8')).toMatch(
      /^\S+Z stderr F Error: unknown flag: --fail-on-purpose\n$/,
    );

    await node.ssh(`rm "$BOOTSTRAP_NODE_ROOT${manifestPath('kube-scheduler')}"`);
    await eventually(
      'its mirror pod is gone',
      async () => !(await scheduler()) && (await mirrorPods(world)).size === 3,
    );
    expect(node.pods()['kube-scheduler']?.running).toBe(false);
  });

  test('keeps writes going when one node of three loses its power, and takes it back when it boots', {
    timeout: 120_000,
  }, async () => {
    const world = await prepared(3);
    await Promise.all(world.names.map((name) => world.node(name).ssh(START)));
    await eventually('all 12 pods are ready', () => allReady(world));
    const writer = world.writer();
    await eventually('there are some writes', () => writer.read().done > 10);
    await world.node('cp2').kill();
    const sofar = writer.read().done;
    await eventually('writes go on', () => writer.read().done > sofar + 10);
    await expect(world.node('cp2').ssh('true')).rejects.toThrow('refused');
    expect((await world.api('cp1').request('/readyz')).status).toBe(200);

    await world.node('cp2').start();
    await eventually('its apiserver is ready again', async () => {
      const answer = await world
        .api('cp2')
        .request('/readyz')
        .catch(() => undefined);
      return answer?.status === 200;
    });
    expect(world.node('cp2').pods()['etcd']).toMatchObject({ running: true, starts: 2 });
    const seen = writer.stop();
    // where it was the leader, nobody can write before there is another
    expect(seen.longestGap).toBeLessThan(10_000);

    // without a quorum nothing can be written, nor is anything ready
    await Promise.all([world.node('cp1').kill(), world.node('cp2').kill()]);
    await eventually(
      'the last apiserver is not ready',
      async () => (await world.api('cp3').request('/readyz')).status === 500,
    );
    const refused = world.writer();
    await eventually('writes fail', () => refused.read().failed > 0);
    expect(refused.stop().done).toBe(0);
  });

  test('serves a new certificate without a restart, and runs what systemd is told to run later and at boot', {
    timeout: 120_000,
  }, async () => {
    const world = await prepared(1);
    const node = world.node('cp1');
    await node.ssh(START);
    await eventually('all 4 pods are ready', () => allReady(world));
    expect(await servedName(world)).toBe('kube-apiserver');
    await node.ssh(
      'cd "$BOOTSTRAP_NODE_ROOT/etc/kubernetes/pki"; for end in crt key; do cp apiserver-kubelet-client.$end .new; mv .new apiserver.$end; done',
    );
    await eventually(
      'the new one is served',
      async () => (await servedName(world)) === 'kube-apiserver-kubelet-client',
    );
    expect(node.pods()['kube-apiserver']?.starts).toBe(1);

    const units = join(node.root, 'etc/systemd/system');
    mkdirSync(join(node.root, 'var/lib/bootstrap'), { recursive: true });
    const says = 'echo "$1" >>"$BOOTSTRAP_NODE_ROOT/said"; systemctl is-active kubelet >>"$BOOTSTRAP_NODE_ROOT/said"';
    writeFileSync(join(node.root, 'var/lib/bootstrap/node.sh'), says);
    const service = (verb: string) => `[Service]\nType=oneshot\nExecStart=/bin/sh /var/lib/bootstrap/node.sh ${verb}\n`;
    writeFileSync(join(units, 'later.service'), service('later'));
    writeFileSync(join(units, 'later.timer'), '[Timer]\nOnActiveSec=1\n');
    writeFileSync(join(units, 'early.service'), `[Unit]\nBefore=kubelet.service\n${service('early')}`);
    await node.ssh('systemctl daemon-reload && systemctl enable early.service && systemctl restart later.timer');
    expect(node.read('/said')).toBeUndefined();
    await eventually('the timer has run out', () => node.read('/said') === 'later\nactive\n');
    await node.kill();
    await node.start();
    expect(node.read('/said')).toBe('later\nactive\nearly\ninactive\n');
    expect(await node.ssh('systemctl is-active kubelet')).toBe('active\n');
  });

  test('is refused what the real API refuses, and applies server-side as the real one does', {
    timeout: 120_000,
  }, async () => {
    const world = await prepared(1);
    await world.node('cp1').ssh(START);
    await eventually('all 4 pods are ready', () => allReady(world));
    const api = world.api('cp1');
    const path = '/api/v1/namespaces/kube-system/configmaps/a';
    const apply = (data: Json, query: string) =>
      api.request(`${path}?${query}`, {
        method: 'PATCH',
        type: 'application/apply-patch+yaml',
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data },
      });
    const version = (body: Json | undefined) => textAt(body, 'metadata', 'resourceVersion');

    expect((await apply({ x: '1' }, 'fieldManager=us&dryRun=All')).status).toBe(201);
    expect((await api.request(path)).status).toBe(404);
    const first = await apply({ x: '1', y: '1' }, 'fieldManager=us');
    expect(first.status).toBe(201);
    expect(version((await apply({ x: '1', y: '1' }, 'fieldManager=us')).body)).toBe(version(first.body));
    const second = await apply({ x: '2' }, 'fieldManager=us');
    expect(at(second.body, 'data')).toEqual({ x: '2' });
    expect(Number(version(second.body))).toBeGreaterThan(Number(version(first.body)));
    const conflict = await apply({ x: '3' }, 'fieldManager=others');
    expect([conflict.status, textAt(conflict.body, 'message')]).toEqual([
      409,
      'Apply failed with 1 conflict: conflict with "us": .data.x',
    ]);
    expect(at((await apply({ x: '3' }, 'fieldManager=others&force=true')).body, 'data')).toEqual({ x: '3' });
    expect((await api.request(path.replace('kube-system', 'nowhere'))).status).toBe(404);
    expect((await api.request(path, { method: 'DELETE' })).status).toBe(200);

    // health is open to all; nobody knows the group of admin.conf before somebody has bound it
    const ca = readFileSync(join(world.dir, 'pki/ca.crt'));
    const anonymous = apiClient('127.0.0.1', world.ports('cp1').apiServer, { ca, cert: '', key: '' });
    expect((await anonymous.request('/readyz')).text).toBe('ok');
    expect((await anonymous.request(path)).status).toBe(403);
    const admin = world.api('cp1', 'admin.conf');
    expect((await admin.request(path)).status).toBe(403);
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'admins' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'Group', name: 'kubeadm:cluster-admins' }],
    };
    const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
    expect((await api.request(bindings, { method: 'POST', body: binding })).status).toBe(201);
    expect((await admin.request(path)).status).toBe(404);
  });
});
