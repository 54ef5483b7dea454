import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { loadUnifiedDiff } from '../../../src/base/unified-diff.ts';
import { type Bundle, bundleDigest } from '../../../src/bundle/bundle.ts';
import { revisionIndex } from '../../../src/bundle/revision-index.ts';
import { withoutSecrets } from '../../../src/deliver/user-data/machine.ts';
import { nodeChanges, planNode } from '../../../src/rollout/plan/plan-node.ts';
import { apply, bundle, facts, file, MANIFESTS, makeBox, manifest, put, sample } from '../../node/node-box.ts';
import {
  bootFiles,
  filesOf,
  machineOf,
  realBundles,
  type ScratchBoot,
  type ScratchOptions,
  SINGLE,
  scratchBoot,
} from './scratch.ts';
import { canTrace, traced } from './trace.ts';

const WHO = 'bootstrap apply by ann@desk (process 1)';
const DONE = 'bootstrap: all is in place, and the kubelet starts\n';
const START = ['daemon-reload', 'enable kubelet.service', 'restart --no-block kubelet.service'];
/** A secret that is easily found wherever it lies. */
const SECRET = 'hunter2-key-material';
const UNIT = '/etc/systemd/system/kubelet.service';

/** Every kind of file, small. */
const SMALL = bundle([
  file('/etc/kubernetes/pki/ca.crt', 'certificate\n'),
  { ...file('/etc/kubernetes/pki/ca.key', `${SECRET}\n`, { mode: 0o600 }), sensitive: true },
  { ...file('/etc/kubernetes/admin.conf', `${SECRET}\n`, { mode: 0o600 }), sensitive: true },
  file('/var/lib/kubelet/config.yaml', 'kubelet\n', { mode: 0o600, kind: 'kubelet' }),
  file('/etc/systemd/system/kubelet.service.d/20-bootstrap.conf', '[Service]\n', { kind: 'kubelet-unit' }),
  manifest('etcd', 'etcd\n'),
  manifest('kube-apiserver', 'apiserver\n'),
]);

const boots: ScratchBoot[] = [];
afterEach(() => {
  for (const boot of boots.splice(0)) boot.remove();
});

/** A machine that was handed its user-data and has not run it yet. */
function machine(wanted: Bundle = SMALL, options: ScratchOptions = {}): ScratchBoot {
  const boot = scratchBoot(options);
  boots.push(boot);
  boot.bring(bootFiles(machineOf(wanted)));
  return boot;
}

/** All but bootstrap's own records, what was handed over, and the units that node.sh writes. */
function rest(boot: ScratchBoot): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(boot.tree()).filter(
      ([path]) => !/^\/(?:var\/lib|etc)\/bootstrap(?:\/|$)|\/bootstrap-(?:confirm|recover)\./.test(path),
    ),
  );
}

/** The files of it, wherever they lie. */
const files = (tree: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(tree).filter(([, what]) => what.startsWith('file ')));

function expectWhole(boot: ScratchBoot, wanted: Bundle): void {
  expect(files(rest(boot))).toEqual(filesOf(wanted));
  for (const { path, mode } of wanted.directories) expect(boot.tree()[path]).toBe(`dir ${mode.toString(8)}`);
  expect(boot.read('/var/lib/bootstrap/current')).toBe('1\n');
  expect(boot.has('/etc/bootstrap')).toBe(false);
}

/** What an admin would be told: no key, and in the last line what is wrong. */
function expectFails(
  { status, stdout, stderr }: { status: number; stdout: string; stderr: string },
  line: RegExp,
): void {
  expect(status).toBe(1);
  const lines = `${stdout}${stderr}`.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(line);
  expect(lines.filter((each) => each.startsWith('bootstrap: '))).toHaveLength(1);
  expect(lines.join('\n')).not.toContain(SECRET);
}

