import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootstrap, HA_OPTIONS } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';

const NODES = ['cp1', 'cp2', 'cp3'];

/** Ports that are free now; all are asked for before any is given back, so that they differ. */
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

describe.runIf(needTool('etcd') && needTool('etcdctl')).each(['ECDSA-P256', 'RSA-2048'])(
  'a real etcd of three members with %s keys',
  (algorithm) => {
    const dir = mkdtempSync(join(tmpdir(), 'bootstrap-etcd-'));
    const foreign = mkdtempSync(join(tmpdir(), 'bootstrap-etcd-'));
    const members: ChildProcess[] = [];
    let endpoints = '';
    const pki = (root: string, node: string) => join(root, 'nodes', node, 'etc/kubernetes/pki/etcd');

    beforeAll(async () => {
      for (const root of [dir, foreign]) {
        expect(bootstrap(root, 'init', ...HA_OPTIONS, '--set', `spec.pki.algorithm=${algorithm}`).status).toBe(0);
      }
      const ports = await freePorts(6);
      const url = (i: number) => `https://127.0.0.1:${ports[i]}`;
      endpoints = [0, 1, 2].map(url).join();
      const initial = NODES.map((node, i) => `${node}=${url(3 + i)}`).join();
      for (const [i, node] of NODES.entries()) {
        const at = pki(dir, node);
        members.push(
          spawn(
            'etcd',
            [
              `--name=${node}`,
              `--data-dir=${join(dir, `data-${node}`)}`,
              `--listen-client-urls=${url(i)}`,
              `--advertise-client-urls=${url(i)}`,
              `--listen-peer-urls=${url(3 + i)}`,
              `--initial-advertise-peer-urls=${url(3 + i)}`,
              `--initial-cluster=${initial}`,
              '--client-cert-auth=true',
              '--peer-client-cert-auth=true',
              `--cert-file=${at}/server.crt`,
              `--key-file=${at}/server.key`,
              `--trusted-ca-file=${at}/ca-bundle.crt`,
              `--peer-cert-file=${at}/peer.crt`,
              `--peer-key-file=${at}/peer.key`,
              `--peer-trusted-ca-file=${at}/ca-bundle.crt`,
            ],
            { stdio: 'ignore' },
          ),
        );
      }
      const deadline = Date.now() + 40_000;
      while (etcdctl(dir, 'healthcheck-client', 'endpoint', 'health').status !== 0) {
        if (Date.now() > deadline) throw new Error('the three members did not become healthy within 40 s');
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    });

    afterAll(() => {
      for (const member of members) member.kill('SIGKILL');
      for (const root of [dir, foreign]) rmSync(root, { recursive: true, force: true });
    });

    /** @param client the pair's name below `pki/etcd`, or a path to it without its ending */
    function etcdctl(root: string, client: string, ...args: readonly string[]) {
      const at = pki(root, 'cp1');
      const pair = client.startsWith('/') ? client : join(at, client);
      return spawnSync(
        'etcdctl',
        [
          `--endpoints=${endpoints}`,
          `--cacert=${pki(dir, 'cp1')}/ca-bundle.crt`,
          `--cert=${pair}.crt`,
          `--key=${pair}.key`,
          '--command-timeout=5s',
          ...args,
        ],
        {
          encoding: 'utf8',
          env: { ...process.env, ETCDCTL_API: '3' },
        },
      );
    }

    test('forms a cluster over the generated files and is found healthy', () => {
      const { stderr, stdout, status } = etcdctl(dir, 'healthcheck-client', 'endpoint', 'health');
      expect(status).toBe(0);
      expect((stdout + stderr).match(/is healthy/g)?.length).toBe(3);
      expect(etcdctl(dir, 'healthcheck-client', 'member', 'list').stdout.match(/started/g)?.length).toBe(3);
    });

    test('takes a write from the apiserver’s client certificate and gives it back from every member', () => {
      const client = join(pki(dir, 'cp2'), '../apiserver-etcd-client');
      expect(etcdctl(dir, client, 'put', 'a', 'b').status).toBe(0);
      for (const endpoint of endpoints.split(',')) {
        expect(
          execFileSync(
            'etcdctl',
            [
              `--endpoints=${endpoint}`,
              `--cacert=${pki(dir, 'cp1')}/ca.crt`,
              `--cert=${client}.crt`,
              `--key=${client}.key`,
              'get',
              'a',
              '--print-value-only',
            ],
            { encoding: 'utf8', env: { ...process.env, ETCDCTL_API: '3' } },
          ),
        ).toBe('b\n');
      }
    });

    test('refuses a certificate of another cluster’s CA, and one of this cluster’s other CAs', () => {
      expect(etcdctl(foreign, 'healthcheck-client', 'get', 'a').status).not.toBe(0);
      expect(etcdctl(dir, join(pki(dir, 'cp1'), '../apiserver-kubelet-client'), 'get', 'a').status).not.toBe(0);
      expect(etcdctl(dir, 'healthcheck-client', 'get', 'a').status).toBe(0);
    });
  },
);
