import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SecretPem } from '../../src/base/pem.ts';
import {
  etcdAlarms,
  etcdMembers,
  etcdRead,
  etcdStatus,
  moveLeader,
  openEtcd,
  parseKeepingDigits,
} from '../../src/rollout/probe/etcd-client.ts';
import { etcdReport } from '../../src/rollout/probe/etcd-report.ts';
import type { HttpClient } from '../../src/rollout/probe/https-client.ts';
import { servedLeaf } from '../../src/rollout/probe/leaf.ts';
import { listensIn } from '../../src/rollout/probe/listens.ts';
import { mayTakeDown } from '../../src/rollout/probe/may-take-down.ts';
import { type EtcdView, etcdView } from '../../src/rollout/probe/quorum.ts';
import { bootstrap, HA_OPTIONS } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';

const NODES = ['cp1', 'cp2', 'cp3'];

test('ids keep all their digits, whether they come as numbers or as strings', () => {
  expect(
    parseKeepingDigits('{"ID":10276657743932975437,"s":"ID:10276657743932975437 \\" 1234567890123456789","n":12}'),
  ).toEqual({
    ID: '10276657743932975437',
    s: 'ID:10276657743932975437 " 1234567890123456789',
    n: 12,
  });
  expect(parseKeepingDigits('{')).toBeUndefined();
});

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

