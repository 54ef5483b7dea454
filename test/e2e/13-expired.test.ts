import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { kubeletIdentity, leavesOn } from './certificates.ts';
import { must, NAMES, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { etcdMembers, kubectl, kubeJson, staticPods } from './kube.ts';
import { expiredLeaves, expireOwn, putIntoDirectory, putOnto } from './past.ts';
import { rig } from './rig.ts';
import { until } from './until.ts';

const SCENARIO = 'expired';
const WRITTEN = `written at ${Date.now()}`;

describe('a cluster was off until all its certificates had expired', { timeout: 40 * 60_000 }, () => {
  beforeAll(async () => {
    await standing();
    await kubectl('delete', 'configmap', 'e2e-expired', '--ignore-not-found');
    await kubectl('create', 'configmap', 'e2e-expired', `--from-literal=text=${WRITTEN}`);
    const expired = await expiredLeaves();
    for (const node of NAMES) {
      const paths = await putOnto(node, expired);
      figure(SCENARIO, `files on ${node} whose certificate has expired`, paths.length);
      // as it is on most masters after a year; on one the delivered certificate still counts
      if (node !== 'cp3') await expireOwn(node);
    }
    putIntoDirectory(expired);
    await rig('stop', ...NAMES);
    await rig('start', ...NAMES);
    for (const node of NAMES)
      for (const { validTo } of (await leavesOn(node)).values()) expect(Date.parse(validTo)).toBeLessThan(Date.now());
  });

  test('nothing of it lives', async () => {
    await expect(kubectl('--request-timeout=10s', 'get', 'nodes')).rejects.toThrow();
  });

  test('`status` says so', async () => {
    const { status, stdout, stderr, seconds } = await bootstrap('status');
    figure(SCENARIO, '`status`', seconds, 's');
    expect(status, stderr).toBe(2);
    expect(stdout).toMatch(/certificates of cp1, cp2 and cp3 have expired/);
    expect(stdout).toContain('`bootstrap apply` issues new ones');
  });

  test('`certs check` exits with 2 and names what mends it', async () => {
    const { status, stdout } = await bootstrap('certs', 'check');
    expect(status).toBe(2);
    expect(stdout).toMatch(/expired/);
    expect(stdout).toContain('bootstrap certs renew');
  });

  test('`certs renew --apply` brings it back, with all that was in it', async () => {
    const began = performance.now();
    const { seconds } = must(await bootstrap('certs', 'renew', '--apply', '--yes'));
    figure(SCENARIO, '`certs renew --apply`', seconds, 's');
    expect((await kubeJson('get', 'configmap', 'e2e-expired')).data.text).toBe(WRITTEN);
    await until('all nodes are Ready, and all static pods', async () => {
      const { items } = await kubeJson('get', 'nodes');
      const isReady = (it: { type: string; status: string }) => it.type === 'Ready' && it.status === 'True';
      const nodes = items.filter(({ status }: { status: { conditions: [] } }) => status.conditions.some(isReady));
      const pods = (await staticPods()).filter(({ ready }) => ready);
      return (nodes.length === NAMES.length && pods.length === 12) || undefined;
    });
    figure(SCENARIO, 'from `certs renew` to all nodes and pods Ready', (performance.now() - began) / 1000, 's');
    expect(await etcdMembers()).toMatchObject({ healthy: 3 });
  });

  test('no kubelet shows an expired certificate, and nothing is left to do', async () => {
    for (const node of NAMES) {
      expect(Date.parse((await kubeletIdentity(node)).validTo)).toBeGreaterThan(Date.now());
      for (const { validTo } of (await leavesOn(node)).values())
        expect(Date.parse(validTo)).toBeGreaterThan(Date.now());
    }
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
    expect(await bootstrap('certs', 'check', '--live', '-q')).toMatchObject({ status: 0 });
    await until('all is well', async () => ((await bootstrap('status', '-q')).status === 0 ? true : undefined), 120);
  });
});
