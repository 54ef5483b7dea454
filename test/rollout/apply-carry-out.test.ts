import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { BootstrapError } from '../../src/base/errors.ts';
import { type BundleFile, makeBundle } from '../../src/bundle/bundle.ts';
import { carryOut, planAll, type Undertaking } from '../../src/rollout/apply/apply.ts';
import type { ClusterView } from '../../src/rollout/apply/observer.ts';
import { fakeCluster } from './apply-fixtures.ts';
import { testAuthority } from './probe-pki.ts';

const NAMES = ['cp1', 'cp2', 'cp3'];

/** Three masters on which etcd has run, and a run that is to bring them something. */
function site() {
  const cluster = fakeCluster(NAMES);
  for (const { node } of cluster.masters) Object.assign(node, { etcd: { dataDir: '/var/lib/etcd' } });
  let view: ClusterView = cluster.view;
  const observer = { ...cluster.observer, cluster: async () => view };
  const undertaking: Undertaking = {
    cluster: 'kubernetes',
    masters: cluster.masters,
    nodes: NAMES,
    hasOwnEtcd: true,
    chosen: new Set(NAMES),
    diff: () => '',
    objectChanges: async () => [],
    now: () => 0,
    bring: async () => 2,
  };
  const dead: ClusterView = {
    readyApis: new Set(),
    etcd: { ...cluster.view.etcd, answering: new Set(), healthy: new Set(), dead: new Set(NAMES) },
  };
  return {
    ...cluster,
    context: { ...cluster.context, observer },
    observer,
    undertaking,
    dead,
    see: (seen: ClusterView) => {
      view = seen;
    },
  };
}

const failure = (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'done',
    (error: BootstrapError) => `${error.code}: ${error.message}`,
  );

test('masters that were dead when it was planned are restarted together, if they are dead still', async () => {
  const { undertaking, observer, context, see, dead, changes } = site();
  see(dead);
  const planned = await planAll(undertaking, observer);
  expect(planned.plan.mode).toBe('cold-start');
  expect(await failure(carryOut(context, undertaking, planned))).toBe('done');
  expect(changes().filter((call) => call.includes('activate'))).toHaveLength(3);
});

test('masters that came to life while the question waited for its answer are not restarted all at once', async () => {
  const { undertaking, observer, context, see, dead, view, changes } = site();
  see(dead);
  const planned = await planAll(undertaking, observer);
  see(view);
  expect(await failure(carryOut(context, undertaking, planned))).toBe(
    'refused: the control plane has come to life since this was planned: its masters are not restarted all at once',
  );
  expect(changes()).toEqual([]);
});

test('machines that were changed while the question waited for its answer are planned for anew', async () => {
  const { undertaking, observer, context, see, dead, facts, changes } = site();
  see(dead);
  const planned = await planAll(undertaking, observer);
  facts.set('cp2', { manifests: ['etcd.yaml', 'by-hand.yaml'] });
  expect(await failure(carryOut(context, undertaking, planned))).toBe('refused: cp2 changed since this was planned');
  expect(changes()).toEqual([]);
});

test('what is in place and never confirmed is taken back before anything else, and its pods seen to be back', async () => {
  const { undertaking, observer, context, facts, calls, instead, changes } = site();
  facts.set('cp2', { transaction: { state: 'placed', to: 7, digest: 'of another', from: 1 } });
  instead.set('cp2 revert', async () => void facts.delete('cp2'));
  const planned = await planAll(undertaking, observer);
  calls.length = 0;
  expect(await failure(carryOut(context, undertaking, planned))).toBe('done');
  expect(changes()[0]).toBe('cp2 revert');
  const [reverted, proven, begun] = ['cp2 revert', 'cp2 proofs', 'cp1 activate 2 600'].map((call) =>
    calls.indexOf(call),
  );
  expect([reverted, proven, begun].every((index) => index !== undefined && index >= 0)).toBe(true);
  expect([reverted, proven, begun]).toEqual([reverted, proven, begun].sort((a = 0, b = 0) => a - b));
});

test('what is in place already is finished under the number that it has there', async () => {
  const { undertaking, observer, context, facts, instead, changes } = site();
  facts.set('cp3', { transaction: { state: 'placed', to: 7, digest: 'd', from: 1 } });
  instead.set('cp3 commit', async () => void facts.delete('cp3'));
  const planned = await planAll(undertaking, observer);
  expect(await failure(carryOut(context, undertaking, planned))).toBe('done');
  // the pods first, then the kubelet, where it may not have been told yet
  expect(changes().slice(0, 4)).toEqual([
    'cp3 activate 7 600',
    'cp3 activate 7 600',
    'cp3 commit 7',
    'cp1 activate 2 600',
  ]);
});