describe.runIf(needTool('etcd') && needTool('etcdctl'))('a real etcd of three members', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-probe-'));
  const foreign = mkdtempSync(join(tmpdir(), 'bootstrap-probe-'));
  const running = new Map<string, ChildProcess>();
  const clients: HttpClient[] = [];
  let ports: readonly number[] = [];
  const url = (i: number) => `https://127.0.0.1:${ports[i]}`;
  const pki = (root: string, node: string) => join(root, 'nodes', node, 'etc/kubernetes/pki/etcd');
  const read = (path: string) => readFileSync(path, 'utf8');

  function start(i: number, ...more: readonly string[]): void {
    const node = NODES[i] ?? '';
    const at = pki(dir, node);
    const flags = [
      `--name=${node}`,
      `--data-dir=${join(dir, `data-${node}`)}`,
      `--listen-client-urls=${url(i)}`,
      `--advertise-client-urls=${url(i)}`,
      `--listen-peer-urls=${url(3 + i)}`,
      `--initial-advertise-peer-urls=${url(3 + i)}`,
      `--initial-cluster=${NODES.map((name, n) => `${name}=${url(3 + n)}`).join()}`,
      '--client-cert-auth=true',
      '--peer-client-cert-auth=true',
      `--cert-file=${at}/server.crt`,
      `--key-file=${at}/server.key`,
      `--trusted-ca-file=${at}/ca-bundle.crt`,
      `--peer-cert-file=${at}/peer.crt`,
      `--peer-key-file=${at}/peer.key`,
      `--peer-trusted-ca-file=${at}/ca-bundle.crt`,
      ...more,
    ];
    running.set(node, spawn('etcd', flags, { stdio: 'ignore' }));
  }

  async function stop(node: string, signal: NodeJS.Signals): Promise<void> {
    const member = running.get(node);
    running.delete(node);
    const gone = new Promise((resolve) => member?.once('exit', resolve));
    member?.kill(signal);
    await gone;
  }

  interface Identity {
    readonly root?: string;
    readonly identity?: string;
    readonly ca?: string;
    readonly pair?: string;
  }

  function client(i: number, options: Identity = {}): HttpClient {
    const { root = dir, identity = '127.0.0.1', ca = dir, pair = `${pki(root, 'cp1')}/healthcheck-client` } = options;
    const opened = openEtcd({
      what: `etcd of ${NODES[i]}`,
      reach: { host: '127.0.0.1', port: ports[i] ?? 0 },
      tls: {
        identity,
        ca: read(`${pki(ca, 'cp1')}/ca-bundle.crt`),
        cert: read(`${pair}.crt`),
        key: new SecretPem(read(`${pair}.key`)),
      },
    });
    clients.push(opened);
    return opened;
  }

  const look = async (seconds = 2): Promise<EtcdView> =>
    etcdView(await Promise.all(NODES.map((node, i) => etcdReport(node, client(i), { seconds }))));

  async function until(what: string, is: (view: EtcdView) => boolean): Promise<EtcdView> {
    const deadline = Date.now() + 40_000;
    for (;;) {
      const view = await look();
      if (is(view)) return view;
      if (Date.now() > deadline) throw new Error(`not ${what} within 40 s: ${JSON.stringify(view)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  const isWell = (view: EtcdView) => view.healthyVoters === 3 && view.agreed;

  function etcdctl(...args: readonly string[]): string {
    const at = pki(dir, 'cp1');
    const who = [
      `--cacert=${at}/ca-bundle.crt`,
      `--cert=${at}/healthcheck-client.crt`,
      `--key=${at}/healthcheck-client.key`,
    ];
    const env = { ...process.env, ETCDCTL_API: '3' };
    return execFileSync('etcdctl', [`--endpoints=${[0, 1, 2].map(url).join()}`, ...who, ...args], {
      encoding: 'utf8',
      env,
      stdio: 'pipe',
    });
  }

  beforeAll(async () => {
    for (const root of [dir, foreign]) expect(bootstrap(root, 'init', ...HA_OPTIONS).status).toBe(0);
    ports = await freePorts(6);
    for (const i of NODES.keys()) start(i);
    await until('well', isWell);
  });

  afterAll(() => {
    for (const one of clients) one.close();
    for (const member of running.values()) member.kill('SIGKILL');
    for (const root of [dir, foreign]) rmSync(root, { recursive: true, force: true });
  });

  test('is seen as etcdctl sees it', async () => {
    const view = await until('well', isWell);
    expect(view).toMatchObject({ needed: 2, healthyVoters: 3, agreed: true, disagreements: [] });
    expect(view.members.filter(({ leader }) => leader)).toHaveLength(1);
    const listed = etcdctl('member', 'list');
    for (const member of view.members) {
      expect(member).toMatchObject({
        healthy: true,
        voter: true,
        alarms: [],
        endpointNode: member.name,
        problem: undefined,
      });
      expect(member.dbSize).toBeGreaterThan(1000);
      expect(member.lag).toBeLessThan(10);
      expect(listed).toContain(`${BigInt(member.id).toString(16)}, started, ${member.name},`);
      expect(mayTakeDown(view, member.name)).toEqual([]);
    }
    expect(await etcdAlarms(client(0))).toEqual([]);
    expect((await etcdStatus(client(0))).version).toMatch(/^3\.\d+\.\d+$/);
    expect((await etcdMembers(client(1), 'local')).map(({ name }) => name).sort()).toEqual(NODES);
  });

  test('serves just the certificate that was generated', async () => {
    const { X509Certificate } = await import('node:crypto');
    const expected = new X509Certificate(read(`${pki(dir, 'cp2')}/server.crt`));
    const pair = `${pki(dir, 'cp1')}/healthcheck-client`;
    const served = await servedLeaf('etcd of cp2', {
      reach: { host: '127.0.0.1', port: ports[1] ?? 0 },
      client: { certificate: read(`${pair}.crt`), key: new SecretPem(read(`${pair}.key`)) },
    });
    expect(served.fingerprint).toBe(expected.fingerprint256.replaceAll(':', '').toLowerCase());
    expect(served.sans).toContain('DNS:cp2');
  });

  test('is not talked to where it is not the one that is meant, or does not know us', async () => {
    await expect(etcdStatus(client(0, { identity: '10.0.0.12' }))).rejects.toMatchObject({
      problem: 'tls',
      seen: expect.stringMatching(/^its certificate is not for 10\.0\.0\.12 but for .*cp1/),
    });
    await expect(etcdStatus(client(0, { ca: foreign }))).rejects.toMatchObject({
      problem: 'tls',
      seen: expect.stringMatching(/CA/),
    });
    await expect(etcdStatus(client(0, { root: foreign }))).rejects.toMatchObject({
      problem: 'tls',
      seen: expect.stringMatching(/client certificate/),
    });
    const other = join(pki(dir, 'cp1'), '../apiserver-kubelet-client');
    await expect(etcdStatus(client(0, { pair: other }))).rejects.toMatchObject({ problem: 'tls' });
    // such a member is alive for all we know
    const report = await etcdReport('cp1', client(0, { root: foreign }));
    expect(report).toMatchObject({ isDead: false, status: undefined });
  });

  test('has another leader when that is asked for', async () => {
    const before = await until('well', isWell);
    const leader = NODES.indexOf(before.leader ?? '');
    const next = before.members.find((member) => !member.leader);
    await moveLeader(client(leader), next?.id ?? '');
    const after = await until('led by another', (view) => isWell(view) && view.leader !== before.leader);
    expect(after.leader).toBe(next?.name);
    // only the leader itself takes it
    await expect(moveLeader(client(leader), next?.id ?? '')).rejects.toMatchObject({
      problem: 'http',
      seen: expect.stringMatching(/transfer-leadership fails: .*not leader/),
    });
  });

  test('lets nobody go while one is down, and says which; the dead one may be worked on', async () => {
    await stop('cp3', 'SIGTERM');
    const view = await until('without cp3', ({ healthyVoters, agreed }) => healthyVoters === 2 && agreed);
    expect(view.members[2]).toMatchObject({ name: 'cp3', healthy: false, out: true, problem: 'nobody listens there' });
    expect(mayTakeDown(view, 'cp1')).toEqual([
      'etcd member cp3 is not healthy: nobody listens there',
      'without etcd member cp1 there are 1 healthy members, and 2 are needed',
    ]);
    expect(mayTakeDown(view, 'cp3')).toEqual([]);
    start(2);
    expect(mayTakeDown(await until('well again', isWell), 'cp1')).toEqual([]);
  });

  test('does not count a member that hangs as dead, and knows how far it is behind', async () => {
    const leader = NODES.indexOf((await until('well', isWell)).leader ?? '');
    const follower = NODES.findIndex((_, i) => i !== leader);
    const name = NODES[follower] ?? '';
    const before = await etcdReport(name, client(follower));
    const hanging = running.get(name);
    hanging?.kill('SIGSTOP');
    try {
      const view = await look(1);
      expect(view.members.find((member) => member.name === name)).toMatchObject({
        healthy: false,
        out: false,
        problem: 'no answer within 1 s',
      });
      expect(mayTakeDown(view, name)).toEqual([]);
      const write = (i: number) => {
        const body = JSON.stringify({ key: Buffer.from(`k${i}`).toString('base64'), value: 'eA==' });
        return client(leader).request({ method: 'POST', path: '/v3/kv/put', body, milliseconds: 10_000 });
      };
      expect(
        new Set((await Promise.all(Array.from({ length: 150 }, (_, i) => write(i)))).map(({ status }) => status)),
      ).toEqual(new Set([200]));
      // what it said before it hung, beside what the others say now
      const others = NODES.flatMap((node, i) => (i === follower ? [] : [etcdReport(node, client(i))]));
      const behind = etcdView([before, ...(await Promise.all(others))]);
      expect(behind.members.find((member) => member.name === name)?.lag).toBeGreaterThanOrEqual(150);
      expect(mayTakeDown(behind, NODES[leader] ?? '', { maxLag: 100 })).toEqual([
        expect.stringMatching(new RegExp(`^etcd member ${name} is 1\\d\\d entries behind \\(100 at most\\)$`)),
      ]);
    } finally {
      hanging?.kill('SIGCONT');
    }
    // it is healthy again before it has caught up
    const hasCaughtUp = (view: EtcdView) => view.members.every(({ lag }) => lag !== undefined && lag < 100);
    await until('caught up', (view) => isWell(view) && hasCaughtUp(view));
  });

  test('of which one is left answers, but is not healthy', async () => {
    await stop('cp2', 'SIGKILL');
    await stop('cp3', 'SIGKILL');
    const view = await until('without a leader', ({ members }) => members[0]?.problem === 'it has no leader');
    expect(view).toMatchObject({ healthyVoters: 0, needed: 2, leader: undefined });
    expect(view.members[0]).toMatchObject({ name: 'cp1', healthy: false, out: true });
    await expect(etcdRead(client(0), { seconds: 1 })).rejects.toMatchObject({
      problem: expect.stringMatching(/timeout|http/),
    });
    // there is nothing to lose: each of them may be worked on
    for (const name of NODES) expect(mayTakeDown(view, name)).toEqual([]);
    const sockets = read('/proc/net/tcp');
    expect([0, 1].map((i) => listensIn(sockets, ports[i] ?? 0))).toEqual([true, false]);
    start(1);
    start(2);
    await until('well again', isWell);
  });

  test('whose disk quota is used up says so', async () => {
    for (const [i, node] of NODES.entries()) {
      await stop(node, 'SIGKILL');
      start(i, '--quota-backend-bytes=1');
    }
    await until('well again', (view) => view.healthyVoters === 3);
    expect(() => etcdctl('put', 'a', 'b')).toThrow();
    const view = await until('alarmed', ({ members }) => members.some(({ alarms }) => alarms.includes('NOSPACE')));
    // it still is a quorum
    expect(view.healthyVoters).toBe(3);
    expect(mayTakeDown(view, 'cp1')).toContainEqual(
      expect.stringMatching(/^etcd member cp\d has raised the alarm NOSPACE$/),
    );
  });
});
