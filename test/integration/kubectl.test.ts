import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bootstrap, filesOf, HA_OPTIONS } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';

describe.runIf(needTool('kubectl'))('kubectl', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-kubectl-'));
  const home = mkdtempSync(join(tmpdir(), 'bootstrap-kubectl-'));
  beforeAll(() => {
    const hostile =
      '--set=spec.apiServer.extraEnvs=[{name: A, value: "on"}, {name: B, value: "0o14"}, {name: C, value: "a: b # c"}, {name: D, value: "1_000"}]';
    expect(
      bootstrap(dir, 'init', ...HA_OPTIONS, hostile, '--set', 'spec.networking.podSubnet=10.244.0.0/16').status,
    ).toBe(0);
  });
  afterAll(() => {
    for (const path of [dir, home]) rmSync(path, { recursive: true, force: true });
  });
  const kubectl = (...args: readonly string[]) =>
    spawnSync('kubectl', args, { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: home } });

  test('reads every kubeconfig, finds its context, its server and its certificates', () => {
    const configs = [
      'admin.conf',
      'super-admin.conf',
      ...filesOf(join(dir, 'nodes'))
        .filter((path) => path.endsWith('.conf') && path.includes('/kubernetes/'))
        .map((path) => `nodes/${path}`),
    ];
    expect(configs.length).toBe(2 + 3 * 4);
    for (const path of configs) {
      const { status, stdout, stderr } = kubectl(
        '--kubeconfig',
        join(dir, path),
        'config',
        'view',
        '--minify',
        '-o',
        'json',
      );
      expect([path, status, stderr]).toEqual([path, 0, '']);
      const view = JSON.parse(stdout);
      const admin = /admin\.conf$/.test(path);
      expect(view.clusters[0].cluster.server).toMatch(
        admin ? /^https:\/\/api\.example\.com:6443$/ : /^https:\/\/10\.0\.0\.1\d:6443$/,
      );
      expect(Object.keys(view.users[0].user).sort()).toEqual(
        admin ? ['client-certificate-data', 'client-key-data'] : ['client-certificate', 'client-key'],
      );
    }
  });

  test('decodes every manifest as a Pod and gives back the same fields and values', () => {
    const manifests = filesOf(join(dir, 'nodes')).filter((path) => path.includes('/manifests/'));
    expect(manifests.length).toBe(12);
    for (const path of manifests) {
      const file = join(dir, 'nodes', path);
      // a typed decode: unknown fields are dropped and wrong types refused, so a round trip shows both
      const typed = parse(
        execFileSync('kubectl', ['set', 'env', '--local', '-f', file, 'ROUND=trip', '-o', 'yaml'], {
          encoding: 'utf8',
          env: { PATH: process.env['PATH'], HOME: home },
        }),
      );
      const ours = parse(readFileSync(file, 'utf8'));
      const container = typed.spec.containers[0];
      container.env = container.env.filter((env: { name: string }) => env.name !== 'ROUND');
      if (!container.env.length) delete container.env;
      delete typed.metadata.creationTimestamp;
      delete typed.status;
      delete ours.status;
      expect(typed, path).toEqual(ours);
    }
  });
});