const SERVER = '/etc/kubernetes/pki/etcd/server.crt';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The same, where the certificate of each member has expired and a new one is at hand. */
async function expiredSite() {
  const found = site();
  const ca = await testAuthority();
  const [old, valid] = await Promise.all([ca.issue({ made: -40, validity: 30 }), ca.issue()]);
  const file = (path: string, text: string): BundleFile => ({
    path,
    content: Buffer.from(text),
    mode: 0o644,
    owner: 'root:root',
    sensitive: false,
    effect: { kind: 'none' },
  });
  const files = [file(SERVER, valid.certificate), file('/etc/kubernetes/pki/etcd/ca.crt', ca.ca)];
  const masters = found.masters.map((master) => ({ ...master, bundle: makeBundle(master.name, [], files) }));
  const onNode = (text: string) => {
    const state = (content: string) => ({
      type: 'file' as const,
      sha256: sha256(content),
      mode: 0o644,
      owner: 'root:root',
    });
    return new Map([
      [SERVER, state(text)],
      ['/etc/kubernetes/pki/etcd/ca.crt', state(ca.ca)],
    ]);
  };
  for (const name of NAMES) {
    found.facts.set(name, { clock: Date.now(), files: onNode(old.certificate) });
    found.instead.set(`${name} read`, async () => new Map([[SERVER, Buffer.from(old.certificate)]]));
  }
  const undertaking = { ...found.undertaking, masters, now: Date.now };
  const silent: ClusterView = { ...found.dead, etcd: { ...found.dead.etcd, dead: new Set() } };
  return { ...found, undertaking, silent, ca, old, valid, onNode };
}

test('masters with expired certificates get new ones together and for good, whoever answers by then', async () => {
  const { undertaking, observer, context, see, silent, view, changes } = await expiredSite();
  see(silent);
  const planned = await planAll(undertaking, observer);
  expect(planned.plan.mode).toBe('renewal');
  expect([...planned.plan.expired.keys()]).toEqual(NAMES);
  see(view);
  expect(await failure(carryOut(context, undertaking, planned))).toBe('done');
  expect(changes().slice(0, 3).sort()).toEqual(NAMES.map((name) => `${name} activate 2 0`));
  expect(changes().slice(3).sort()).toEqual(NAMES.map((name) => `${name} commit 2`));
});

test('where the certificates that they shall have have expired as well nothing is touched', async () => {
  const { undertaking, observer, see, silent, old, ca, changes } = await expiredSite();
  const masters = undertaking.masters.map((master) => {
    const files = master.bundle.files.map((file) =>
      file.path === SERVER ? { ...file, content: Buffer.from(old.certificate) } : file,
    );
    return { ...master, bundle: makeBundle(master.name, [], files) };
  });
  expect(ca.ca).toContain('CERTIFICATE');
  see(silent);
  const refused = await planAll({ ...undertaking, masters }, observer).catch((error: BootstrapError) => error.message);
  expect(refused).toContain('what they shall have has expired as well: cp1 (etcd/server), cp2 (etcd/server)');
  expect(changes()).toEqual([]);
});

test('one of three with an expired certificate is not taken back to it where the new one does not work', async () => {
  const { undertaking, observer, context, valid, facts, onNode, instead, changes } = await expiredSite();
  for (const name of ['cp1', 'cp2']) facts.set(name, { clock: Date.now(), files: onNode(valid.certificate) });
  const planned = await planAll(undertaking, observer);
  expect(planned.plan.mode).toBe('rolling');
  instead.set('cp3 activate', async () => {
    throw new Error('no space left');
  });
  const steps = {
    ...planned,
    plan: { ...planned.plan, nodes: planned.plan.nodes.filter(({ node }) => node === 'cp3') },
  };
  expect(await failure(carryOut(context, undertaking, steps))).toContain('cp3 had nothing good before');
  expect(changes()).toEqual(['cp3 activate 2 0']);
});

test('what was never confirmed is finished rather than taken back to certificates that have expired', async () => {
  const { undertaking, observer, context, facts, old, valid, ca, onNode, instead, changes } = await expiredSite();
  for (const name of NAMES) facts.set(name, { clock: Date.now(), files: onNode(valid.certificate) });
  const transaction = { state: 'placed', to: 7, digest: 'of another', from: 1 } as const;
  facts.set('cp2', { ...facts.get('cp2'), transaction });
  instead.set('cp2 commit', async () => void facts.set('cp2', { clock: Date.now(), files: onNode(valid.certificate) }));
  const base = '/var/lib/bootstrap/revisions/1';
  const line = (path: string, text: string) => ['f', sha256(text), '644', 'root:root', 'none', path].join('\t');
  const kept = [
    [`${base}/index`, `${line(SERVER, old.certificate)}\n${line('/etc/kubernetes/pki/etcd/ca.crt', ca.ca)}\n`],
    [`${base}/files${SERVER}`, old.certificate],
    [`${base}/files/etc/kubernetes/pki/etcd/ca.crt`, ca.ca],
  ] as const;
  instead.set('cp2 read', async () => new Map(kept.map(([path, text]) => [path, Buffer.from(text)])));
  const planned = await planAll(undertaking, observer);
  expect(await failure(carryOut(context, undertaking, planned))).toBe('done');
  expect(changes().slice(0, 2)).toEqual(['cp2 activate 7 0', 'cp2 commit 7']);
  expect(changes().some((call) => call.includes('revert'))).toBe(false);
});
