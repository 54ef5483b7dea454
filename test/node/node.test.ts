import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { bundleDigest } from '../../src/bundle/bundle.ts';
import {
  apply,
  type Box,
  bundle,
  facts,
  file,
  MANIFESTS,
  makeBox,
  manifest,
  put,
  SCRIPT,
  sample,
  thrown,
  tree,
  wholly,
} from './node-box.ts';
import { spy } from './shims.ts';

const IDENTITY = '/var/lib/kubelet/pki/kubelet-client-current.pem';
const KEPT = '/var/lib/kubelet/pki/kubelet-client-bootstrap.pem';
const WHO = 'bootstrap apply by ann@desk (process 1)';

const boxes: Box[] = [];
afterEach(() => {
  for (const box of boxes.splice(0)) box.remove();
});

describe.each(['dash', 'bash'])('on a node whose sh is %s', (shell) => {
  const newBox = (): Box => {
    const box = makeBox({ shell });
    boxes.push(box);
    return box;
  };

  /** A node with `sample('one')` committed. */
  const withOne = async () => {
    const box = newBox();
    const agent = box.agent();
    await apply(agent, sample('one'));
    box.systemctl();
    return { box, agent };
  };

  test('a bare node can be read, and nothing is written there by that', async () => {
    const box = newBox();
    box.write('/var/lib/etcd/member/snap/db', 'x');
    box.write(`${MANIFESTS}/stray.yaml.bak`, 'pod');
    box.write(`${MANIFESTS}/.hidden`, 'no pod');
    box.write('/etc/hosts', 'localhost\n', 0o640);
    symlinkSync('/nowhere', box.at('/etc/broken'));
    mkdirSync(box.at('/etc/kubernetes/admin.conf'));
    const before = tree(box);
    const seen = await box.agent().facts({
      paths: ['/etc/hosts', '/etc/broken', '/etc/kubernetes/admin.conf', '/etc/missing', '/etc/hosts/below-a-file'],
      etcdDataDir: '/var/lib/etcd',
      manifestsDir: MANIFESTS,
    });
    expect(seen).toMatchObject({
      kubelet: { active: 'active', enabled: 'enabled' },
      disk: { writable: true },
      hasEtcdData: true,
      manifests: ['stray.yaml.bak'],
      revisions: [],
      current: undefined,
      index: [],
      transaction: undefined,
      lock: undefined,
      reverted: undefined,
    });
    expect(seen.disk.freeBytes).toBeGreaterThan(0);
    expect(Math.abs(seen.clock - Date.now())).toBeLessThan(60_000);
    expect([...seen.files]).toEqual([
      [
        '/etc/hosts',
        {
          type: 'file',
          sha256: createHash('sha256').update('localhost\n').digest('hex'),
          mode: 0o640,
          owner: 'root:root',
        },
      ],
      ['/etc/kubernetes/admin.conf', expect.objectContaining({ type: 'other', sha256: '' })],
      ['/etc/broken', expect.objectContaining({ type: 'other', sha256: '' })],
    ]);
    expect(tree(box)).toEqual(before);
    expect(box.has('/var/lib/bootstrap')).toBe(false);
  });

  test('a first revision is put in place, with rights, directories and owners, and the kubelet started', async () => {
    const box = newBox();
    const agent = box.agent();
    const one = sample('one');
    await agent.lock(WHO);
    const number = await agent.stage(one, bundleDigest(one), 'ann@desk');
    const { placed, removed } = await agent.activate(number, { kubelet: 'start', confirmSeconds: 60 });
    expect(number).toBe(1);
    expect([...placed].sort()).toEqual(one.files.map(({ path }) => path));
    expect(placed.at(-1)).toContain(MANIFESTS);
    expect(removed).toEqual([]);
    expect(tree(box)).toEqual(wholly(one));
    expect(box.mode(MANIFESTS)).toBe(0o700);
    expect(box.mode('/etc/kubernetes/pki')).toBe(0o755);
    expect(box.mode('/opt/extra/a b')).toBe(0o755);
    expect(box.systemctl()).toEqual([
      '--no-reload enable bootstrap-recover.service',
      'daemon-reload',
      'restart bootstrap-confirm.timer',
      '--no-reload enable kubelet.service',
      'daemon-reload',
      'restart kubelet.service',
    ]);
    const seen = await facts(agent);
    expect(seen.transaction).toEqual({ state: 'placed', to: 1, from: 0, digest: bundleDigest(one) });
    expect(seen.current).toBeUndefined();
    await agent.commit(number);
    await agent.unlock();
    expect(box.systemctl()).toEqual(['stop bootstrap-confirm.timer']);
    const after = await facts(agent);
    expect(after).toMatchObject({
      current: 1,
      transaction: undefined,
      lock: undefined,
      revisions: [{ number: 1, digest: bundleDigest(one), by: 'ann@desk' }],
    });
    expect(after.index.map(({ path }) => path).sort()).toEqual(one.files.map(({ path }) => path));
    // those of the current revision are reported without being asked for
    expect([...after.files.keys()].sort()).toEqual(one.files.map(({ path }) => path));
    expect(box.mode('/var/lib/bootstrap')).toBe(0o700);
    expect(box.mode('/var/lib/bootstrap/revisions/1/files/etc/kubernetes/pki/ca.key')).toBe(0o600);
  });

  test('the same again touches no file', async () => {
    const { box, agent } = await withOne();
    const inodes = () => sample('one').files.map(({ path }) => lstatSync(box.at(path)).ino);
    const before = inodes();
    await agent.lock(WHO);
    const number = await agent.stage(sample('one'), bundleDigest(sample('one')), 'ann@desk');
    expect(await agent.activate(number, { kubelet: 'none', confirmSeconds: 0 })).toEqual({ placed: [], removed: [] });
    await agent.commit(number);
    expect(inodes()).toEqual(before);
    expect(box.systemctl()).toEqual([]);
  });

  test('another revision changes what differs and removes what it lacks', async () => {
    const { box, agent } = await withOne();
    await agent.lock(WHO);
    const two = sample('two');
    const number = await agent.stage(two, bundleDigest(two), 'ann@desk');
    const { removed } = await agent.activate(number, { kubelet: 'restart', confirmSeconds: 0 });
    expect(removed).toEqual([`${MANIFESTS}/only-one.yaml`]);
    await agent.commit(number);
    expect(tree(box)).toEqual(wholly(two));
    expect(box.systemctl()).toEqual(['restart kubelet.service']);
    expect((await facts(agent)).current).toBe(2);
  });

  test('both files of a pair are renamed by one process, there and back, one after the other', async () => {
    const { box, agent } = await withOne();
    await agent.lock(WHO);
    const renamed = async (act: (spied: ReturnType<Box['agent']>) => Promise<unknown>) => {
      await act(box.agent(spy(box), { token: 'this-run', isDead: () => true }));
      const moves = readFileSync(`${box.dir}/calls`, 'utf8').match(/^mv .*\.crt .*$/gm) ?? [];
      return moves.map((line) => line.split(' ').map((word) => word.split('/').slice(-1)[0] ?? ''));
    };
    const pairs = [
      ['mv', '-f', '--', 'ca.crt', 'ca.key', ''],
      ['mv', '-f', '--', 'client.crt', 'client.key', ''],
    ];
    await agent.unlock();
    const spied = box.agent({}, { token: 'this-run', isDead: () => true });
    await spied.lock(WHO);
    const number = await spied.stage(sample('two'), bundleDigest(sample('two')), 'ann@desk');
    expect(await renamed((one) => one.activate(number, { kubelet: 'none', confirmSeconds: 0 }))).toEqual(pairs);
    expect(tree(box)).toEqual(wholly(sample('two')));
    expect(await renamed((one) => one.revert('no'))).toEqual(pairs);
    expect(tree(box)).toEqual(wholly(sample('one')));
  });

  test('a file that an earlier version left to the kubelet stays, as a link from the next revision on', async () => {
    const box = newBox();
    const agent = box.agent();
    const own = { [IDENTITY]: "600 the kubelet's own\n" };
    // as earlier versions wrote it: put where nothing is, and never touched again
    const old = bundle([...sample('one').files, file(IDENTITY, 'delivered\n', { mode: 0o600 })]);
    await agent.lock(WHO);
    const number = await agent.stage(old, bundleDigest(old), 'ann@desk');
    const index = box.state(`revisions/${number}/index`);
    const lines = readFileSync(index, 'utf8');
    writeFileSync(index, lines.replace(`none\t${IDENTITY}`, `seed\t${IDENTITY}`));
    await agent.activate(number, { kubelet: 'none', confirmSeconds: 0 });
    await agent.commit(number);
    expect(box.read(IDENTITY)).toBe('delivered\n');
    rmSync(box.at(IDENTITY));
    rmSync(box.at(KEPT));
    box.write(IDENTITY, "the kubelet's own\n", 0o600);
    expect((await facts(agent)).index.map(({ path }) => path)).not.toContain(IDENTITY);

    const two = sample('two');
    const { placed, removed } = await (async () =>
      agent.activate(await agent.stage(two, bundleDigest(two), 'ann@desk'), { kubelet: 'none', confirmSeconds: 0 }))();
    expect([...placed, ...removed]).not.toContain(IDENTITY);
    const linked = { [KEPT]: own[IDENTITY], [IDENTITY]: `-> ${KEPT.slice(KEPT.lastIndexOf('/') + 1)}` };
    expect(tree(box)).toEqual({ ...wholly(two), ...linked });
    // that it is a link is not taken back
    await agent.revert('no');
    expect(tree(box)).toEqual({ ...wholly(sample('one')), ...linked });
    // nor is it removed with what the earlier version delivered, or changed when that is put in place again
    await apply(agent, two);
    expect(tree(box)).toEqual({ ...wholly(two), ...linked });
    await agent.lock(WHO);
    await agent.activate(number, { kubelet: 'none', confirmSeconds: 0 });
    await agent.commit(number);
    expect(tree(box)).toEqual({ ...wholly(sample('one')), ...linked });
  });

  test("the kubelet's own certificates are told without the key, and it gives them up when it is told to", async () => {
    const { box, agent } = await withOne();
    expect(await agent.kubeletIdentity()).toBe('');
    const block = (type: string, text: string) => `-----BEGIN ${type}-----\n${text}\n-----END ${type}-----\n`;
    const dated = '/var/lib/kubelet/pki/kubelet-client-2026-11-23-18-00-00.pem';
    const chain = block('CERTIFICATE', 'leaf\nof two lines') + block('CERTIFICATE', 'another');
    box.write(dated, `words\n${chain}${block('EC PRIVATE KEY', 'SECRET')}-----BEGIN CERTIFICATE-----\nSECRET`, 0o600);
    symlinkSync(dated.slice(dated.lastIndexOf('/') + 1), box.at(IDENTITY));
    expect(await agent.kubeletIdentity()).toBe(chain);

    expect((await thrown(agent.renewKubelet())).code).toBe('locked');
    await agent.lock(WHO);
    expect((await thrown(agent.renewKubelet())).message).toBe(
      'cp1: /etc/kubernetes/kubelet.conf is not there: the kubelet would be left without a certificate; apply first',
    );
    box.write('/etc/kubernetes/kubelet.conf', `client-certificate: ${IDENTITY}\n`, 0o600);
    expect((await thrown(agent.renewKubelet())).message).toContain(`names ${IDENTITY} itself; apply first`);
    expect(box.has(IDENTITY)).toBe(true);
    expect(box.systemctl()).toEqual([]);

    box.write('/etc/kubernetes/kubelet.conf', 'client-certificate: /etc/kubernetes/pki/kubelet/client.crt\n', 0o600);
    await agent.renewKubelet();
    expect(box.has(IDENTITY)).toBe(false);
    expect(box.has(dated)).toBe(true);
    expect(box.systemctl()).toEqual(['restart kubelet.service']);
    expect(await agent.kubeletIdentity()).toBe('');
    // a file goes as well, and where there is none the kubelet is restarted all the same: the first run may have been killed
    box.write(IDENTITY, chain, 0o600);
    await agent.renewKubelet();
    expect(box.has(IDENTITY)).toBe(false);
    await agent.renewKubelet();
    expect(box.systemctl()).toEqual(['restart kubelet.service', 'restart kubelet.service']);
  });

  test('mode, content or link that somebody has changed by hand is put right; nothing else is touched', async () => {
    const { box, agent } = await withOne();
    const one = sample('one');
    const key = '/etc/kubernetes/pki/ca.key';
    const certificate = '/etc/kubernetes/pki/ca.crt';
    box.write(key, `key one\n`, 0o644);
    box.write('/etc/kubernetes/elsewhere', 'certificate one\n');
    rmSync(box.at(certificate));
    symlinkSync('../elsewhere', box.at(certificate));
    box.write('/etc/kubernetes/admin.conf', 'by hand\n', 0o600);
    const seen = await facts(agent);
    expect(seen.files.get(key)?.mode).toBe(0o644);
    expect(seen.files.get(certificate)?.type).toBe('file');
    await agent.lock(WHO);
    const number = await agent.stage(one, bundleDigest(one), 'ann@desk');
    const { placed } = await agent.activate(number, { kubelet: 'none', confirmSeconds: 0 });
    await agent.commit(number);
    expect(placed).toEqual([certificate, key, '/etc/kubernetes/admin.conf']);
    const { '/etc/kubernetes/elsewhere': elsewhere, ...rest } = tree(box);
    expect(elsewhere).toBe('644 certificate one\n');
    expect(rest).toEqual(wholly(one));
  });

  test('a manifests directory that is a link stays one', async () => {
    const box = newBox();
    mkdirSync(box.at('/srv/manifests'), { recursive: true });
    mkdirSync(box.at('/etc/kubernetes'), { recursive: true });
    symlinkSync('../../srv/manifests', box.at(MANIFESTS));
    await apply(box.agent(), sample('one'));
    await apply(box.agent(), sample('two'));
    expect(lstatSync(box.at(MANIFESTS)).isSymbolicLink()).toBe(true);
    expect(readdirSync(box.at('/srv/manifests'))).toEqual(['etcd.yaml', 'kube-apiserver.yaml', 'only-two.yaml']);
    expect(box.mode('/srv/manifests')).toBe(0o700);
  });

  test('paths with blanks, quotes, stars and backslashes are files like any other', async () => {
    const box = newBox();
    const agent = box.agent();
    const paths = ['/opt/a *', "/opt/it's", '/opt/back\\slash', '/opt/$(touch x)', '/opt/-rf', '/opt/ü', '/opt/.x '];
    const odd = (word: string) => bundle(paths.map((path) => file(path, `${path} ${word}\n`)));
    await apply(agent, odd('one'));
    const two = odd('two');
    await apply(agent, two);
    expect(tree(box)).toEqual(wholly(two));
    const { files } = await facts(agent);
    expect([...files.keys()].sort()).toEqual([...paths].sort());
    expect([...(await agent.read(paths))].map(([path, content]) => [path, String(content)]).sort()).toEqual(
      paths.map((path) => [path, `${path} two\n`]).sort(),
    );
  });

  test('what stands in the way is named, and nothing is changed', async () => {
    const box = newBox();
    mkdirSync(box.at('/etc/kubernetes/admin.conf'), { recursive: true });
    const agent = box.agent();
    await agent.lock(WHO);
    const error = await thrown(put(agent, sample('one')));
    expect(error.code).toBe('refused');
    expect(error.message).toBe(
      'cp1: /etc/kubernetes/admin.conf: is a directory on this node, where a file belongs; nothing was changed',
    );
    rmSync(box.at('/etc/kubernetes'), { recursive: true });
    box.write('/opt', 'a file');
    expect((await thrown(put(agent, sample('one')))).message).toContain('/opt: is not a directory on this node');
    expect(tree(box)).toEqual({ '/opt': '644 a file' });
    expect(readdirSync(box.state('')).sort()).toEqual(['lock', 'revisions']);
  });

  test('a revision is taken back as a whole', async () => {
    const { box, agent } = await withOne();
    symlinkSync('kubernetes/admin.conf', box.at('/etc/link.conf'));
    const before = tree(box);
    const modes = box.mode('/etc/kubernetes/pki');
    await agent.lock(WHO);
    const two = bundle(
      [...sample('two').files, file('/etc/link.conf', 'no link\n')],
      [
        { path: MANIFESTS, mode: 0o700, owner: 'root:root' },
        { path: '/etc/kubernetes/pki', mode: 0o711, owner: 'root:root' },
      ],
    );
    const number = await put(agent, two, 'reload', 60);
    expect(box.mode('/etc/kubernetes/pki')).toBe(0o711);
    expect(lstatSync(box.at('/etc/link.conf')).isFile()).toBe(true);
    box.systemctl();
    await agent.revert('the apiserver did not come up');
    expect(tree(box)).toEqual(before);
    expect(box.mode('/etc/kubernetes/pki')).toBe(modes);
    expect(box.systemctl()).toEqual(['daemon-reload', 'restart kubelet.service', 'stop bootstrap-confirm.timer']);
    const seen = await facts(agent);
    expect(seen).toMatchObject({ current: 1, transaction: undefined });
    expect(seen.reverted).toMatchObject({ revision: 2, why: 'the apiserver did not come up' });
    expect(seen.revisions.map(({ number, takenBack }) => [number, takenBack])).toEqual([
      [1, undefined],
      [2, true],
    ]);
    await agent.revert('again'); // nothing is left to be taken back
    const error = await thrown(agent.commit(number));
    expect(error.code).toBe('refused');
    expect(error.message).toContain('revision 2 was taken back at 20');
    expect(error.message).toContain('the apiserver did not come up');
    // and it may be tried again, as the same revision
    expect(await apply(agent, two)).toBe(2);
    expect((await facts(agent)).reverted).toBeUndefined();
  });

  test('after a first boot that is taken back the node is bare again, but for its own directories', async () => {
    const box = newBox();
    const agent = box.agent();
    await agent.lock(WHO);
    await put(agent, sample('one'), 'start');
    box.systemctl();
    await agent.revert('no');
    expect(tree(box)).toEqual({});
    expect(box.has('/opt')).toBe(false);
    expect(box.has(MANIFESTS)).toBe(true);
    expect(box.systemctl()).toEqual(['daemon-reload']);
  });

  test('the node takes back by itself what nobody confirms in time, and not before', async () => {
    const { box, agent } = await withOne();
    const before = tree(box);
    await agent.lock(WHO);
    const number = await put(agent, sample('two'), 'restart', 2);
    expect(box.read('/etc/systemd/system/bootstrap-confirm.timer')).toContain('OnActiveSec=2\nAccuracySec=1s\n');
    expect(box.systemctl()).toContain('restart bootstrap-confirm.timer');
    expect((await box.own('expire')).status).toBe(0);
    expect(tree(box)).toEqual(wholly(sample('two')));
    await delay(2100);
    expect((await box.own('expire')).status).toBe(0);
    expect(tree(box)).toEqual(before);
    expect(box.systemctl()).toEqual(['restart kubelet.service', 'stop bootstrap-confirm.timer']);
    expect((await facts(agent)).reverted?.why).toBe('nobody confirmed it within 2 seconds');
    expect((await thrown(agent.commit(number))).message).toContain('nobody confirmed it within 2 seconds');
  });

  test('what is confirmed stays, however late the timer comes', async () => {
    const { box, agent } = await withOne();
    await apply(agent, sample('two'), 'none', 1);
    await delay(1100);
    expect((await box.own('expire')).status).toBe(0);
    expect((await box.own('recover')).status).toBe(0);
    expect(tree(box)).toEqual(wholly(sample('two')));
  });

  test('a commit and the timer at the same moment: one of them wins, wholly', async () => {
    for (let i = 0; i < 3; i++) {
      const { box, agent } = await withOne();
      const before = tree(box);
      await agent.lock(WHO);
      const number = await put(agent, sample('two'), 'none', 1);
      await delay(1100);
      const [committed] = await Promise.allSettled([agent.commit(number), box.own('expire')]);
      const won = committed.status === 'fulfilled';
      const seen = await facts(agent);
      expect(seen.transaction).toBeUndefined();
      expect(seen.current).toBe(won ? 2 : 1);
      expect(tree(box)).toEqual(won ? wholly(sample('two')) : before);
    }
  });

  test('the boot after an interruption drops what was only prepared, and asks for confirmation of what was placed', async () => {
    const { box, agent } = await withOne();
    await agent.lock(WHO);
    await put(agent, sample('two'), 'reload', 60);
    box.systemctl();
    expect((await box.own('recover')).status).toBe(0);
    expect(box.systemctl()).toEqual(['start --no-block bootstrap-confirm.timer']);
    expect((await facts(agent)).transaction?.state).toBe('placed');
    expect((await box.own('expire')).status).toBe(0); // its time has begun anew
    expect((await facts(agent)).transaction?.state).toBe('placed');
    await agent.commit(2);
    expect((await box.own('recover')).status).toBe(0);
    expect((await facts(agent)).current).toBe(2);
  });

  test('another revision waits for what is in place and not confirmed', async () => {
    const { agent } = await withOne();
    await agent.lock(WHO);
    await put(agent, sample('two'));
    const error = await thrown(put(agent, sample('three')));
    expect(error.code).toBe('refused');
    expect(error.message).toContain(
      'revision 2 was put in place on this node and neither confirmed nor taken back yet',
    );
    expect((await thrown(agent.commit(3))).message).toContain('revision 2 was put in place on this node, not 3');
    await agent.revert('for another one');
    await put(agent, sample('three'));
    await agent.commit(3);
    await agent.commit(3); // again, as after an answer that was lost
    expect((await thrown(agent.commit(1))).message).toContain('revision 1 was not put in place');
    expect((await thrown(agent.activate(7, { kubelet: 'none', confirmSeconds: 0 }))).message).toContain(
      'this node has no revision 7',
    );
  });

  test('a kubelet that was not told is told on the next try, also where nothing else is left to be done', async () => {
    const { box, agent } = await withOne();
    await agent.lock(WHO);
    box.breakSystemctl();
    const error = await thrown(put(agent, sample('two'), 'restart'));
    expect(error.message).toBe('cp1: revision 2 is in place, but the kubelet was not told: Failed to connect to bus');
    expect((await thrown(agent.commit(2))).message).toContain('the kubelet was not told of revision 2');
    rmSync(`${box.dir}/systemctl-fails`);
    box.systemctl();
    await agent.activate(2, { kubelet: 'none', confirmSeconds: 0 });
    expect(box.systemctl()).toContain('restart kubelet.service');
    await agent.commit(2);
  });

  test('an earlier revision is put back from what the node has kept', async () => {
    const { box, agent } = await withOne();
    await apply(agent, sample('two'));
    await agent.lock(WHO);
    const { removed } = await agent.activate(1, { kubelet: 'none', confirmSeconds: 0 });
    await agent.commit(1);
    expect(removed).toEqual([`${MANIFESTS}/only-two.yaml`]);
    expect(tree(box)).toEqual(wholly(sample('one')));
    expect((await facts(agent)).current).toBe(1);
    box.write('/var/lib/bootstrap/revisions/2/files/etc/kubernetes/pki/ca.key', 'rotten\n', 0o600);
    expect((await thrown(agent.activate(2, { kubelet: 'none', confirmSeconds: 0 }))).message).toContain(
      'revision 2 on this node is not whole: files/etc/kubernetes/pki/ca.key is missing, damaged or cannot be read',
    );
    expect(await apply(agent, sample('two'))).toBe(3);
  });

  test('five revisions are kept, and the current one in any case', async () => {
    const { box, agent } = await withOne();
    const manifests = (n: number) => bundle([manifest('etcd', `${n}\n`)]);
    for (let n = 2; n <= 7; n++) await apply(agent, manifests(n));
    expect((await facts(agent)).revisions.map(({ number }) => number)).toEqual([3, 4, 5, 6, 7]);
    await agent.lock(WHO);
    await agent.activate(3, { kubelet: 'none', confirmSeconds: 0 });
    await agent.commit(3);
    await apply(agent, manifests(8));
    expect((await facts(agent)).revisions.map(({ number }) => number)).toEqual([4, 5, 6, 7, 8]);
    expect(readdirSync(box.state('revisions'))).toEqual(['4', '5', '6', '7', '8']);
  });

  test('the manifests directory sees whole files only, each by one rename', async () => {
    const { box, agent } = await withOne();
    const { watch } = await import('node:fs');
    const events: string[] = [];
    const watcher = watch(box.at(MANIFESTS), (type, name) => events.push(`${type} ${name}`));
    await apply(agent, sample('two'));
    await delay(100);
    watcher.close();
    const seen = events.filter((event) => !event.includes(' .'));
    expect(new Set(seen)).toEqual(
      new Set(['etcd', 'kube-apiserver', 'only-one', 'only-two'].map((name) => `rename ${name}.yaml`)),
    );
  });

  test('keys are in no argument list, and no file with one is readable for others at any time', async () => {
    const box = newBox();
    const env = spy(box);
    const agent = box.agent(env);
    await apply(agent, sample('one'), 'start', 60);
    await apply(agent, sample('two'), 'restart', 60);
    await agent.lock(WHO);
    await put(agent, sample('three'));
    await agent.revert('x');
    const calls = readFileSync(`${box.dir}/calls`, 'utf8');
    expect(calls).toContain('install');
    expect(calls).not.toContain('key one');
    expect(readFileSync(`${box.dir}/readable`, 'utf8')).toBe('');
  });

  test('logs come from the newest container, one restart before included; nothing is no fault', async () => {
    const box = newBox();
    const agent = box.agent();
    expect(await agent.logs('etcd', 5)).toBe('');
    expect(await agent.logs('kubelet', 5)).toBe('');
    const log = (path: string, text: string, age: number) => {
      box.write(`/var/log/pods/${path}`, text);
      const time = Date.now() / 1000 - age;
      utimesSync(box.at(`/var/log/pods/${path}`), time, time);
    };
    log('kube-system_etcd-cp1_old/etcd/0.log', '2026 stderr F old\n', 60);
    log('kube-system_etcd-cp1_new/etcd/3.log', '2026 stderr F panic: no\n', 20);
    log('kube-system_etcd-cp1_new/etcd/4.log', '2026 stdout F hello\n', 5);
    expect(await agent.logs('etcd', 10)).toBe('panic: no\nhello');
    expect(await agent.logs('etcd', 1)).toBe('hello');
  });

  test('pods outside of kube-system are called with their namespace, and none is taken for one whose name goes on', async () => {
    const box = newBox();
    const agent = box.agent();
    expect(await agent.pods()).toEqual([]);
    expect(await agent.logs('default/web', 5)).toBe('');
    box.write('/var/log/pods/kube-system_web-cp1_u1/c/0.log', '2026 stderr F control\n');
    box.write('/var/log/pods/default_web-cp1_u2/c/2.log', '2026 stderr F mine\n');
    box.write('/var/log/pods/default_web-2-cp1_u3/c/0.log', '2026 stderr F second\n');
    expect(await agent.pods()).toEqual([
      { pod: 'default/web-2-cp1', uid: 'u3', restarts: 0 },
      { pod: 'default/web-cp1', uid: 'u2', restarts: 2 },
      { pod: 'web-cp1', uid: 'u1', restarts: 0 },
    ]);
    expect(await agent.logs('default/web', 5)).toBe('mine');
    expect(await agent.logs('web', 5)).toBe('control');
  });

  test('a script that arrives slowly and a payload right behind it are told apart', async () => {
    const box = newBox();
    const { spawn } = await import('node:child_process');
    const { scriptRun } = await import('../../src/rollout/node/script.ts');
    const { argv, input } = scriptRun(readFileSync(SCRIPT), 'read', [], Buffer.from('/etc/hosts\n'));
    box.write('/etc/hosts', 'localhost\n');
    const child = spawn(shell, argv.slice(1), { env: { ...process.env, BOOTSTRAP_NODE_ROOT: box.root } });
    const out: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    for (let at = 0; at < input.length; at += 3001) {
      child.stdin.write(input.subarray(at, at + 3001));
      await delay(5);
    }
    child.stdin.end();
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(Buffer.concat(out).toString('utf8')).toContain('localhost\n');
  });

  test('a script that is cut off does nothing, and says so by its status', async () => {
    const box = newBox();
    const { scriptRun } = await import('../../src/rollout/node/script.ts');
    const { argv, input } = scriptRun(readFileSync(SCRIPT), 'lock', ['token', '60', 'ann']);
    const { status } = await box.transport().run(argv, { input: input.subarray(0, input.length - 12), seconds: 5 });
    expect(status).not.toBe(0);
    expect(existsSync(box.state('lock'))).toBe(false);
  });

  test('what was sent must be what its index names', async () => {
    const box = newBox();
    const agent = box.agent();
    await agent.lock(WHO);
    const { packFiles } = await import('../../src/bundle/tar.ts');
    const { scriptRun } = await import('../../src/rollout/node/script.ts');
    const { token } = (await facts(agent)).lock ?? { token: '' };
    const index = `f\t${'0'.repeat(64)}\t600\troot:root\tnone\t/etc/a\nend\n`;
    const send = async (files: Readonly<Record<string, string>>, cut = 0) => {
      const tar = await packFiles(
        Object.entries(files).map(([path, content]) => ({ path, content: Buffer.from(content) })),
      );
      const { argv, input } = scriptRun(
        readFileSync(SCRIPT),
        'stage',
        [token, 'd', 'ann'],
        tar.subarray(0, tar.length - cut),
      );
      return box.transport().run(argv, { input, seconds: 30 });
    };
    expect((await send({ index, 'files/etc/a': 'x' })).stderr).toContain('not whole: files/etc/a is missing, damaged');
    expect((await send({ index })).stderr).toContain('not whole: files/etc/a is missing');
    expect((await send({ index, 'files/etc/a': 'x', 'files/etc/b': 'y' })).stderr).toContain(
      'what its index does not name: files/etc/b',
    );
    expect((await send({ index: index.replace('end\n', ''), 'files/etc/a': 'x' })).stderr).toContain('no whole index');
    expect((await send({ index: index.replace('/etc/a', '/etc/../a') })).status).toBe(76);
    expect((await send({ index: index.replace('/etc/a', '/var/lib/bootstrap/lock') })).status).toBe(76);
    expect((await send({ index, 'files/etc/a': 'x'.repeat(20_000) }, 12_000)).stderr).toMatch(/tar: /);
    expect(readdirSync(box.state('revisions'))).toEqual([]);
    writeFileSync(box.state('revisions/.staging-old'), 'left behind');
    await put(agent, sample('one'));
    expect(readdirSync(box.state('revisions'))).toEqual(['1']);
  });
});
