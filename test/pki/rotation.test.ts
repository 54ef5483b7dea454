import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCertificates } from '../../src/pki/certificate.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey, publicKeys } from '../../src/pki/keys.ts';
import type { Authority, Pki } from '../../src/pki/pki.ts';
import { following, type Journal, type Phase, phasesOf, type Subject } from '../../src/pki/rotation/journal.ts';
import { prepareNew } from '../../src/pki/rotation/prepare.ts';
import { settle, writeJournal } from '../../src/pki/rotation/settle.ts';
import { openPkiStore, openPlainStore, type PkiStore } from '../../src/pki/store.ts';
import { testCluster } from './clusters.ts';
import { contents, ensure, openssl, refusal, temporaryDirectory } from './tools.ts';

const inventory = pkiInventory(
  testCluster({ nodes: { cp1: ['10.0.0.11'], cp2: ['10.0.0.12'] }, serviceAccountAlgorithm: 'ECDSA-P256' }),
);
const sources = { now: new Date(), randomBytes, generateKey };
const CAS: readonly Subject[] = ['kubernetes', 'etcd', 'front-proxy'];

function journal(subjects: readonly Subject[], phase: Phase, direction: Journal['direction'] = 'forward'): Journal {
  return { version: 1, subjects, direction, records: [{ phase, begun: new Date().toISOString() }] };
}

async function founded(subjects: readonly Subject[]): Promise<{ dir: string; before: Pki }> {
  const dir = temporaryDirectory();
  const { pki } = await ensure(inventory, dir);
  await prepareNew(subjects, inventory, openPlainStore(dir), sources);
  return { dir, before: pki };
}

async function inPhase(dir: string, subjects: readonly Subject[], phase: Phase): Promise<Pki> {
  await writeJournal(openPlainStore(dir), journal(subjects, phase));
  return (await ensure(inventory, dir)).pki;
}

const authority = (pki: Pki, name: Exclude<Subject, 'service-account'>): Authority => {
  const found = pki.authorities.get(name);
  if (!found) throw new Error(`no ${name}`);
  return found;
};
const trusts = (bundle: string) => readCertificates(bundle).map(({ pem }) => pem);

test('through its phases a rotation replaces all CAs, and every leaf is verifiable by whoever trusts old or new', async () => {
  const { dir, before } = await founded(CAS);
  for (const name of ['kubernetes', 'etcd', 'front-proxy'] as const) {
    expect(trusts(authority(await inPhase(dir, CAS, 'prepare'), name).bundle)).toEqual([
      authority(before, name).certificate,
    ]);
  }
  const trust = await inPhase(dir, CAS, 'trust');
  const issue = await inPhase(dir, CAS, 'issue');
  const sign = await inPhase(dir, CAS, 'sign');
  const distrust = await inPhase(dir, CAS, 'distrust');
  for (const name of ['kubernetes', 'etcd', 'front-proxy'] as const) {
    const old = authority(before, name).certificate;
    const fresh = authority(distrust, name).certificate;
    expect(fresh).not.toBe(old);
    // the order must not change, because another content restarts what reads it only at start
    for (const phase of [trust, issue, sign]) expect(trusts(authority(phase, name).bundle)).toEqual([old, fresh]);
    expect(trusts(authority(distrust, name).bundle)).toEqual([fresh]);
  }
  expect(authority(trust, 'kubernetes').certificate).toBe(authority(before, 'kubernetes').certificate);
  expect(trust.nodes).toEqual(before.nodes);
  expect(issue.nodes.get('cp1')?.get('etcd/peer')?.certificate).not.toBe(
    before.nodes.get('cp1')?.get('etcd/peer')?.certificate,
  );
  expect(sign.nodes).toEqual(issue.nodes);
  expect(distrust.nodes).toEqual(issue.nodes);
  const leaf = issue.nodes.get('cp2')?.get('apiserver')?.certificate ?? '';
  const verify = (bundle: string) => {
    const [ca, crt] = [join(dir, 'ca.pem'), join(dir, 'leaf.pem')];
    writeFileSync(ca, bundle);
    writeFileSync(crt, leaf);
    return openssl(['verify', '-CAfile', ca, crt]);
  };
  expect(verify(authority(trust, 'kubernetes').bundle)).toContain('OK');
  expect(verify(authority(distrust, 'kubernetes').bundle)).toContain('OK');
  expect(() => verify(authority(before, 'kubernetes').bundle)).toThrow();
});