describe('a first boot', () => {
  test('leaves what apply leaves: every file and directory, the revision, what is current', async () => {
    const [wanted] = await realBundles(SINGLE);
    if (!wanted) throw new Error('no bundle');
    const boot = machine(wanted);
    expect(boot.run()).toEqual({ status: 0, stdout: '', stderr: DONE });
    expectWhole(boot, wanted);
    expect(boot.read('/var/lib/bootstrap/revisions/1/index')).toBe(revisionIndex(wanted));

    const other = scratchBoot();
    boots.push(other);
    const box = makeBox({ root: other.root });
    try {
      await apply(box.agent(), wanted);
      expect(rest(boot)).toEqual(rest(other));
      const records = (of: ScratchBoot) => {
        const {
          '/node.sh': _,
          '/revisions/1/node.sh': __,
          ...more
        } = Object.fromEntries(
          Object.entries(of.tree('/var/lib/bootstrap')).map(([path, what]) => [
            path.slice('/var/lib/bootstrap'.length),
            what,
          ]),
        );
        const text = (more['/revisions/1/index'] ?? '').replace(/^s\t.*\n/m, '');
        const meta = (more['/revisions/1/meta'] ?? '').replace(/\t.*/, '');
        return { ...more, '/revisions/1/index': text, '/revisions/1/meta': meta };
      };
      expect(records(boot)).toEqual(records(other));
    } finally {
      box.remove();
    }
  });

  test('leaves nothing for plan to do', async () => {
    const [wanted] = await realBundles(SINGLE);
    if (!wanted) throw new Error('no bundle');
    const boot = machine(wanted);
    boot.run();
    boot.write(
      '/usr/bin/systemctl',
      '#!/bin/sh\necho LoadState=loaded; echo ActiveState=active; echo UnitFileState=enabled\n',
      0o755,
    );
    const box = makeBox({ root: boot.root });
    try {
      const seen = await facts(box.agent(), wanted);
      expect(seen.current).toBe(1);
      expect(seen.revisions).toMatchObject([{ number: 1, digest: bundleDigest(wanted), by: 'user-data' }]);
      expect(seen.lock).toBeUndefined();
      const plan = planNode({
        bundle: wanted,
        facts: seen,
        contents: new Map(),
        now: Date.now(),
        diff: await loadUnifiedDiff(),
      });
      expect(plan).toMatchObject({ changes: [], drift: [], strays: [], kubelet: 'none' });
      expect(nodeChanges(plan)).toBe(false);
    } finally {
      box.remove();
    }
  });

  test('stops a kubelet that the image has started, and starts it with the new files', () => {
    const boot = machine();
    expect(boot.run().status).toBe(0);
    expect(boot.systemctl()).toEqual(['stop kubelet.service', ...START]);
  });

  test('brings the unit of the kubelet where the image has none', () => {
    const wanted = bundle([...SMALL.files, file(UNIT, '[Unit]\n', { kind: 'kubelet-unit' })]);
    const boot = machine(wanted, { unit: 'not-found' });
    expect(boot.run()).toMatchObject({ status: 0, stderr: DONE });
    expectWhole(boot, wanted);
    expect(boot.systemctl()).toEqual(START);
  });

  test('changes nothing on an image without a kubelet', () => {
    const boot = machine(SMALL, { unit: 'not-found' });
    const before = rest(boot);
    expectFails(
      boot.run(),
      /^bootstrap: there is no kubelet\.service: the image has to bring the kubelet; nothing was changed$/,
    );
    expect(rest(boot)).toEqual(before);
    expect(boot.systemctl()).toEqual([]);
  });

  test('once more changes no file and only starts the kubelet again; without its files it does nothing at all', () => {
    const boot = machine();
    const script = readFileSync(boot.at('/etc/bootstrap/install.sh'), 'utf8');
    boot.run();
    boot.systemctl();
    const before = boot.tree();
    boot.bring(bootFiles(machineOf(SMALL)));
    expect(boot.run()).toMatchObject({ status: 0, stderr: DONE });
    expect(boot.systemctl()).toEqual(START);
    expect(boot.tree()).toEqual(before);
    expect(boot.run({}, ['sh', '-c', script])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(boot.systemctl()).toEqual([]);
    expect(boot.tree()).toEqual(before);
  });

  test('of a machine that has another revision already changes nothing and leaves no secrets lying', () => {
    const boot = machine();
    boot.run();
    boot.systemctl();
    const before = boot.tree();
    boot.bring(bootFiles(machineOf(sample('other'))));
    expectFails(
      boot.run(),
      /^bootstrap: this machine has revision 1 already, of \S+Z by user-data; nothing was changed$/,
    );
    expect(boot.tree()).toEqual(before);
    expect(boot.systemctl()).toEqual([]);
  });

  test('changes nothing where etcd has data already', () => {
    const boot = machine();
    mkdirSync(boot.at('/var/lib/etcd/member'), { recursive: true });
    const before = boot.tree();
    expectFails(
      boot.run(),
      /^bootstrap: \/var\/lib\/etcd holds an etcd member's data already: run `bootstrap apply`; nothing was changed$/,
    );
    expect(boot.tree()).toEqual(before);
    expect(boot.systemctl()).toEqual([]);
  });

  test('says where the kubelet does not start, and starts it when it is run again', () => {
    const boot = machine();
    // the first question is answered, and the kubelet stopped
    const fails = `#!/bin/sh\ncase $1 in show) echo LoadState=loaded ;; restart) echo 'Job failed.' >&2; exit 1 ;; esac\n`;
    boot.write('/usr/bin/systemctl', fails, 0o755);
    expectFails(
      boot.run(),
      /^bootstrap: the kubelet cannot be started; the next boot tries again, or `sh \S+\/etc\/bootstrap\/install\.sh`$/,
    );
    expect(boot.has('/etc/bootstrap/settings')).toBe(true);
    boot.write('/usr/bin/systemctl', '#!/bin/sh\n', 0o755);
    expect(boot.run().status).toBe(0);
    expectWhole(boot, SMALL);
  });

  test('is whatever the caller has set: umask, locale, directory, CDPATH, IFS', () => {
    const boot = machine(sample('one'));
    const env = { LC_ALL: 'C.UTF-8', IFS: '/', CDPATH: '/tmp', TMPDIR: '/nowhere', POSIXLY_CORRECT: '1', GZIP: '-v' };
    const script = boot.at('/etc/bootstrap/install.sh');
    expect(boot.run(env, ['sh', '-c', `umask 000; cd /tmp; exec sh '${script}'`])).toMatchObject({ status: 0 });
    expectWhole(boot, sample('one'));
  });

  test('is the same in bash', () => {
    const boot = machine();
    expect(boot.run({}, ['bash', '--posix', boot.at('/etc/bootstrap/install.sh')])).toMatchObject({
      status: 0,
      stderr: DONE,
    });
    expectWhole(boot, SMALL);
  });
});

describe.runIf(canTrace())('at every moment of a first boot', () => {
  test('no file with a secret has rights for others, and everything comes in its order', async () => {
    const [wanted] = await realBundles(SINGLE);
    if (!wanted) throw new Error('no bundle');
    const boot = machine(wanted);
    const { ended, events } = traced(boot);
    expect(ended).toMatchObject({ status: 0, stderr: DONE });
    expectWhole(boot, wanted);

    // whatever comes into being is for root alone; later only what is no secret is opened to others
    const born = events.flatMap((event) => (event.kind === 'made' ? [event] : []));
    expect(born.length).toBeGreaterThan(100);
    expect(born.filter(({ mode }) => (mode & 0o077) !== 0)).toEqual([]);
    const opened = events.flatMap((event) => (event.kind === 'mode' && event.mode & 0o077 ? [event.path] : []));
    const secret = wanted.files.filter((each) => each.sensitive).map(({ path }) => path);
    expect(secret.length).toBeGreaterThan(10);
    const hidden = (path: string) => path.replace(/([^/]*)$/, '.$1.bootstrap-new');
    for (const path of secret) expect(opened).not.toContain(hidden(path));
    expect(opened.filter((path) => path.startsWith('/var/lib/bootstrap'))).toEqual([]);

    // every file gets its name by a rename, the manifests after everything else
    const renames = events.flatMap((event) => (event.kind === 'renamed' ? [event] : []));
    const placed = renames.filter(({ path }) => wanted.files.some((each) => each.path === path));
    expect(placed.map(({ path }) => path).sort()).toEqual(wanted.files.map(({ path }) => path));
    for (const { from, path } of placed) expect(from).toBe(hidden(path));
    const made = new Set(events.flatMap((event) => (event.kind === 'made' ? [event.path] : [])));
    expect(wanted.files.filter(({ path }) => made.has(path))).toEqual([]);
    const kinds = placed.map(({ path }) =>
      path.startsWith(MANIFESTS) ? 'manifest' : /\.(?:crt|key|pub)$/.test(path) ? 'certificate' : 'other',
    );
    expect(kinds.filter((kind, i) => kind !== kinds[i - 1])).toEqual(['certificate', 'other', 'manifest']);

    // and systemd is told when all of it is there and noted, the kubelet last
    const told = events.flatMap((event, i) => {
      const verb = event.kind === 'ran' ? /systemctl (.*)$/.exec(event.argv)?.[1] : undefined;
      return verb === undefined ? [] : [{ verb, i }];
    });
    expect(told.map(({ verb }) => verb)).toEqual([
      'show -p LoadState kubelet.service',
      'stop kubelet.service',
      ...START,
    ]);
    const at = (path: string) => events.findIndex((event) => event.kind === 'renamed' && event.path === path);
    expect(told[1]?.i).toBeLessThan(events.indexOf(placed[0] ?? (events[0] as never)));
    expect(told[2]?.i).toBeGreaterThan(at('/var/lib/bootstrap/current'));
    expect(at('/var/lib/bootstrap/current')).toBeGreaterThan(at('/var/lib/bootstrap/revisions/1'));
    expect(at('/var/lib/bootstrap/revisions/1')).toBeGreaterThan(events.indexOf(placed.at(-1) ?? (events[0] as never)));
  }, 120_000);
});

describe('a payload', () => {
  test('with one bit that is wrong is told, wherever it is, and changes nothing', () => {
    const boot = machine();
    const payload = readFileSync(boot.at('/etc/bootstrap/payload'));
    const before = rest(boot);
    for (let i = 0; i < 16; i += 1) {
      const at = 10 + Math.floor(((payload.length - 10) * i) / 16);
      const damaged = Buffer.from(payload);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (i % 8));
      boot.write('/etc/bootstrap/payload', damaged, 0o600);
      expectFails(boot.run(), /^bootstrap: the payload .*nothing was changed/);
      expect(rest(boot)).toEqual(before);
      expect(boot.has('/var/lib/bootstrap/current')).toBe(false);
    }
    expect(boot.systemctl()).not.toContain('restart --no-block kubelet.service');
    boot.write('/etc/bootstrap/payload', payload, 0o600);
    expect(boot.run()).toMatchObject({ status: 0, stderr: DONE });
    expectWhole(boot, SMALL);
  });

  test('that is another one than its settings say is told', () => {
    const boot = machine();
    const unpacked = gunzipSync(readFileSync(boot.at('/etc/bootstrap/payload')));
    for (const [word, other] of [
      ['certificate', 'certificatf'],
      ['\t644\t', '\t666\t'],
      ['root:root', 'root:disk'],
    ] as const) {
      const changed = unpacked.toString('latin1').replace(word, other);
      boot.write('/etc/bootstrap/payload', gzipSync(Buffer.from(changed, 'latin1')), 0o600);
      expectFails(boot.run(), /^bootstrap: the payload is damaged; nothing was changed$/);
    }
    expect(files(rest(boot))).toEqual({});
  });

  test('that is cut off is told, also where nothing of it has come', () => {
    const boot = machine();
    const payload = readFileSync(boot.at('/etc/bootstrap/payload'));
    for (const length of [payload.length - 1, payload.length - 8, payload.length >> 1, 20, 5, 0]) {
      boot.write('/etc/bootstrap/payload', payload.subarray(0, length), 0o600);
      expectFails(boot.run(), /^bootstrap: the payload .*nothing was changed/);
    }
    rmSync(boot.at('/etc/bootstrap/payload'));
    expectFails(boot.run(), /^bootstrap: the payload .*nothing was changed/);
    expect(files(rest(boot))).toEqual({});
  });
});

