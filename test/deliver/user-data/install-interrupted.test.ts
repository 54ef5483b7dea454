import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Bundle } from '../../../src/bundle/bundle.ts';
import { bundle, file, MANIFESTS, manifest, program } from '../../node/node-box.ts';
import { bootFiles, filesOf, machineOf, type ScratchBoot, scratchBoot } from './scratch.ts';

/** Every program that install.sh calls. */
const PROGRAMS = [
  ...[
    'base64',
    'cat',
    'chmod',
    'cp',
    'cut',
    'date',
    'dd',
    'grep',
    'gzip',
    'ln',
    'mkdir',
    'mv',
    'rm',
    'sed',
    'sha256sum',
  ],
  ...['sync', 'tail', 'wc'],
];

const PEM = `-----BEGIN PRIVATE KEY-----\n${Buffer.alloc(90, 7).toString('base64').replace(/.{64}/, '$&\n')}\n-----END PRIVATE KEY-----\n`;
const SMALL = bundle([
  file('/etc/kubernetes/pki/ca.crt', 'certificate\n'),
  { ...file('/etc/kubernetes/pki/ca.key', PEM, { mode: 0o600 }), sensitive: true },
  manifest('etcd', 'etcd\n'),
  manifest('kube-apiserver', 'apiserver\n'),
]);

const boots: ScratchBoot[] = [];
afterEach(() => {
  for (const boot of boots.splice(0)) boot.remove();
});

function machine(wanted: Bundle = SMALL): ScratchBoot {
  const boot = scratchBoot();
  boots.push(boot);
  mkdirSync(boot.at('/var/lib/cloud/scripts/per-boot'), { recursive: true });
  boot.bring(bootFiles(machineOf(wanted)));
  return boot;
}

/** Stand-ins for its programs, which do what these do until the `at`-th call; with that one, something else. */
function shims(boot: ScratchBoot, at: number, what: string) {
  const bin = join(boot.beside, `shims-${at}`);
  const count = join(bin, 'count');
  mkdirSync(bin);
  writeFileSync(count, '');
  const paths = execFileSync('sh', ['-c', 'for p; do command -v "$p"; done', 'sh', ...PROGRAMS], { encoding: 'utf8' });
  const cases = paths
    .trim()
    .split('\n')
    .map((path) => `*/${path.replace(/.*\//, '')}) exec ${path} "$@" ;;`);
  program(
    join(bin, 'shim'),
    `printf . >>'${count}'
read -r dots <'${count}'
[ "\${#dots}" != ${at} ] || { ${what}; }
case $0 in ${cases.join(' ')} esac`,
  );
  for (const name of PROGRAMS) symlinkSync(join(bin, 'shim'), join(bin, name));
  return { env: { PATH: `${bin}:${process.env['PATH']}` }, calls: () => readFileSync(count, 'utf8').length };
}

/** What a kubelet would run is whole, at every moment, and nothing that is noted is missing. */
function expectSound(boot: ScratchBoot, wanted: Bundle): void {
  const tree = boot.tree();
  const all = filesOf(wanted);
  const isPlaced = (path: string) => tree[path] === all[path];
  const runs = Object.keys(tree).filter(
    (path) => path.startsWith(`${MANIFESTS}/`) && !path.startsWith(`${MANIFESTS}/.`),
  );
  for (const path of runs) expect(tree[path]).toBe(all[path]);
  if (runs.length)
    expect(
      Object.keys(all)
        .filter((path) => !path.startsWith(MANIFESTS))
        .every(isPlaced),
    ).toBe(true);
  if (boot.has('/var/lib/bootstrap/current')) expect(Object.keys(all).every(isPlaced)).toBe(true);
  const commands = boot.systemctl();
  if (commands.includes('enable kubelet.service')) expect(boot.has('/var/lib/bootstrap/current')).toBe(true);
}

/** The next boot: cloud-init runs nothing again but what lies in per-boot. */
function nextBoot(boot: ScratchBoot): void {
  const again = '/var/lib/cloud/scripts/per-boot/bootstrap';
  if (!boot.has('/etc/bootstrap/install.sh')) return;
  const ran = boot.has(again) ? boot.run({}, [boot.at(again)]) : boot.run();
  expect(ran.stderr).toMatch(/^(?:bootstrap: all is in place, and the kubelet starts\n)?$/);
  expect(ran.status).toBe(0);
}

function expectWhole(boot: ScratchBoot, wanted: Bundle): void {
  const { '/etc/bootstrap': _, ...tree } = boot.tree();
  const isOwn = (path: string) => path.startsWith('/var/lib/bootstrap');
  const files = Object.entries(tree).filter(([path, what]) => what.startsWith('file ') && !isOwn(path));
  expect(Object.fromEntries(files)).toEqual(filesOf(wanted));
  expect(Object.keys(boot.tree('/var/lib/bootstrap')).filter((path) => !/\/files(\/|$)/.test(path))).toEqual([
    '/var/lib/bootstrap/current',
    '/var/lib/bootstrap/last-known-good',
    '/var/lib/bootstrap/revisions',
    '/var/lib/bootstrap/revisions/1',
    '/var/lib/bootstrap/revisions/1/index',
    '/var/lib/bootstrap/revisions/1/meta',
  ]);
  expect(Object.keys(boot.tree('/etc/bootstrap'))).toEqual([]);
  expect(Object.keys(boot.tree('/var/lib/cloud/scripts/per-boot'))).toEqual([]);
}

