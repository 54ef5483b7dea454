import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { needTool } from '../support/tools.ts';
import { at, listAt } from '../world/json.ts';
import { eventually, type World } from '../world/world.ts';
import { alive, begin, PATIENCE, parsed, run, sharedWorld } from './rollout/site.ts';

const NODES = ['cp1', 'cp2', 'cp3'];

/** Processes and how often each container was started. */
const lives = (world: World) =>
  NODES.map((node) => [
    node,
    alive(world, node),
    Object.entries(world.node(node).pods()).map(([name, { starts }]) => [name, starts]),
  ]);

/** SHA-256 of the certificate that a server shows; client certificates are not asked for before that. */
function served(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

/** What the processes of a node show: apiserver, etcd for clients and for peers. */
async function shown(world: World, node: string): Promise<Readonly<Record<string, string>>> {
  const { apiServer, etcdClient, etcdPeer } = world.ports(node);
  const [apiserver = '', server = '', peer = ''] = await Promise.all([apiServer, etcdClient, etcdPeer].map(served));
  return { apiserver, 'etcd/server': server, 'etcd/peer': peer };
}

/** What lies in the cluster directory. */
const issued = (world: World, node: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ['apiserver', 'etcd/server', 'etcd/peer'].map((name) => [
      name,
      new X509Certificate(readFileSync(join(world.dir, 'pki/nodes', node, `${name}.crt`))).fingerprint256,
    ]),
  );

describe.runIf(needTool('etcd') && needTool('sshd') && needTool('openssl'))(
  'certs renew on three masters',
  { timeout: PATIENCE },
  () => {
    const given = sharedWorld(3);

    test('has nothing to renew on masters that do not run yet', () => {
      const ran = run(given().dir, ['certs', 'renew', '--apply', '--yes'], { status: 64 });
      expect(ran.stderr).toContain('no master of this cluster runs yet');
      run(given().dir, ['apply', '--yes'], { status: 0 });
    });

    test('renews everything under load: no process restarts, no write fails, every certificate that is shown is new', async () => {
      const world = given();
      const writer = world.writer();
      await eventually('the writer writes', () => writer.read().done > 10);
      const before = lives(world);
      const old = await Promise.all(NODES.map((node) => shown(world, node)));
      const ended = await begin(world.dir, ['certs', 'renew', '--apply', '--yes']).ended;
      expect(ended.status, ended.stdout + ended.stderr).toBe(0);
      expect(ended.stderr).toContain('renewed 35 certificates with new keys');
      expect(ended.stderr).toContain('nothing restarts');
      for (const [i, node] of NODES.entries()) {
        await eventually(`${node} shows what it got`, async () => {
          const now = await shown(world, node);
          return JSON.stringify(now) === JSON.stringify(issued(world, node));
        });
        for (const [name, fingerprint] of Object.entries(issued(world, node)))
          expect(fingerprint).not.toBe(old[i]?.[name]);
      }
      expect(lives(world)).toEqual(before);
      const { done } = writer.read();
      await eventually('the writer goes on', () => writer.read().done > done + 20);
      const writes = writer.stop();
      // a machine that has too much to do answers late now and then; nothing else is forgiven
      const errors = writes.errors.filter((error) => !error.includes('no answer within'));
      expect([writes.failed, writes.lost, errors]).toEqual([0, 0, []]);
      expect(run(world.dir, ['status'], { status: 0 }).stdout).not.toContain('drift');
    });

    test('goes on with what an earlier run has issued and not brought to the masters, and then has nothing to do', () => {
      const world = given();
      run(world.dir, ['certs', 'renew', 'apiserver', '--node', 'cp2'], { status: 0 });
      const timer = ['certs', 'renew', '--expires-within', '30d', '--apply', '--yes'];
      const first = run(world.dir, timer, { status: 0 });
      expect(first.stderr).toContain('nothing to renew: none of 35 certificates ends within 30 days');
      expect(first.stdout).toMatch(/^cp2 is at revision 3/);
      expect(run(world.dir, timer, { status: 0 }).stdout).toMatch(
        /^nothing to do: 3 masters are as the cluster file says/,
      );
      const data = parsed(run(world.dir, [...timer, '-o', 'json'], { status: 0 }));
      expect([listAt(data, 'renewed'), at(data, 'applied', 'mode')]).toEqual([[], 'rolling']);
    });

    test('does not carry out what somebody is still editing', () => {
      const world = given();
      const file = join(world.dir, 'cluster.yaml');
      const text = readFileSync(file, 'utf8');
      const before = lives(world);
      world.clusterFile({ scheduler: { extraArgs: { v: '3' } } });
      const ran = run(world.dir, ['certs', 'renew', 'admin', '--apply', '--yes'], { status: 76 });
      expect(ran.stderr).toContain('cp1: /etc/kubernetes/manifests/kube-scheduler.yaml');
      expect(ran.stderr).toContain('bootstrap plan');
      expect(lives(world)).toEqual(before);
      writeFileSync(file, text);
      run(world.dir, ['apply', '--yes'], { status: 0 });
      expect(lives(world)).toEqual(before);
    });
  },
);