describe('user-data without secrets', () => {
  const none = () => {
    const boot = scratchBoot();
    boots.push(boot);
    boot.bring(bootFiles(machineOf(SMALL), { kind: 'none' }));
    return boot;
  };

  test('leaves a machine that waits: no secret, no manifest, no revision, and a kubelet that does not start', () => {
    const boot = none();
    expect(boot.run()).toEqual({
      status: 0,
      stdout: '',
      stderr: 'bootstrap: the kubelet waits for the secrets: run `bootstrap apply`\n',
    });
    expect(files(rest(boot))).toEqual(filesOf(withoutSecrets(SMALL)));
    expect(Object.keys(boot.tree(MANIFESTS))).toEqual([]);
    expect(files(boot.tree('/var/lib/bootstrap'))).toEqual({});
    expect(JSON.stringify(boot.tree())).not.toContain(SECRET);
    expect(boot.has('/etc/bootstrap')).toBe(false);
    expect(boot.systemctl()).toEqual(['stop kubelet.service', 'disable kubelet.service']);
  });

  test('is completed by apply, after which the machine is like every other', async () => {
    const boot = none();
    boot.run();
    const box = makeBox({ root: boot.root });
    try {
      boot.systemctl();
      expect(await apply(box.agent(), SMALL, 'start')).toBe(1);
      expect(boot.systemctl()).toEqual(
        expect.arrayContaining(['--no-reload enable kubelet.service', 'restart kubelet.service']),
      );
      expect(rest(boot)).toMatchObject(filesOf(SMALL));
      // its user-data once more, as after a boot that was interrupted
      boot.bring(bootFiles(machineOf(SMALL), { kind: 'none' }));
      expect(boot.run().status).toBe(0);
      expect(boot.systemctl()).toEqual(expect.not.arrayContaining(['stop kubelet.service', 'disable kubelet.service']));
      expect(rest(boot)).toMatchObject(filesOf(SMALL));
    } finally {
      box.remove();
    }
  });
});