const callsOf = (boot: ScratchBoot): number => {
  const { env, calls } = shims(boot, 0, ':');
  expect(boot.run(env).status).toBe(0);
  return calls();
};

describe('a first boot that is broken off', () => {
  test('by a power cut at any of its calls is whole after the next boot', { timeout: 240_000 }, async () => {
    const total = callsOf(machine());
    expect(total).toBeGreaterThan(60);
    for (let at = 1; at <= total; at += 5) {
      const boot = machine();
      const { status } = await boot.start(shims(boot, at, 'kill -KILL 0').env).ended;
      expect(status, `at call ${at}`).toBe(137);
      expectSound(boot, SMALL);
      nextBoot(boot);
      expectWhole(boot, SMALL);
    }
  });

  test('by one power cut after another comes to its end all the same', { timeout: 120_000 }, async () => {
    const boot = machine();
    for (let at = 5; boot.has('/etc/bootstrap/settings'); at += 9) {
      await boot.start(shims(boot, at, 'kill -KILL 0').env).ended;
      expectSound(boot, SMALL);
    }
    nextBoot(boot);
    expectWhole(boot, SMALL);
  });

  test('by the end of its time says so, and goes on at the next boot', { timeout: 120_000 }, async () => {
    const total = callsOf(machine());
    for (let at = 4; at < total - 1; at += 7) {
      const boot = machine();
      // as systemd does it: all of its processes
      const { status, stderr } = await boot.start(shims(boot, at, 'kill -TERM 0; sleep 1').env).ended;
      expect(stderr, `at call ${at}`).toMatch(
        /^(?:Terminated\n)*bootstrap: interrupted; the next boot tries again, or `sh \S+\/etc\/bootstrap\/install\.sh`\n$/,
      );
      expect(status).toBe(143);
      expect(boot.has('/var/lib/bootstrap/lock')).toBe(false);
      expectSound(boot, SMALL);
      nextBoot(boot);
      expectWhole(boot, SMALL);
    }
  });

  test('at whatever moment, by the clock rather than by its calls, is whole after the next boot', {
    timeout: 120_000,
  }, async () => {
    const first = machine();
    const begun = Date.now();
    await first.start().ended;
    const takes = Date.now() - begun;
    for (let i = 1; i <= 20; i += 1) {
      const boot = machine();
      const { child, ended } = boot.start();
      await delay((takes * i) / 20);
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // it has ended already
      }
      await ended;
      expectSound(boot, SMALL);
      nextBoot(boot);
      expectWhole(boot, SMALL);
    }
  });

  test('by a program that fails ends there, says so, and goes on at the next boot', { timeout: 240_000 }, async () => {
    const total = callsOf(machine());
    const ignored = new Set<string>();
    for (let at = 1; at <= total; at += 2) {
      const boot = machine();
      const { env, calls } = shims(boot, at, 'echo "${0##*/}: cannot do that" >&2; exit 1');
      const { status, stderr } = boot.run(env);
      expect(calls(), `at call ${at}`).toBeGreaterThanOrEqual(at);
      const ours = stderr.split('\n').filter((line) => line.startsWith('bootstrap: '));
      expect(ours, `at call ${at}: ${stderr}`).toHaveLength(1);
      if (status === 0) ignored.add(stderr.replace(/:.*/s, ''));
      else expect(ours[0]).toMatch(/; (?:nothing was changed|the next boot tries again, or `sh \S+`)$/);
      expectSound(boot, SMALL);
      nextBoot(boot);
      if (status !== 0) expectWhole(boot, SMALL);
    }
    // the times that are written down, and the lock that counts no more after its time
    expect(['bootstrap', 'cut', 'date']).toEqual(expect.arrayContaining([...ignored]));
  });

  test('after the kubelet of the image has started what lay there already goes on: that is its own etcd', async () => {
    const boot = machine();
    // killed between the last manifest and the record
    const total = callsOf(machine());
    const { status } = await boot.start(shims(boot, total - 12, 'kill -KILL 0').env).ended;
    expect(status).toBe(137);
    expect(boot.has(`${MANIFESTS}/etcd.yaml`)).toBe(true);
    expect(boot.has('/var/lib/bootstrap/current')).toBe(false);
    mkdirSync(boot.at('/var/lib/etcd/member'), { recursive: true });
    nextBoot(boot);
    expectWhole(boot, SMALL);
  });
});
