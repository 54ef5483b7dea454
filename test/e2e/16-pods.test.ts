import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap, type Running, startBootstrap } from './bootstrap.ts';
import { edit, must, NAMES, onRig, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { kubectl, kubeJson } from './kube.ts';
import { CLUSTER } from './places.ts';
import { inHost, rig } from './rig.ts';
import { until } from './until.ts';

const SCENARIO = 'pods';
const HOST = 'w1';
const MIRROR = 'static-web-node01';

/** The tutorial's pod, with the rig's image: on the host's network, so that it is asked from there. */
const manifest = (label: string, more = '') => `apiVersion: v1
kind: Pod
metadata:
  name: static-web
  labels: {role: ${label}}
spec:
  hostNetwork: true
  terminationGracePeriodSeconds: 2
${more}  containers:
    - name: web
      image: nginx
      imagePullPolicy: IfNotPresent
      ports: [{name: web, containerPort: 80, hostPort: 80}]
`;
/** The kubelet adds it to pods from files alone. */
const TOLERATION = '  tolerations: [{operator: Exists, effect: NoExecute}]\n';
/** A second one, in the network of pods. */
const SECOND = manifest('second', TOLERATION)
  .replace('name: static-web', 'name: second')
  .replace('  hostNetwork: true\n', '')
  .replace(/ {6}ports: .*\n/, '');

const write = (name: string, text: string) => writeFileSync(join(CLUSTER, name), text);
const served = () => inHost(HOST, 'curl -fsS --max-time 2 http://127.0.0.1:80/ || true');
const serves = (isThere: boolean) => async () => (await served()).includes('nginx') === isThere || undefined;
const onHost = async (name: string) =>
  (await inHost(HOST, `crictl ps -q --name '^web$' --label io.kubernetes.pod.name=${name}-node01`)).trim();
const rows = async () => JSON.parse((await bootstrap('pods', 'list', '-o', 'json')).stdout);

/** A bare host, and nothing that an earlier scenario knew of it. */
async function freshHost(): Promise<void> {
  await rig('fresh', HOST);
  await rig('start', HOST);
  await inHost(HOST, 'sysctl -qw net.ipv4.ip_forward=1');
}

async function timed(what: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await work();
  figure(SCENARIO, what, (performance.now() - began) / 1000, 's');
}

const NODE = { name: 'node01', role: 'node', hostname: HOST, addresses: ['10.99.0.101'] };

/** What is the same whether there is an API server or not. */
function tutorial(): void {
  test('runs, and the process that is killed comes back', async () => {
    write('static-web.yaml', manifest('myrole'));
    await timed('`pods add` until it is proven', async () =>
      must(await bootstrap('pods', 'add', 'static-web.yaml', '--node', 'node01', '--yes')),
    );
    expect(await served()).toContain('nginx');
    expect((await bootstrap('pods', 'list')).stdout).toMatch(/static-web +node01 +in place +[\d.]+ s/);
    const before = await onHost('static-web');
    await inHost(HOST, `crictl stop ${before}`);
    await timed('until a killed process serves again', () => until('it serves again', serves(true)));
    expect(await onHost('static-web')).not.toBe(before);
  });

  test('is moved out of the manifests directory and in again', async () => {
    await timed('`pods stop`', async () => must(await bootstrap('pods', 'stop', 'static-web', '--yes')));
    await until('it has ended', serves(false));
    expect(await inHost(HOST, 'ls /etc/kubernetes/manifests')).toBe('');
    expect(await inHost(HOST, 'ls /etc/kubernetes/stopped-pods')).toBe('default_static-web.yaml\n');
    expect((await bootstrap('pods', 'list')).stdout).toMatch(/static-web +node01 +.*stopped/);
    must(await bootstrap('pods', 'start', 'static-web', '--yes'));
    expect(await served()).toContain('nginx');
    await inHost(HOST, 'curl -fsS http://127.0.0.1:80/asked-by-e2e || true');
    const { stdout } = must(await bootstrap('pods', 'logs', 'static-web'));
    expect(stdout).toContain('/asked-by-e2e');
    expect((await bootstrap('pods', 'list', '-o', 'json')).status).toBe(0);
  });
}

/** The same for the pod that comes by URL. */
function byUrl(): void {
  let server: Running | undefined;
  afterAll(() => server?.kill());

  test('comes by URL as well, is updated, and ends when it is taken out', async () => {
    must(await bootstrap('pods', 'remove', 'static-web', '--yes'));
    await until('it has ended', serves(false));
    edit({ 'spec.serve': { endpoint: '10.99.0.1:8443', httpCheckFrequency: '5s' } });
    write('web.yaml', manifest('url', TOLERATION));
    must(await bootstrap('pods', 'add', 'web.yaml', '--node', 'node01', '--via', 'http', '--yes'));
    server = startBootstrap('serve');
    await timed('from the start of `serve` until a pod by URL serves', () => until('it serves', serves(true)));

    write('second.yaml', SECOND);
    must(await bootstrap('pods', 'add', 'second.yaml', '--node', 'node01', '--via', 'http', '--yes'));
    await until('the second one runs', async () => (await onHost('second')) || undefined, 60);
    const before = await onHost('static-web');
    write('web.yaml', manifest('changed', TOLERATION));
    must(await bootstrap('apply', '--yes'));
    await timed('from `apply` until a changed pod by URL is another one', () =>
      until('it is another one', async () => {
        const now = await onHost('static-web');
        return (now && now !== before) || undefined;
      }),
    );
    must(await bootstrap('pods', 'remove', 'second', '--yes'));
    await until('the second one has ended', async () => (await onHost('second')) === '' || undefined, 60);
    expect(await served()).toContain('nginx');
  });

  test('goes on without its server, and ends with the last one', async () => {
    server?.kill();
    await server?.ended;
    await inHost(HOST, 'sleep 11');
    expect(await served()).toContain('nginx');
    server = startBootstrap('serve');
    must(await bootstrap('pods', 'remove', 'static-web', '--yes'));
    await until('it has ended', serves(false), 60);
    expect(await inHost(HOST, 'grep -c staticPodURL /var/lib/kubelet/config.yaml || true')).toBe('0\n');
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  });
}

describe('static-web on node01, a host without API server', { timeout: 15 * 60_000 }, () => {
  beforeAll(async () => {
    await rig('down');
    await rig('up', '3');
    await freshHost();
    rmSync(CLUSTER, { recursive: true, force: true });
    mkdirSync(CLUSTER, { recursive: true, mode: 0o700 });
    must(await bootstrap('init', '--host', 'node01=10.99.0.101'));
    onRig();
    edit({ 'spec.nodes.0': NODE });
  });

  tutorial();
  byUrl();
});

describe('static-web on node01, a host of a cluster', { timeout: 25 * 60_000 }, () => {
  beforeAll(async () => {
    rmSync(CLUSTER, { recursive: true, force: true });
    await standing();
    await freshHost();
    edit({ [`spec.nodes.${NAMES.length}`]: NODE });
    must(await bootstrap('apply', '--yes'));
  });
  afterAll(() => kubectl('delete', 'node', 'node01', '--ignore-not-found').catch(() => undefined));

  tutorial();

  test('has a mirror with its labels, and goes on when that is deleted', async () => {
    const { metadata } = await until('its mirror', () => kubeJson('get', 'pod', MIRROR));
    expect(metadata.labels).toMatchObject({ role: 'myrole' });
    expect(metadata.annotations).toMatchObject({ 'kubernetes.io/config.source': 'file' });
    const before = await onHost('static-web');
    await kubectl('delete', 'pod', MIRROR, '--wait=false');
    await until('another mirror', async () => {
      const now = (await kubeJson('get', 'pod', MIRROR)).metadata;
      return (now.uid !== metadata.uid && !now.deletionTimestamp) || undefined;
    });
    expect(await onHost('static-web')).toBe(before);
    expect(await rows()).toBeDefined();
  });

  byUrl();
});
