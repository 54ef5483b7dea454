import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { Secret } from '../../../src/base/secret.ts';
import type { Machine } from '../../../src/deliver/user-data/machine.ts';
import { tarOf } from '../../../src/deliver/user-data/tar.ts';
import { emptyDir } from '../../support/cli.ts';
import { cp1, leftByInstall, secretsIn, without } from './left-by-install.ts';
import { realBundles, SINGLE, treeOf } from './scratch.ts';

let machine: Machine;
beforeAll(async () => {
  machine = cp1(await realBundles(SINGLE));
});
afterEach(() => {
  vi.useRealTimers();
});

/** As root does it on a machine. */
function unpacked(tar: Buffer, root = emptyDir()): string {
  const { status, stderr } = spawnSync('sh', ['-c', 'umask 022; exec tar -xpf - -C "$1"', 'sh', root], { input: tar });
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  return root;
}

function listed(tar: Buffer, ...options: readonly string[]): readonly string[] {
  return execFileSync('tar', ['-t', ...options, '-f', '-', '--quoting-style=literal'], { input: tar })
    .toString()
    .trimEnd()
    .split('\n');
}

test('unpacked, it leaves byte for byte what the first boot of other machines leaves', async () => {
  const root = unpacked(await tarOf(machine, { kind: 'inline' }));
  expect(treeOf(root)).toEqual(leftByInstall(machine));
});

test('what is there already keeps its rights, unless they matter', async () => {
  const root = emptyDir();
  mkdirSync(join(root, 'etc/kubernetes/pki'), { recursive: true, mode: 0o750 });
  mkdirSync(join(root, 'var/lib/bootstrap'), { recursive: true, mode: 0o755 });
  writeFileSync(join(root, 'etc/kubernetes/pki/ca.crt'), 'an old one', { mode: 0o600 });
  const tree = treeOf(unpacked(await tarOf(machine, { kind: 'inline' }), root));
  expect(tree['/etc/kubernetes']).toBe('dir 750');
  expect(tree['/etc/kubernetes/pki']).toBe('dir 755');
  expect(tree['/var/lib/bootstrap']).toBe('dir 700');
  expect(tree['/etc/kubernetes/pki/ca.crt']).toMatch(/^file 644 -----BEGIN CERTIFICATE/);
});

test('certificates come first, manifests last, and then the record that they are there', async () => {
  const names = listed(await tarOf(machine, { kind: 'inline' })).filter((name) => !name.endsWith('/'));
  const isRecord = (name: string) => name.startsWith('var/lib/bootstrap/');
  const first = names.findIndex(isRecord);
  expect(names.slice(first).every(isRecord)).toBe(true);
  expect(names.at(-1)).toBe('var/lib/bootstrap/current');
  const files = names.slice(0, first);
  expect(files.slice(-4).every((name) => name.startsWith('etc/kubernetes/manifests/'))).toBe(true);
  expect(files.filter((name) => name.startsWith('etc/kubernetes/manifests/'))).toHaveLength(4);
  const keys = files.filter((name) => /\.(crt|key|pub)$/.test(name));
  expect(files.slice(0, keys.length)).toEqual(keys);
  expect(names).not.toContain('etc/hostname');
});

test('everything belongs to root, but for what the user has given to others', async () => {
  const lines = listed(await tarOf(machine, { kind: 'inline' }), '-v');
  const foreign = lines.filter((line) => !line.includes(' root/root '));
  expect(foreign).toHaveLength(1);
  expect(foreign[0]).toMatch(/^-rw-r----- daemon\/daemon .* etc\/kubernetes\/extra\/text "a b"$/);
});

test('without secrets it holds nothing secret, nothing that runs and no record', async () => {
  const tar = await tarOf(machine, { kind: 'none' });
  const tree = treeOf(unpacked(tar));
  expect(without(tree, '/var/lib/bootstrap')).toEqual(
    without(leftByInstall(machine, { kind: 'none' }), '/var/lib/bootstrap'),
  );
  expect(tree).not.toHaveProperty('/var/lib/bootstrap');
  const text = tar.toString('latin1');
  expect(text).not.toContain('PRIVATE KEY');
  expect(secretsIn(machine.bundle).filter((line) => text.includes(line))).toEqual([]);
  expect(listed(tar).filter((name) => /manifests\/./.test(name))).toEqual([]);
});

test('the same files are the same bytes, years later', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-01') });
  const tar = await tarOf(machine, { kind: 'inline' });
  vi.setSystemTime(new Date('2028-02-29'));
  expect((await tarOf(machine, { kind: 'inline' })).equals(tar)).toBe(true);
});

test('nothing in a tar can fetch anything, so that is refused', async () => {
  class Key extends Secret {}
  const sealed = { content: Buffer.alloc(0), sha256: '', key: new Key('key') };
  const refused = tarOf(machine, { kind: 'fetch', url: 'https://files.example.com/', sealed });
  await expect(refused).rejects.toThrow(BootstrapError);
  await expect(refused).rejects.toMatchObject({ code: 'usage', hint: expect.stringContaining('cloud-config') });
});
