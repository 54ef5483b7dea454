import { X509Certificate } from 'node:crypto';
import { lstatSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';
import { type ApiClient, apiClient } from './api-client.ts';
import { certificatesIn } from './authorities.ts';
import { at, listAt, textAt } from './json.ts';
import type { WorldNode } from './node.ts';
import { eventually, startWorld, type World } from './world.ts';

const START = 'systemctl daemon-reload && systemctl enable kubelet && systemctl start kubelet';
const PKI = '/etc/kubernetes/pki';
/** Long enough for a machine with ten times the work that it can do. */
const PATIENCE = 180_000;
const SYSTEM = '/api/v1/namespaces/kube-system';
const TRUST = `${SYSTEM}/configmaps/extension-apiserver-authentication`;

async function running(world: World): Promise<void> {
  const { status, stderr } = bootstrap(world.dir, 'init');
  expect(status, stderr).toBe(0);
  world.copyToNodes();
  await Promise.all(world.names.map((name) => world.node(name).ssh(START)));
  await eventually('the control plane is up', () => isUp(world));
}

async function isUp(world: World): Promise<boolean> {
  const answers = await Promise.all(
    world.names.map((name) =>
      world
        .api(name)
        .request(`${SYSTEM}/configmaps/kube-root-ca.crt`)
        .catch(() => undefined),
    ),
  );
  return answers.every((answer) => answer?.status === 200);
}

function put(node: WorldNode, path: string, text: string): void {
  writeFileSync(join(node.root, `${path}.new`), text);
  renameSync(join(node.root, `${path}.new`), join(node.root, path));
}

const own = (node: WorldNode, path: string): string => node.read(`${PKI}/${path}`) ?? '';

const published = async (api: ApiClient, path: string, field: string) =>
  certificatesIn(textAt((await api.request(path)).body, 'data', field)).length;

const servedName = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });

