import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { daysLeft, leftInWords, lifeState, usualWindow } from '../../src/pki/list/life.ts';
import { type ListOptions, listPki } from '../../src/pki/list/list-pki.ts';
import type { ListedCertificate } from '../../src/pki/list/listed.ts';
import type { Phase } from '../../src/pki/rotation/journal.ts';
import { openPkiStore } from '../../src/pki/store.ts';
import { type ClusterOptions, testCluster, threeMasters } from './clusters.ts';
import { contents, DAY, ensure, temporaryDirectory } from './tools.ts';

const inventory = pkiInventory(testCluster());

let dir: string;
const pki = (path: string) => join(dir, 'pki', path);
const list = (options: Partial<ListOptions> = {}, cluster: ClusterOptions = {}) =>
  listPki(pkiInventory(testCluster(cluster)), openPkiStore(dir), { now: new Date(), ...options });
const named = (all: readonly ListedCertificate[], name: string, node?: string): ListedCertificate => {
  const found = all.find((each) => each.name === name && each.node === node);
  if (!found) throw new Error(`${name} is not listed`);
  return found;
};
const leaf = (name: string, options: Partial<ListOptions> = {}, cluster: ClusterOptions = {}) =>
  named(list(options, cluster).certificates, name, 'master-0');

beforeEach(() => {
  dir = temporaryDirectory();
});

describe('the time of a certificate', () => {
  const [from, to] = [1_000_000, 2_000_000];

  test('counts the very limit as ending, and the very end as expired', () => {
    const at = (left: number, within: number) => lifeState({ notBefore: from, notAfter: to }, to - left, within);
    expect([at(501, 500), at(500, 500), at(499, 500)]).toEqual(['ok', 'ending', 'ending']);
    expect([at(1, 0), at(0, 0), at(-1, 0)]).toEqual(['ok', 'expired', 'expired']);
    expect(lifeState({ notBefore: from, notAfter: to }, from - 1, 0)).toBe('not-yet-valid');
    expect(lifeState({ notBefore: from, notAfter: to }, from, 0)).toBe('ok');
  });

  test('ends soon thirty days before it ends, or a third of a life where that is less', () => {
    expect(usualWindow(365 * DAY)).toBe(30 * DAY);
    expect(usualWindow(30 * DAY)).toBe(10 * DAY);
  });

  test('is never said to be longer than it is, nor longer ago', () => {
    const days = [DAY, DAY - 1, 0, -1, -DAY].map((left) => daysLeft(left, 0));
    expect(days).toEqual([1, 0, 0, 0, -1]);
    expect([DAY, 1, 0, -2 * DAY - 1].map((left) => leftInWords(left, 0))).toEqual([
      '1 day left',
      'less than a day left',
      'ended less than a day ago',
      'ended 2 days ago',
    ]);
  });
});

describe('a whole PKI', () => {
  test('is listed with the names that `certs renew` takes, CAs first', async () => {
    await ensure(inventory, dir);
    const { certificates, serviceAccount } = list();
    expect(certificates.map(({ name, node }) => [node, name].filter(Boolean).join(' '))).toEqual([
      'kubernetes',
      'etcd',
      'front-proxy',
      'admin',
      'super-admin',
      ...[
        'apiserver',
        'apiserver-kubelet-client',
        'front-proxy-client',
        'apiserver-etcd-client',
        'etcd/server',
        'etcd/peer',
        'etcd/healthcheck-client',
        'admin',
        'controller-manager',
        'scheduler',
        'kubelet',
      ].map((name) => `master-0 ${name}`),
    ]);
    expect(new Set(certificates.map(({ state }) => state))).toEqual(new Set(['ok']));
    expect(serviceAccount).toMatchObject({ algorithm: 'ECDSA-P256', accepted: 1, hasKey: true, problems: [] });
    expect(leaf('etcd/peer')).toMatchObject({
      path: 'pki/nodes/master-0/etcd/peer.crt',
      hasKey: true,
      facts: {
        subject: 'CN=master-0',
        sans: ['DNS:localhost', 'DNS:master-0', 'IP:10.0.0.11', 'IP:127.0.0.1', 'IP:::1'],
        issuer: 'etcd CA',
        algorithm: 'ECDSA-P256',
      },
    });
    expect(named(certificates, 'kubernetes')).toMatchObject({
      roles: ['issues', 'signs', 'trusted'],
      facts: { issuer: 'kubernetes CA' },
    });
  });

  test('is neither changed nor completed by being listed', async () => {
    await ensure(inventory, dir);
    rmSync(pki('nodes/master-0/apiserver.crt'));
    const before = contents(dir);
    list({}, { nodes: threeMasters });
    expect(contents(dir)).toEqual(before);
  });

  test('is listed where nothing is there at all', () => {
    const { certificates, serviceAccount } = list();
    expect(new Set(certificates.map(({ state }) => state))).toEqual(new Set(['missing']));
    expect(serviceAccount).toMatchObject({ hasKey: false, accepted: 0, problems: ['is missing'] });
  });

  test('is listed where all of it has expired, its CAs too', async () => {
    await ensure(inventory, dir, { now: new Date(Date.now() - 11 * 365 * DAY) });
    const { certificates } = list();
    expect(new Set(certificates.map(({ state, time }) => `${state} ${time}`))).toEqual(new Set(['expired expired']));
  });

  test('is listed where keys of CAs are kept elsewhere', async () => {
    await ensure(inventory, dir);
    rmSync(pki('etcd/ca.key'));
    expect(named(list().certificates, 'etcd')).toMatchObject({ hasKey: false, state: 'ok' });
    expect(leaf('etcd/server').state).toBe('ok');
  });
});