test('the controller-manager goes on signing with the old CA until the phase after the certificates were issued anew', async () => {
  const { dir, before } = await founded(['kubernetes']);
  const old = authority(before, 'kubernetes');
  const signers = new Map<Phase, string>();
  for (const phase of phasesOf(['kubernetes'])) {
    signers.set(phase, authority(await inPhase(dir, ['kubernetes'], phase), 'kubernetes').signer.certificate);
  }
  const fresh = authority(await inPhase(dir, ['kubernetes'], 'distrust'), 'kubernetes').certificate;
  expect([...signers]).toEqual([
    ['prepare', old.certificate],
    ['trust', old.certificate],
    ['issue', old.certificate],
    ['sign', fresh],
    ['distrust', fresh],
  ]);
});

test('back from any phase the certificates come from the old CA again', async () => {
  const { dir, before } = await founded(CAS);
  await inPhase(dir, CAS, 'sign');
  const back = await inPhase(dir, CAS, 'trust');
  expect(authority(back, 'etcd').certificate).toBe(authority(before, 'etcd').certificate);
  expect(back.nodes.get('cp1')?.get('apiserver')?.certificate).not.toBe(
    before.nodes.get('cp1')?.get('apiserver')?.certificate,
  );
  await writeJournal(openPlainStore(dir), journal(CAS, 'prepare', 'back'));
  await settle(openPlainStore(dir), journal(CAS, 'prepare', 'back'));
  const { pki, changes } = await ensure(inventory, dir);
  expect(changes).toEqual([]);
  expect(pki.authorities).toEqual(before.authorities);
  expect(readdirSync(join(dir, 'pki')).sort()).not.toContain('rotation');
});

test('tokens of the old key are accepted until the end, and those of other keys that were accepted before, for ever', async () => {
  const dir = temporaryDirectory();
  const { pki: before } = await ensure(inventory, dir);
  const other = openssl(['ec', '-pubout'], openssl(['ecparam', '-genkey', '-name', 'prime256v1', '-noout']));
  await openPlainStore(dir).write([{ path: 'sa.pub', content: `${before.serviceAccount.publicKeys}${other}` }]);
  await prepareNew(['service-account'], inventory, openPlainStore(dir), sources);
  const keys = async (phase: Phase) =>
    publicKeys((await inPhase(dir, ['service-account'], phase)).serviceAccount.publicKeys).length;
  expect(phasesOf(['service-account'])).toEqual(['prepare', 'trust', 'sign', 'distrust']);
  expect([await keys('prepare'), await keys('trust'), await keys('sign'), await keys('distrust')]).toEqual([
    2, 3, 3, 2,
  ]);
  const trust = await inPhase(dir, ['service-account'], 'trust');
  expect(trust.serviceAccount.key.reveal()).toBe(before.serviceAccount.key.reveal());
  const sign = await inPhase(dir, ['service-account'], 'sign');
  expect(sign.serviceAccount.key.reveal()).not.toBe(before.serviceAccount.key.reveal());
  await inPhase(dir, ['service-account'], 'distrust');
  await settle(openPlainStore(dir), journal(['service-account'], 'distrust'));
  const { pki } = await ensure(inventory, dir);
  expect(pki.serviceAccount.key.reveal()).toBe(sign.serviceAccount.key.reveal());
  expect(publicKeys(pki.serviceAccount.publicKeys)).toHaveLength(2);
  expect(pki.serviceAccount.publicKeys).not.toContain(before.serviceAccount.publicKeys.trim());
});

describe('killed while it ends', () => {
  /** The store whose n-th act, and all after it, never happen. */
  function dying(store: PkiStore, acts: number): PkiStore {
    let left = acts;
    const act =
      <A extends readonly unknown[]>(work: (...args: A) => Promise<void>) =>
      (...args: A) => {
        if (left-- <= 0) return Promise.reject(new Error('killed'));
        return work(...args);
      };
    return { ...store, write: act(store.write), remove: act(store.remove), removeTree: act(store.removeTree) };
  }

  test.each<readonly [string, readonly Subject[], boolean]>([
    ['with CAs alone', [...CAS], false],
    ['with another CA that is trusted besides', ['kubernetes'], true],
    ['with the service-account key', ['service-account'], false],
  ])('%s: at every moment the same is read, and the next run ends it', async (_, subjects, hasExtra) => {
    const { dir } = await founded(subjects);
    if (hasExtra) {
      const extra =
        (await ensure(inventory, temporaryDirectory())).pki.authorities.get('kubernetes')?.certificate ?? '';
      const own = openPlainStore(dir).read('ca.crt')?.text ?? '';
      await openPlainStore(dir).write([{ path: 'ca-bundle.crt', content: `${extra}${own}` }]);
    }
    const wanted = await inPhase(dir, subjects, 'distrust');
    for (let acts = 0; ; acts++) {
      const killed = await settle(dying(openPlainStore(dir), acts), journal(subjects, 'distrust')).then(
        () => false,
        () => true,
      );
      const { pki, changes } = await ensure(inventory, dir);
      expect(changes).toEqual([]);
      expect(pki).toEqual(wanted);
      if (!killed) break;
      expect(acts).toBeLessThan(50);
    }
    expect(Object.keys(contents(join(dir, 'pki'))).filter((path) => path.startsWith('rotation'))).toEqual([]);
  });
});

