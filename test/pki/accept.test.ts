import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { describeFault } from '../../src/base/fault.ts';
import { type Accepted, acceptGiven, takeIn } from '../../src/pki/external/accept.ts';
import { makeRequests } from '../../src/pki/external/requests.ts';
import { type Inventory, pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { openPkiStore } from '../../src/pki/store.ts';
import { needTool } from '../support/tools.ts';
import { testCluster } from './clusters.ts';
import { authorityOf, makeAuthorities, put, sign } from './external-tools.ts';
import { contents, DAY, ensure, openssl, opensslVerify, refusal, temporaryDirectory } from './tools.ts';

const inventory = pkiInventory(testCluster());
const APISERVER = 'nodes/master-0/apiserver';
const PEER = 'nodes/master-0/etcd/peer';

let dir: string;
/** Where the CAs' keys are. */
let safe: string;
const pki = (path = '') => join(dir, 'pki', path);
const text = (path: string) => readFileSync(pki(path), 'utf8');
const authority = (path: string) => join(safe, authorityOf(path));

/** Requests by path. */
async function requests(paths: readonly string[], wanted: Inventory = inventory): Promise<Map<string, string>> {
  const { requests: made } = await makeRequests(wanted, openPkiStore(dir), {
    now: new Date(),
    generateKey,
    renewBefore: 30 * DAY,
    paths: new Set(paths),
    named: true,
    newKeys: false,
  });
  return new Map(made.map(({ entry, request }) => [entry.path, request]));
}

const found = (name: string, content: string) => ({ name, text: content, named: false });
const named = (name: string, content: string) => ({ name, text: content, named: true });
type Given = ReturnType<typeof found>;

const accept = (files: readonly Given[], now = new Date(), wanted = inventory): Accepted =>
  acceptGiven(wanted, openPkiStore(dir), files, { now, renewBefore: 30 * DAY });
const bring = async (files: readonly Given[]) => takeIn(accept(files), openPkiStore(dir));

/** What is said of files that cannot be taken in; nothing has changed then. */
async function refused(files: readonly Given[], now?: Date, wanted?: Inventory): Promise<string> {
  const before = contents(dir);
  const said = await refusal(Promise.resolve().then(() => accept(files, now, wanted)));
  expect(contents(dir)).toEqual(before);
  return said;
}

describe.runIf(needTool('openssl'))('certificates from a CA kept elsewhere', () => {
  beforeEach(async () => {
    dir = temporaryDirectory();
    safe = temporaryDirectory();
    makeAuthorities(safe);
    makeAuthorities(pki());
    for (const path of ['ca', 'etcd/ca', 'front-proxy-ca']) {
      for (const ending of ['crt', 'key'])
        writeFileSync(pki(`${path}.${ending}`), readFileSync(join(safe, `${path}.${ending}`)), { mode: 0o600 });
    }
    await ensure(inventory, dir);
    for (const path of ['ca.key', 'etcd/ca.key']) rmSync(pki(path));
  });

  test('take their places with their keys, and the waiting keys are gone', async () => {
    const made = await requests([APISERVER, PEER]);
    const files = [...made].map(([path, request]) => found(path, sign(authority(path), request)));
    const waiting = text(`pending/${APISERVER}.key`);
    const written = await bring(files);
    expect(written).toEqual([APISERVER, PEER].flatMap((path) => [`pki/${path}.key`, `pki/${path}.crt`]));
    expect(text(`${APISERVER}.key`)).toBe(waiting);
    expect(Object.keys(contents(pki())).filter((path) => path.startsWith('pending/'))).toEqual([]);
    expect(opensslVerify(join(safe, 'ca.crt'), pki(`${APISERVER}.crt`))).toBe('OK');
    const { changes, warnings } = await ensure(inventory, dir);
    expect([changes, warnings]).toEqual([[], []]);
    expect(accept(files).leaves.every(({ isThere }) => isThere)).toBe(true);
  });

  test('may come in one file, with those of their CAs, which are compared', async () => {
    const made = await requests([APISERVER, PEER]);
    const signed = [...made].map(([path, request]) => sign(authority(path), request));
    const stranger = temporaryDirectory();
    makeAuthorities(stranger);
    const all = [...signed, text('ca.crt'), readFileSync(join(stranger, 'ca.crt'), 'utf8')].join('some words\n');
    const { leaves, notes } = accept([named('all.pem', all)]);
    expect(leaves.map(({ entry }) => entry.path)).toEqual([APISERVER, PEER]);
    expect(notes).toEqual([
      "all.pem: the CA certificate CN=kubernetes in it is none of this cluster's, and is not taken over",
    ]);
  });

  test('for the key that is in use replace the certificate alone', async () => {
    const key = text(`${APISERVER}.key`);
    const [request = ''] = (await requests([APISERVER])).values();
    const config = join(safe, 'again.cnf');
    writeFileSync(config, '[req]\ndistinguished_name=dn\n[dn]\n');
    const copied = openssl([
      'x509',
      '-x509toreq',
      '-copy_extensions',
      'copyall',
      '-in',
      pki(`${APISERVER}.crt`),
      '-signkey',
      pki(`${APISERVER}.key`),
    ]);
    expect(request).not.toBe('');
    const written = await bring([named('same-key.crt', sign(authority(APISERVER), copied))]);
    expect(written).toEqual([`pki/${APISERVER}.crt`]);
    expect(text(`${APISERVER}.key`)).toBe(key);
    expect(text(`pending/${APISERVER}.key`)).toContain('PRIVATE KEY');
  });

  describe('are refused, all of them, with the exact reason', () => {
    test('where another CA has signed', async () => {
      const [request = ''] = (await requests([APISERVER])).values();
      const said = await refused([named('x.crt', sign(join(safe, 'etcd/ca'), request))]);
      expect(said).toContain(`x.crt: the certificate for ${APISERVER} was issued by another CA than CN=kubernetes`);
    });

    test('where the CA has left out what was requested', async () => {
      const made = await requests([APISERVER, PEER]);
      const bare = openssl(
        ['x509', '-req', '-days', '90', '-CA', `${authority(APISERVER)}.crt`, '-CAkey', `${authority(APISERVER)}.key`],
        made.get(APISERVER),
      );
      const said = await refused([found('a.crt', bare), found('b.crt', sign(authority(PEER), made.get(PEER) ?? ''))]);
      expect(said).toContain(`a.crt: the certificate for ${APISERVER} lacks the DNS name kubernetes`);
      expect(said).toContain(`a.crt: the certificate for ${APISERVER} is not meant for serverAuth`);
      expect(said).not.toContain('b.crt');
    });

    test('where the cluster file has changed since the request', async () => {
      const [request = ''] = (await requests([APISERVER])).values();
      const changed = pkiInventory(testCluster({ certSANs: ['later.example.com'] }));
      const said = await refused([found('a.crt', sign(authority(APISERVER), request))], new Date(), changed);
      expect(said).toContain('lacks the DNS name later.example.com');
    });

    test('where they are not valid yet, or no more', async () => {
      const [request = ''] = (await requests([APISERVER])).values();
      const signed = [found('a.crt', sign(authority(APISERVER), request, '-days', '10'))];
      expect(await refused(signed, new Date(Date.now() + 11 * DAY))).toContain('has expired on');
      expect(await refused(signed, new Date(Date.now() - DAY))).toContain('is not valid before');
    });

    test('where they belong to no key here', async () => {
      const [request = ''] = (await requests([APISERVER])).values();
      const signed = sign(authority(APISERVER), request);
      rmSync(pki(`pending/${APISERVER}.key`));
      for (const file of [named('a.crt', signed), found('a.crt', signed)])
        expect(await refused([file])).toContain('a.crt: CN=kube-apiserver belongs to no key here');
    });

    test('where the file holds something else', async () => {
      const [request = ''] = (await requests([APISERVER])).values();
      expect(await refused([named('a.csr', request)])).toContain('a.csr: is a request, not what a CA has made of it');
      expect(await refused([named('a.crt', 'nonsense')])).toContain('a.crt: holds no certificate in PEM form');
      expect(await refused([named('a.crt', '-----BEGIN CERTIFICATE-----\nMIIB')])).toContain('a.crt: is cut off');
    });
  });

  test('that end soon, or are for more than was asked, are taken with a warning', async () => {
    const [request = ''] = (await requests([APISERVER])).values();
    const { warnings, leaves } = accept([found('a.crt', sign(authority(APISERVER), request, '-days', '10'))]);
    expect(leaves).toHaveLength(1);
    expect(warnings.map(describeFault).join()).toMatch(
      /^a\.crt: the certificate for nodes\/master-0\/apiserver expires on .*, in (9|10) days$/,
    );
  });

  test('of a directory that are not ours are left aside, and of two for one key the longer one is taken', async () => {
    const [request = ''] = (await requests([APISERVER])).values();
    const [short, long] = ['90', '180'].map((days) => sign(authority(APISERVER), request, '-days', days));
    const other = openssl([
      'req',
      '-x509',
      '-nodes',
      '-newkey',
      'rsa:2048',
      '-subj',
      '/CN=other',
      '-keyout',
      '/dev/null',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    ]);
    const { leaves, notes } = accept([found('a.crt', short ?? ''), found('b.crt', long ?? ''), found('c.crt', other)]);
    expect(leaves.map(({ file }) => file)).toEqual(['b.crt']);
    expect(notes).toEqual([
      'c.crt: CN=other belongs to no key here, and is left aside',
      'a.crt: left aside for b.crt, which is for the same key',
    ]);
  });

  test('bring a CA’s key back where it belongs to the certificate, and no other', async () => {
    const key = readFileSync(join(safe, 'etcd/ca.key'), 'utf8');
    const stranger = temporaryDirectory();
    makeAuthorities(stranger);
    const wrong = readFileSync(join(stranger, 'etcd/ca.key'), 'utf8');
    expect(await refused([named('wrong.key', wrong)])).toContain(
      'wrong.key: holds a private key that belongs to no CA here',
    );
    expect(await bring([found('etcd/ca.key', key)])).toEqual(['pki/etcd/ca.key']);
    expect(text('etcd/ca.key')).toBe(key);
    expect(await bring([found('etcd/ca.key', key)])).toEqual([]);
  });

  test('carry a rotation to a new CA over whose key is elsewhere as well', async () => {
    const fresh = temporaryDirectory();
    makeAuthorities(fresh);
    put(pki('rotation/new/ca.crt'), readFileSync(join(fresh, 'ca.crt'), 'utf8'));
    const journal = {
      version: 1,
      subjects: ['kubernetes'],
      direction: 'forward',
      records: [{ phase: 'issue', begun: new Date().toISOString() }],
    };
    writeFileSync(pki('rotation.json'), JSON.stringify(journal));
    const stuck = await refusal(ensure(inventory, dir));
    expect(stuck).toContain('was issued by another CA than CN=kubernetes');
    expect(stuck).toContain('bootstrap certs csr');

    const made = await requests(
      inventory.leaves.filter((entry) => entry.authority === 'kubernetes').map(({ path }) => path),
    );
    expect(made.size).toBe(8);
    const old = found('old.crt', sign(join(safe, 'ca'), made.get('admin') ?? ''));
    expect(await refused([old])).toContain('old.crt: the certificate for admin was issued by another CA than');
    await bring([...made].map(([path, request]) => found(path, sign(join(fresh, 'ca'), request))));
    const { changes, pki: whole } = await ensure(inventory, dir);
    expect(changes).toEqual([]);
    expect(whole.authorities.get('kubernetes')?.bundle).toBe(text('ca.crt') + text('rotation/new/ca.crt'));
  });
});