describe('after a first boot', () => {
  test('apply brings the next revision, and rollback the first one again, which has no script of its own', async () => {
    const boot = machine();
    boot.run();
    const box = makeBox({ root: boot.root });
    try {
      const next = bundle([...SMALL.files.slice(1), file('/etc/kubernetes/new', 'new\n')]);
      const agent = box.agent();
      expect(await apply(agent, next, 'restart', 60)).toBe(2);
      expect(rest(boot)).toMatchObject(filesOf(next));
      expect((await facts(agent)).current).toBe(2);
      const script = boot.read('/var/lib/bootstrap/node.sh');

      await agent.lock(WHO);
      await agent.activate(1, { kubelet: 'restart', confirmSeconds: 60 });
      // what takes it back after a minute, or at a boot, is there
      expect(boot.read('/var/lib/bootstrap/node.sh')).toBe(script);
      expect(boot.systemctl()).toContain('restart bootstrap-confirm.timer');
      await agent.commit(1);
      await agent.unlock();
      expect(files(rest(boot))).toEqual(filesOf(SMALL));
      expect((await facts(agent)).current).toBe(1);
    } finally {
      box.remove();
    }
  });

  test('the first revision can be put back where no other was ever put in place', async () => {
    const boot = machine();
    boot.run();
    const box = makeBox({ root: boot.root });
    try {
      const agent = box.agent();
      await agent.lock(WHO);
      boot.write('/etc/kubernetes/admin.conf', 'changed by hand\n', 0o600);
      const error = await agent.activate(1, { kubelet: 'none', confirmSeconds: 60 }).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({
        message: expect.stringContaining('no revision on this node holds node.sh; apply first'),
      });
      expect(boot.read('/etc/kubernetes/admin.conf')).toBe('changed by hand\n');
      // one that was only brought here is enough
      await agent.stage(sample('next'), bundleDigest(sample('next')), 'ann@desk');
      await agent.activate(1, { kubelet: 'none', confirmSeconds: 60 });
      await agent.commit(1);
      expect(rest(boot)).toMatchObject(filesOf(SMALL));
      expect(boot.read('/var/lib/bootstrap/node.sh')).toBe(boot.read('/var/lib/bootstrap/revisions/2/node.sh'));
    } finally {
      box.remove();
    }
  });
});

