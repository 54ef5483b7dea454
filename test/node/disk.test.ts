import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { apply, type Box, bundle, facts, file, makeBox, manifest, put, thrown, tree, wholly } from './node-box.ts';

const WHO = 'bootstrap apply by ann@desk (process 1)';

/** `kib` makes its file so large. */
const sample = (word: string, kib = 1) =>
  bundle([
    file('/etc/kubernetes/pki/ca.key', `key ${word}\n`, { mode: 0o600 }),
    file('/etc/kubernetes/large', `${word}\n`.padEnd(kib * 1024, '.')),
    manifest('etcd', `etcd ${word}\n`),
  ]);

const asRoot = (...argv: readonly string[]): boolean => {
  const [program = '', ...args] = process.geteuid?.() === 0 ? argv : ['sudo', '-n', ...argv];
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
};

/** A file system of its own, of one MiB; undefined where nobody may mount one. */
const disk = mkdtempSync(join(tmpdir(), 'bootstrap-disk-'));
const options = `size=1m,mode=700,uid=${process.geteuid?.()},gid=${process.getegid?.()}`;
const isMounted = asRoot('mount', '-t', 'tmpfs', '-o', options, 'bootstrap-test', disk);
if (!isMounted)
  console.warn('SKIPPED: no file system can be mounted, so a full disk is only played (test/node/interrupted.test.ts)');
afterAll(() => {
  if (isMounted) asRoot('umount', disk);
  rmSync(disk, { recursive: true, force: true });
});

describe.runIf(isMounted)('on a disk of its own', () => {
  let box: Box;
  afterEach(() => {
    asRoot('mount', '-o', 'remount,rw', disk);
    for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true, force: true });
    box.remove();
  });

  /** Leaves so much room. */
  const fill = (kib: number) => {
    const { freeBytes } = JSON.parse(
      execFileSync('stat', ['-f', '-c', '{"freeBytes": %a}', disk], { encoding: 'utf8' }),
    ) as { freeBytes: number };
    writeFileSync(join(disk, 'filler'), Buffer.alloc(Math.max(0, freeBytes * 4096 - kib * 1024)));
  };
  const empty = () => rmSync(join(disk, 'filler'), { force: true });

  const withOne = async () => {
    box = makeBox({ root: disk });
    const agent = box.agent();
    await apply(agent, sample('one'));
    await agent.lock(WHO);
    return agent;
  };
  const seen = () => {
    const { '/filler': _, ...rest } = tree(box);
    return rest;
  };

  test('a bundle for which there is no room leaves nothing behind and says how much there is', async () => {
    const agent = await withOne();
    fill(60);
    const error = await thrown(put(agent, sample('two', 100)));
    expect(error.code).toBe('failed');
    expect(error.message).toMatch(
      /^cp1: the files cannot be kept on this node: no space left on the file system of \/var\/lib\/bootstrap \(\d+ KiB and \d+ inodes free\): tar: /,
    );
    expect(readdirSync(box.state('revisions'))).toEqual(['1']);
    expect(seen()).toEqual(wholly(sample('one')));
    empty();
    await put(agent, sample('two', 100));
  });

  test('a bundle that can be kept, but not put in place, changes nothing', async () => {
    const agent = await withOne();
    fill(220);
    const error = await thrown(put(agent, sample('two', 100), 'restart', 60));
    expect(error.message).toMatch(/^cp1: the new files cannot be written: no space left .*; nothing was changed$/);
    expect((await facts(agent)).transaction).toBeUndefined();
    expect(seen()).toEqual(wholly(sample('one')));
    empty();
    expect(await apply(agent, sample('two', 100))).toBe(2);
  });

  test('what was put in place is taken back on a disk without a single free block', async () => {
    const agent = await withOne();
    await put(agent, sample('two'), 'restart', 1);
    fill(0);
    await delay(1100);
    expect(await box.own('expire')).toMatchObject({ status: 0 });
    expect(seen()).toEqual(wholly(sample('one')));
    expect((await facts(agent)).transaction).toBeUndefined();
    empty();
    await put(agent, sample('two'), 'restart', 60);
    fill(0);
    await agent.revert('no room');
    expect(seen()).toEqual(wholly(sample('one')));
  });

  test('what was put in place can be confirmed there as well', async () => {
    const agent = await withOne();
    await put(agent, sample('two'), 'restart', 60);
    fill(0);
    await agent.commit(2);
    expect((await facts(agent)).current).toBe(2);
    expect(await box.own('recover')).toMatchObject({ status: 1 }); // it still cannot be noted
    empty();
    await apply(agent, sample('three'));
    expect((await facts(agent)).current).toBe(3);
  });

  test('a read-only file system is seen, and said', async () => {
    const agent = await withOne();
    await put(agent, sample('two'), 'restart', 60);
    const before = seen();
    expect(asRoot('mount', '-o', 'remount,ro', disk)).toBe(true);
    expect((await facts(agent)).disk.writable).toBe(false);
    expect((await thrown(agent.revert('x'))).message).toContain('Read-only file system');
    expect((await thrown(agent.commit(2))).message).toContain('Read-only file system');
    expect((await thrown(agent.lock(WHO))).message).toContain('Read-only file system');
    expect((await thrown(put(agent, sample('three')))).message).toContain('Read-only file system');
    expect(seen()).toEqual(before);
    expect(asRoot('mount', '-o', 'remount,rw', disk)).toBe(true);
    await agent.revert('it is writable again');
    expect(seen()).toEqual(wholly(sample('one')));
  });
});

describe('without rights', () => {
  test('a directory that cannot be read or written is named', async () => {
    // root may do everything
    const uid = process.geteuid?.() === 0 ? 65534 : undefined;
    const box = makeBox({ ...(uid !== undefined && { uid }) });
    const own = (path: string) => uid !== undefined && execFileSync('chown', ['-R', String(uid), path]);
    try {
      box.write('/etc/kubernetes/secret/file', 'x', 0o600);
      own(box.root);
      const wanted = bundle([file('/etc/kubernetes/secret/file', 'y')], []);
      chmodSync(box.at('/etc/kubernetes/secret'), 0);
      const agent = box.agent();
      expect((await thrown(facts(agent, wanted))).message).toContain('Permission denied');
      chmodSync(box.at('/etc/kubernetes/secret'), 0o500);
      await agent.lock(WHO);
      const error = await thrown(put(agent, wanted));
      expect(error.message).toMatch(/^cp1: the new files cannot be written: .*Permission denied; nothing was changed$/);
      chmodSync(box.at('/etc/kubernetes/secret'), 0o700);
      expect(box.read('/etc/kubernetes/secret/file')).toBe('x');
      chmodSync(box.state(''), 0);
      expect((await thrown(facts(agent, wanted))).message).toBe('cp1: /var/lib/bootstrap: permission denied');
    } finally {
      box.remove();
    }
  });
});