describe('what is not as the cluster file says', () => {
  beforeEach(async () => void (await ensure(inventory, dir)));

  test('is a misfit, with what `render` would say of it', () => {
    expect(leaf('apiserver', {}, { certSANs: ['new.example.com'] })).toMatchObject({
      state: 'misfit',
      time: 'ok',
      problems: ['lacks the DNS name new.example.com'],
    });
  });

  test('is told of damage and of a missing key where it is', () => {
    writeFileSync(pki('nodes/master-0/scheduler.crt'), 'nonsense');
    rmSync(pki('nodes/master-0/kubelet.key'));
    writeFileSync(pki('front-proxy-ca.crt'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    writeFileSync(pki('sa.key'), 'nonsense');
    const { certificates, serviceAccount } = list();
    expect(leaf('scheduler')).toMatchObject({ state: 'misfit', time: undefined, facts: undefined });
    expect(leaf('scheduler').problems).toEqual(['holds no certificate in PEM form']);
    expect(leaf('kubelet')).toMatchObject({ state: 'misfit', problems: ['has no key beside it'] });
    expect(named(certificates, 'front-proxy')).toMatchObject({ state: 'misfit', facts: undefined });
    expect(leaf('front-proxy-client').facts?.issuer).toBe('CN=front-proxy-ca');
    expect(serviceAccount.problems).toEqual(['holds no private key in PEM form']);
  });

  test('that has expired is expired, whatever else is wrong with it', () => {
    const now = new Date(Date.now() + 366 * DAY);
    const { state, problems } = leaf('apiserver', { now }, { certSANs: ['new.example.com'] });
    expect([state, problems]).toEqual(['expired', ['lacks the DNS name new.example.com']]);
  });

  test('that is issued by another CA of the same name is said to be', async () => {
    const other = temporaryDirectory();
    await ensure(inventory, other);
    writeFileSync(
      pki('nodes/master-0/apiserver.crt'),
      readFileSync(join(other, 'pki/nodes/master-0/apiserver.crt'), 'utf8'),
    );
    expect(leaf('apiserver')).toMatchObject({ state: 'misfit', facts: { issuer: 'another CA named CN=kubernetes' } });
  });
});

describe('during a rotation', () => {
  /** A new CA is there, and the journal says how far it is. */
  async function rotating(phase: Phase, direction: 'forward' | 'back' = 'forward'): Promise<void> {
    await ensure(inventory, dir);
    const other = temporaryDirectory();
    await ensure(inventory, other);
    mkdirSync(pki('rotation/new'), { recursive: true });
    for (const file of ['ca.crt', 'ca.key'])
      writeFileSync(pki(`rotation/new/${file}`), readFileSync(join(other, 'pki', file)), { mode: 0o600 });
    const records = [{ phase, begun: new Date().toISOString() }];
    const journal = { version: 1, subjects: ['kubernetes'], direction, records };
    writeFileSync(pki('rotation.json'), JSON.stringify(journal));
  }
  const authorities = () =>
    list()
      .certificates.filter(({ kind, name }) => kind === 'authority' && name === 'kubernetes')
      .map(({ age, roles, path, hasKey, facts }) => [age, [...roles].sort().join(' '), path, hasKey, facts?.issuer]);
  const OLD = 'kubernetes CA (old)';
  const NEW = 'kubernetes CA (new)';

  test('the new CA is there before anything uses it', async () => {
    await rotating('prepare');
    expect(authorities()).toEqual([
      ['old', 'issues signs trusted', 'pki/ca.crt', true, OLD],
      ['new', 'prepared', 'pki/rotation/new/ca.crt', true, NEW],
    ]);
    expect(leaf('apiserver').facts?.issuer).toBe(OLD);
    expect(leaf('etcd/server').facts?.issuer).toBe('etcd CA');
  });

  test('both are trusted, and told apart by their keys', async () => {
    await rotating('trust');
    expect(authorities()).toEqual([
      ['old', 'issues signs trusted', 'pki/ca.crt', true, OLD],
      ['new', 'trusted', 'pki/rotation/new/ca.crt', true, NEW],
    ]);
  });

  test('the new one issues while the old one signs on the nodes', async () => {
    await rotating('issue');
    expect(authorities()).toEqual([
      ['old', 'signs trusted', 'pki/ca.crt', true, OLD],
      ['new', 'issues trusted', 'pki/rotation/new/ca.crt', true, NEW],
    ]);
    // until they are issued again
    expect(leaf('apiserver')).toMatchObject({ state: 'misfit', problems: [`was issued by the ${OLD}`] });
    await ensure(inventory, dir);
    expect(leaf('apiserver')).toMatchObject({ state: 'ok', facts: { issuer: NEW } });
  });

  test('at last the new one is alone', async () => {
    await rotating('distrust');
    expect(authorities()).toEqual([['new', 'issues signs trusted', 'pki/rotation/new/ca.crt', true, NEW]]);
  });
});