describe('a first boot and an apply at the same time', () => {
  test('do not meet: the boot waits while apply holds the lock, and then has nothing left to do', async () => {
    const boot = machine();
    const box = makeBox({ root: boot.root });
    try {
      const agent = box.agent();
      await agent.lock(WHO);
      const { ended } = boot.start();
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(files(rest(boot))).toEqual({});
      const number = await put(agent, SMALL, 'start');
      boot.systemctl();
      await agent.commit(number);
      await agent.unlock();
      const { status, stderr } = await ended;
      expect(stderr).toMatch(/^bootstrap: waiting for bootstrap apply by ann@desk \(process 1\), since \S+Z\n/);
      expect(status).toBe(0);
      expect(boot.systemctl()).toEqual(START);
      expect(boot.has('/etc/bootstrap')).toBe(false);
      expect((await facts(agent)).revisions).toMatchObject([{ number: 1, by: 'ann@desk' }]);
    } finally {
      box.remove();
    }
  });

  test('do not meet: apply is told who is at work while the boot is, and its lock goes with it', async () => {
    const boot = machine();
    // the kubelet takes its time to start
    boot.write('/usr/bin/systemctl', `#!/bin/sh\n[ "$1" != restart ] || sleep 1.5\n`, 0o755);
    const box = makeBox({ root: boot.root });
    try {
      const { ended } = boot.start();
      while (!boot.has('/var/lib/bootstrap/current')) await new Promise((resolve) => setTimeout(resolve, 50));
      const error = await box
        .agent()
        .lock(WHO)
        .catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ code: 'locked', message: expect.stringContaining('its user-data') });
      expect((await ended).status).toBe(0);
      await box.agent().lock(WHO);
    } finally {
      box.remove();
    }
  });

  test('do not meet: what an apply that has died was about to do is left to it', async () => {
    const boot = machine();
    const box = makeBox({ root: boot.root });
    try {
      const agent = box.agent();
      await agent.lock(WHO);
      await put(agent, sample('other'), 'start', 60);
      rmSync(boot.at('/var/lib/bootstrap/lock')); // as when its time is over
      const before = rest(boot);
      expectFails(
        boot.run(),
        /^bootstrap: what `bootstrap apply` has begun here is not confirmed yet; nothing was changed$/,
      );
      expect(rest(boot)).toEqual(before);
    } finally {
      box.remove();
    }
  });
});
