import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { revisionIndex } from '../../../src/bundle/revision-index.ts';
import { bundle, file, MANIFESTS, manifest } from '../../node/node-box.ts';
import { bootFiles, type Ended, filesOf, machineOf, type ScratchBoot, scratchBoot } from './scratch.ts';

const SMALL = bundle([
  file('/etc/kubernetes/pki/ca.crt', 'certificate\n'),
  file('/etc/kubernetes/pki/ca.key', 'key\n', { mode: 0o600 }),
  file('/var/lib/kubelet/config.yaml', 'kubelet\n'.padEnd(20_000, '.'), { kind: 'kubelet' }),
  manifest('etcd', 'etcd\n'),
  manifest('kube-apiserver', 'apiserver\n'),
]);

const asRoot = (...argv: readonly string[]): boolean => {
  const [program = '', ...args] = process.geteuid?.() === 0 ? argv : ['sudo', '-n', ...argv];
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
};
const options = `size=400k,mode=700,uid=${process.geteuid?.()},gid=${process.getegid?.()}`;
const mounted: string[] = [];
function mount(dir: string): boolean {
  mkdirSync(dir, { recursive: true });
  const works = asRoot('mount', '-t', 'tmpfs', '-o', options, 'bootstrap-test', dir);
  if (works) mounted.unshift(dir);
  return works;
}

/** A file system of its own for the whole machine. */
const disk = mkdtempSync(join(tmpdir(), 'bootstrap-disk-'));
const canMount = mount(disk);
if (!canMount)
  console.warn('SKIPPED: no file system can be mounted, so a full disk is only played (install-interrupted.test.ts)');

const boots: ScratchBoot[] = [];
afterEach(() => {
  for (const dir of mounted.filter((each) => each !== disk)) {
    asRoot('umount', dir);
    mounted.splice(mounted.indexOf(dir), 1);
  }
  for (const boot of boots.splice(0)) boot.remove();
  for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true, force: true });
});
afterAll(() => {
  if (canMount) asRoot('umount', disk);
  rmSync(disk, { recursive: true, force: true });
});

function machine(root?: string): ScratchBoot {
  const boot = scratchBoot(root === undefined ? {} : { root });
  boots.push(boot);
  return boot;
}

function expectSaid({ status, stderr }: Ended, cause: RegExp): void {
  expect(status).not.toBe(0);
  expect(stderr).toMatch(cause);
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
    /^bootstrap: [^:]*; the next boot tries again, or `sh \S+\/etc\/bootstrap\/install\.sh`$/,
  );
}

const placed = (boot: ScratchBoot) =>
  Object.keys(filesOf(SMALL)).filter((path) => boot.tree()[path] === filesOf(SMALL)[path]);

describe.runIf(canMount)('a first boot', () => {
  test('on a disk with too little room says so and starts nothing, and is whole once there is room', () => {
    let failed = 0;
    for (let kib = 0; ; kib += 12) {
      const boot = machine(disk);
      boot.bring(bootFiles(machineOf(SMALL)));
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - kib * 1024)));
      const ended = boot.run();
      rmSync(join(disk, 'filler'));
      if (ended.status === 0) {
        expect(boot.read('/var/lib/bootstrap/revisions/1/index')).toBe(revisionIndex(SMALL));
        expect(placed(boot)).toHaveLength(5);
        break;
      }
      failed += 1;
      expectSaid(ended, /No space left on device|I\/O error/);
      expect(boot.systemctl()).not.toContain('restart --no-block kubelet.service');
      expect(boot.has('/var/lib/bootstrap/current') && placed(boot).length < 5).toBe(false);
      for (const name of boot.has(MANIFESTS)
        ? readdirSync(boot.at(MANIFESTS)).filter((each) => !each.startsWith('.'))
        : [])
        expect(placed(boot)).toContain(`${MANIFESTS}/${name}`);
      expect(boot.run()).toMatchObject({
        status: 0,
        stderr: 'bootstrap: all is in place, and the kubelet starts\n',
      });
      expect(placed(boot)).toHaveLength(5);
      for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true, force: true });
    }
    expect(failed).toBeGreaterThan(5);
  });

  test.each(['/etc', '/etc/kubernetes', '/var/lib', '/var/lib/kubelet'])(
    'with a read-only %s says so and starts nothing, and is whole once it can be written',
    (path) => {
      const boot = machine();
      expect(mount(boot.at(path))).toBe(true);
      boot.bring(bootFiles(machineOf(SMALL)));
      expect(asRoot('mount', '-o', 'remount,ro', boot.at(path))).toBe(true);
      expectSaid(boot.run(), /Read-only file system/);
      expect(boot.systemctl()).not.toContain('restart --no-block kubelet.service');
      expect(boot.has('/var/lib/bootstrap/current')).toBe(false);
      expect(boot.tree(MANIFESTS)).toEqual({});
      expect(asRoot('mount', '-o', 'remount,rw', boot.at(path))).toBe(true);
      expect(boot.run()).toMatchObject({ status: 0 });
      expect(placed(boot)).toHaveLength(5);
    },
  );
});
