import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { anotherFlag, bareHosts, must, NAMES } from './cluster.ts';
import { figure } from './figures.ts';
import { etcdMembers, filesOn, staticPods } from './kube.ts';
import { HOME } from './places.ts';
import { ended, inHost, rig, startRig } from './rig.ts';
import { until } from './until.ts';

const SCENARIO = 'user-data';
const OUT = join(HOME, 'user-data');
/** The rig's admin side, as its hosts see it. */
const SERVER = '10.99.0.1:8099';

describe('empty machines become masters by themselves', { timeout: 15 * 60_000 }, () => {
  test('three with nothing but their user-data are a cluster, and nobody has logged in', async () => {
    await bareHosts();
    must(await bootstrap('user-data', '--provider', 'nocloud', '--out', OUT));
    const began = await bootWith(NAMES);
    // admin.conf has its rights from here on; that takes no SSH either
    must(await bootstrap('apply', '--objects', '--yes'));
    figure(SCENARIO, 'power on to an API with its objects', (Date.now() - began) / 1000, 's');
    await allReady();
    figure(SCENARIO, 'power on to 12 of 12 pods Ready', (Date.now() - began) / 1000, 's');
    expect(await etcdMembers()).toMatchObject({ healthy: 3 });
    for (const name of NAMES) {
      expect(await inHost(name, 'cloud-init status'), name).toContain('status: done');
      expect(await logins(name), name).toBe('');
    }
  });

  test('`plan` finds nothing to do, and `status` nothing wrong', async () => {
    const plan = await bootstrap('plan');
    expect([plan.status, plan.stdout]).toEqual([0, expect.stringContaining('nothing to do')]);
    expect(await bootstrap('status')).toMatchObject({ status: 0 });
  });

  test('no key can be read by others, and nothing of the first boot is left', async () => {
    for (const name of NAMES) {
      expect(await inHost(name, 'ls -d /etc/bootstrap /var/lib/cloud/scripts/per-boot/* 2>/dev/null || true')).toBe('');
      const open = 'grep -rlE -- "-----BEGIN [A-Z ]*PRIVATE KEY" /etc/kubernetes /var/lib/bootstrap /var/lib/cloud';
      const readable = await inHost(name, `${open} | xargs -r stat -c "%a %n" | grep -v "^600 " || true`);
      expect(readable, name).toBe('');
    }
  });

  test('after a power cut nothing runs twice: the same files, the same revision', async () => {
    const before = await filesOn('cp2');
    await rig('kill', 'cp2');
    await rig('start', 'cp2');
    // until then the API shows its pods as they were
    const runs = async () => (await inHost('cp2', 'systemctl is-active kubelet || true')) === 'active\n' || undefined;
    await until('the kubelet of cp2 runs again', runs);
    await allReady();
    expect(await filesOn('cp2')).toEqual(before);
    expect(await inHost('cp2', 'cat /var/lib/bootstrap/current')).toBe('1\n');
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  });

  test('`apply` goes on from there, and `rollback` comes back to it', async () => {
    anotherFlag('scheduler');
    must(await bootstrap('apply', '--yes'));
    must(await bootstrap('rollback', '--yes', '--to', '1'));
    expect(await inHost('cp1', 'cat /var/lib/bootstrap/current')).toBe('1\n');
    must(await bootstrap('apply', '--yes'));
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  });
});

describe('secrets that are not in the user-data', { timeout: 15 * 60_000 }, () => {
  test('with --secrets none the kubelets wait until `apply` has brought them', async () => {
    await bareHosts();
    must(await bootstrap('user-data', '--provider', 'nocloud', '--out', OUT, '--secrets', 'none'));
    await bootWith(NAMES);
    for (const name of NAMES) {
      await until(`cloud-init has ended on ${name}`, () => isDone(name));
      expect(await inHost(name, 'systemctl is-active kubelet || true'), name).toBe('inactive\n');
      const keys = 'find /etc/kubernetes /var/lib/kubelet -name "*.key" -o -name admin.conf';
      expect(await inHost(name, keys), name).toBe('');
    }
    must(await bootstrap('apply', '--yes'));
    await allReady();
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  });

  test('with --secrets fetch they stay as they are until the bundle is there, and are a cluster then', async () => {
    await bareHosts();
    const fetched = ['--secrets', 'fetch', '--url', `http://${SERVER}/`];
    must(await bootstrap('user-data', '--provider', 'nocloud', '--out', OUT, ...fetched));
    await bootWith(NAMES);
    for (const name of NAMES) {
      const told = async () =>
        /cannot be fetched from .* yet/.test(await inHost(name, 'cat /var/log/cloud-init-output.log')) || undefined;
      await until(`${name} says what it waits for`, told);
      expect(await inHost(name, 'ls -A /etc/kubernetes/manifests 2>/dev/null || true'), name).toBe('');
    }
    const server = startRig(['admin', 'python3', '-m', 'http.server', '8099', '--directory', OUT]);
    try {
      must(await bootstrap('apply', '--objects', '--yes'));
      await allReady();
    } finally {
      server.kill();
      await ended(server);
    }
    for (const name of NAMES) expect(await logins(name), name).toBe('');
    expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  });
});

/** Power on, with empty disks and the user-data that was made. Milliseconds since the epoch of when. */
async function bootWith(names: readonly string[]): Promise<number> {
  await rig('fresh', ...names);
  for (const name of names) await rig('seed', name, join(OUT, name, 'user-data'), join(OUT, name, 'meta-data'));
  const began = Date.now();
  await rig('start', ...names);
  return began;
}

async function allReady(): Promise<void> {
  await until('12 of 12 static pods are Ready', async () => {
    const found = await staticPods();
    return (found.length === 12 && found.every(({ ready }) => ready)) || undefined;
  });
}

const isDone = async (name: string) =>
  (await inHost(name, 'cloud-init status || true')).includes('status: done') || undefined;

/** Who has logged in over SSH; empty where nobody has. */
const logins = (name: string): Promise<string> =>
  inHost(name, 'journalctl -q --no-pager -o cat | grep -E "^Accepted " || true');