/** The tests of this file follow each other in one world. */
describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))('certificates in the world', () => {
  let shared: World | undefined;
  let end = async (): Promise<void> => {};
  beforeAll(async () => {
    shared = await startWorld({
      nodes: 1,
      whenOver: (stop) => {
        end = stop;
      },
    });
    await running(shared);
  }, PATIENCE);
  afterAll(() => end(), PATIENCE);
  const given = (): World => {
    if (!shared) throw new Error('there is no world yet');
    return shared;
  };

  test('tell who asks, in each of the ways of kube-apiserver', { timeout: PATIENCE }, async () => {
    const world = given();
    const node = world.node('cp1');
    const api = world.api('cp1');
    const ca = own(node, 'ca-bundle.crt');
    const reviews = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const as = (cert: string, key: string, headers = {}) =>
      apiClient('127.0.0.1', world.ports('cp1').apiServer, { ca, cert, key }).request(reviews, {
        method: 'POST',
        body,
        headers,
      });

    const me = await api.request(reviews, { method: 'POST', body });
    expect(at(me.body, 'status', 'userInfo')).toEqual({
      username: 'kubernetes-super-admin',
      groups: ['system:masters', 'system:authenticated'],
    });
    const front = [own(node, 'front-proxy-client.crt'), own(node, 'front-proxy-client.key')] as const;
    const jane = await as(...front, { 'X-Remote-User': 'jane', 'x-remote-group': 'devs' });
    expect(textAt(jane.body, 'status', 'userInfo', 'username')).toBe('jane');
    expect((await as(...front)).status).toBe(401);
    // the name alone proves nothing
    const kubelet = [own(node, 'apiserver-kubelet-client.crt'), own(node, 'apiserver-kubelet-client.key')] as const;
    const claimed = await as(...kubelet, { 'X-Remote-User': 'jane' });
    expect(textAt(claimed.body, 'status', 'userInfo', 'username')).toBe('kube-apiserver-kubelet-client');

    const account = '/api/v1/namespaces/default/serviceaccounts/default/token';
    await eventually('there is a service account', async () => {
      return (await api.request(account.replace(/\/token$/, ''))).status === 200;
    });
    const issued = await api.request(account, { method: 'POST', body: { spec: { expirationSeconds: 600 } } });
    const token = textAt(issued.body, 'status', 'token');
    const pod = await as('', '', { authorization: `Bearer ${token}` });
    expect(textAt(pod.body, 'status', 'userInfo', 'username')).toBe('system:serviceaccount:default:default');
    const review = (text: string) =>
      api.request('/apis/authentication.k8s.io/v1/tokenreviews', {
        method: 'POST',
        body: { ...body, kind: 'TokenReview', spec: { token: text } },
      });
    expect(at((await review(token)).body, 'status', 'authenticated')).toBe(true);
    expect(at((await review(`${token.slice(0, -8)}AAAAAAAA`)).body, 'status', 'authenticated')).toBeUndefined();
    expect((await as('', '', { authorization: 'Bearer a.b.c' })).status).toBe(401);
    const { kid } = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
    expect(listAt((await api.request('/openid/v1/jwks')).body, 'keys').map((key) => textAt(key, 'kid'))).toEqual([kid]);

    expect((await api.request('/api/v1/nodes/cp1/proxy/healthz')).text).toBe('ok');
    const lease = async () =>
      textAt(
        (await api.request('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/cp1')).body,
        'spec',
        'renewTime',
      );
    const first = await lease();
    await eventually('the node renews its lease', async () => (await lease()) !== first);
  });

  test('are read again by each process as by the real one, and by no other way', { timeout: PATIENCE }, async () => {
    const world = given();
    const node = world.node('cp1');
    const api = world.api('cp1');
    const port = world.ports('cp1').apiServer;
    const starts = () => Object.entries(node.pods()).map(([name, pod]) => `${name} ${pod.starts}`);
    const before = starts();

    // a pair that does not fit together is not served
    const [certificate, key] = [own(node, 'apiserver.crt'), own(node, 'apiserver.key')];
    put(node, `${PKI}/apiserver.crt`, own(node, 'apiserver-kubelet-client.crt'));
    await node.ssh('sleep 0.5');
    expect(await servedName(port)).toBe('kube-apiserver');
    put(node, `${PKI}/apiserver.key`, own(node, 'apiserver-kubelet-client.key'));
    await eventually('the new pair is served', async () => (await servedName(port)) !== 'kube-apiserver');
    put(node, `${PKI}/apiserver.crt`, certificate);
    put(node, `${PKI}/apiserver.key`, key);
    await eventually('the old pair is served', async () => (await servedName(port)) === 'kube-apiserver');

    // who is of another CA comes in with its being trusted, and is out again with it, over the same connection
    const pki = (name: string) => readFileSync(join(world.dir, 'pki', name), 'utf8');
    const [cert, secret] = ['crt', 'key'].map((end) => pki(`nodes/cp1/etcd/healthcheck-client.${end}`));
    const stranger = apiClient('127.0.0.1', port, { ca: pki('ca.crt'), cert: cert ?? '', key: secret ?? '' }, 1);
    const status = async () => (await stranger.request(`${SYSTEM}/configmaps`)).status;
    const bundle = own(node, 'ca-bundle.crt');
    expect(await status()).toBe(401);
    put(node, `${PKI}/ca-bundle.crt`, `${bundle}${own(node, 'etcd/ca-bundle.crt')}`);
    await eventually('it is known', async () => (await status()) === 403);
    await eventually('both CAs are published', async () => (await published(api, TRUST, 'client-ca-file')) === 2);
    put(node, `${PKI}/ca-bundle.crt`, bundle);
    await eventually('it is refused', async () => (await status()) === 401);
    // a bundle that cannot be read changes nothing
    put(node, `${PKI}/ca-bundle.crt`, '');
    await node.ssh('sleep 1.5');
    expect((await api.request('/api/v1/nodes')).status).toBe(200);
    put(node, `${PKI}/ca-bundle.crt`, bundle);
    expect(await published(api, TRUST, 'client-ca-file')).toBe(2);
    await api.request(TRUST, { method: 'DELETE' });
    await eventually('it is made again', async () => (await published(api, TRUST, 'client-ca-file')) === 1);

    const root = '/api/v1/namespaces/default/configmaps/kube-root-ca.crt';
    await api.request(root, {
      method: 'PATCH',
      type: 'application/merge-patch+json',
      body: { data: { 'ca.crt': 'changed' } },
    });
    await eventually('it is set right', async () => (await published(api, root, 'ca.crt')) === 1);
    expect(starts()).toEqual(before);

    // two certificates where one has to be: as long as it runs nothing, and no start more
    const signer = own(node, 'ca.crt');
    put(node, `${PKI}/ca.crt`, `${signer}${signer}`);
    await node.ssh('sleep 0.5');
    expect(starts()).toEqual(before);
    const manager = () => node.pods()['kube-controller-manager'];
    process.kill(manager()?.pid ?? 0);
    await eventually('it cannot start', () => (manager()?.starts ?? 0) > 3);
    const folder = `/var/log/pods/kube-system_kube-controller-manager-cp1_${manager()?.uid}/kube-controller-manager`;
    expect(node.read(`${folder}/1.log`)).toContain('expected 1 certificate, found 2');
    put(node, `${PKI}/ca.crt`, signer);
    await eventually('it runs again', () => manager()?.running === true);
  });

  test('change under clients that follow them, and under one that keeps its own', { timeout: PATIENCE }, async () => {
    const world = given();
    const old = world.identity();
    const writer = world.writer();
    const keeper = world.writer({ keepsIdentity: true });
    const watcher = world.watcher();
    await eventually('they work', () => [writer, keeper].every((each) => each.read().done > 5));
    await world.age(-60, (path) => path === 'super-admin');
    await eventually('the one that follows is refused', () => writer.read().failed > 0);
    const { done } = keeper.read();
    await eventually('the one that does not goes on', () => keeper.read().done > done + 5);
    writer.identify(old);
    const refused = writer.read().done;
    await eventually('it has what it was given', () => writer.read().done > refused + 5);
    // not `failed`: a machine with too much to do answers nobody in time
    expect(keeper.stop().errors.filter((error) => error.includes('401'))).toEqual([]);
    expect(keeper.read().lost).toBe(0);
    expect(watcher.stop().wentBack).toBe(0);
    writer.stop();
    await world.age(3600, (path) => path === 'super-admin');
  });

  test('of a kubelet are renewed by itself, and end it where it has let them expire', {
    timeout: 120_000,
  }, async () => {
    const world = given();
    const node = world.node('cp1');
    const CURRENT = '/var/lib/kubelet/pki/kubelet-client-current.pem';
    const pods = node.pods();
    await world.age(120, (path) => path === 'nodes/cp1/kubelet');
    await eventually('it has got a new one', () => node.read(CURRENT) !== undefined);
    expect(lstatSync(join(node.root, CURRENT)).isSymbolicLink()).toBe(true);
    const own = new X509Certificate(node.read(CURRENT) ?? '');
    expect(own.subject).toBe('O=system:nodes\nCN=system:node:cp1');
    expect(Date.parse(own.validTo)).toBeGreaterThan(Date.now() + 300 * 86_400_000);
    const api = world.api('cp1');
    const lease = async (): Promise<string> => {
      const path = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/cp1';
      return textAt((await api.request(path)).body, 'spec', 'renewTime');
    };
    const renewed = await lease();
    await eventually('it speaks to the API', async () => (await lease()) !== renewed);

    await world.age(-60, (path) => path.startsWith('nodes/cp1/kubelet'));
    await eventually('it has ended', () => node.kubeletLog().includes('server is responsive, exiting.'));
    await eventually('it is back', () => /exiting[\s\S]*Started kubelet/.test(node.kubeletLog()));
    expect(node.pods()).toEqual(pods);
    await world.age(-60);
    await eventually('its certificates have expired', () =>
      world
        .api('cp1')
        .request('/api/v1/nodes')
        .then(
          () => false,
          (error: Error) => error.message === 'certificate has expired',
        ),
    );
  });
});