test('a killed preparation is taken up: no second key is made', async () => {
  const { dir } = await founded(CAS);
  const made = contents(join(dir, 'pki/rotation'));
  await openPlainStore(dir).remove(['rotation/new/etcd/ca.crt']);
  expect(await prepareNew(CAS, inventory, openPlainStore(dir), sources)).toEqual(['rotation/new/etcd/ca.crt']);
  const now = contents(join(dir, 'pki/rotation'));
  expect(now['new/etcd/ca.key']).toBe(made['new/etcd/ca.key']);
  expect((await inPhase(dir, CAS, 'distrust')).authorities.size).toBe(3);
});

test('a CA whose key is kept elsewhere is replaced by a certificate that is given', async () => {
  const dir = temporaryDirectory();
  const { pki: before } = await ensure(inventory, dir);
  await openPlainStore(dir).remove(['front-proxy-ca.key']);
  const lacking = await refusal(prepareNew(['front-proxy'], inventory, openPlainStore(dir), sources));
  expect(lacking).toContain('--new-ca front-proxy=FILE');
  const { pki: other } = await ensure(inventory, temporaryDirectory());
  const certificate = authority(other, 'front-proxy').certificate;
  await prepareNew(['front-proxy'], inventory, openPlainStore(dir), sources, [{ subject: 'front-proxy', certificate }]);
  const trust = await inPhase(dir, ['front-proxy'], 'trust');
  expect(trusts(authority(trust, 'front-proxy').bundle)).toEqual([
    authority(before, 'front-proxy').certificate,
    certificate,
  ]);
});

test('a journal that cannot be read stops everything rather than be passed over', async () => {
  const { dir } = await founded(CAS);
  await openPlainStore(dir).write([{ path: 'rotation.json', content: '{"version":1,"subjects":["kuber' }]);
  expect(() => openPkiStore(dir)).toThrow(/rotation\.json: is no JSON/);
});

test('the phases follow each other in either direction, without those that change nothing', () => {
  const walk = (subjects: readonly Subject[], direction: Journal['direction'], from: Phase): readonly string[] => {
    const next = following(journal(subjects, from, direction));
    return next ? [next, ...walk(subjects, direction, next)] : [];
  };
  expect(walk(['kubernetes', 'etcd'], 'forward', 'prepare')).toEqual(['trust', 'issue', 'sign', 'distrust']);
  expect(walk(['etcd'], 'forward', 'prepare')).toEqual(['trust', 'issue', 'distrust']);
  expect(walk(['kubernetes'], 'back', 'sign')).toEqual(['issue', 'trust', 'prepare']);
  expect(walk(['service-account'], 'back', 'sign')).toEqual(['trust', 'prepare']);
});

test('the server of static pods and kubelets of plain nodes get their certificates from the new CA when all trust it', async () => {
  const served = pkiInventory(testCluster({ plainNodes: ['node01'], serve: 'pods.example.com' }));
  const dir = temporaryDirectory();
  const { pki: before } = await ensure(served, dir);
  await prepareNew(['kubernetes'], served, openPlainStore(dir), sources);
  const pkiIn = async (phase: Phase) => {
    await writeJournal(openPlainStore(dir), journal(['kubernetes'], phase));
    return (await ensure(served, dir)).pki;
  };
  const certificates = (pki: Pki) => [
    pki.serve?.pair.certificate ?? '',
    pki.nodes.get('node01')?.get('kubelet')?.certificate ?? '',
  ];
  const trust = await pkiIn('trust');
  expect(certificates(trust)).toEqual(certificates(before));
  expect(trusts(authority(trust, 'kubernetes').bundle)).toHaveLength(2);
  const issue = await pkiIn('issue');
  certificates(issue).forEach((certificate, i) => {
    expect(certificate).not.toBe(certificates(before)[i]);
    const [ca, crt] = [join(dir, 'ca.pem'), join(dir, 'leaf.pem')];
    writeFileSync(ca, authority(issue, 'kubernetes').certificate);
    writeFileSync(crt, certificate);
    expect(openssl(['verify', '-CAfile', ca, crt])).toContain('OK');
  });
  const distrust = await pkiIn('distrust');
  expect(certificates(distrust)).toEqual(certificates(issue));
  expect(distrust.serve?.tokens.get('node01')?.reveal()).toBe(before.serve?.tokens.get('node01')?.reveal());
});
