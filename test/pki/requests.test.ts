import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { makeRequests, type RequestOptions, type Requests } from '../../src/pki/external/requests.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { openPkiStore } from '../../src/pki/store.ts';
import { needTool } from '../support/tools.ts';
import { testCluster } from './clusters.ts';
import { makeAuthorities } from './external-tools.ts';
import { contents, DAY, ensure, modes, openssl, refusal, temporaryDirectory } from './tools.ts';

const inventory = pkiInventory(testCluster());
const ALL = new Set(inventory.leaves.map(({ path }) => path));
const APISERVER = 'nodes/master-0/apiserver';

let dir: string;
const pki = (path = '') => join(dir, 'pki', path);
const text = (path: string) => readFileSync(pki(path), 'utf8');

function request(options: Partial<RequestOptions> = {}, wanted = inventory): Promise<Requests> {
  return makeRequests(wanted, openPkiStore(dir), {
    now: new Date(),
    generateKey,
    renewBefore: 30 * DAY,
    paths: ALL,
    named: false,
    newKeys: false,
    ...options,
  });
}
const paths = ({ requests }: Requests) => requests.map(({ entry }) => entry.path);

beforeEach(() => {
  dir = temporaryDirectory();
});

describe.runIf(needTool('openssl'))('a request', () => {
  test.each(['ECDSA-P256', 'ECDSA-P384', 'RSA-2048'] as const)(
    'with a key of the kind %s is one that OpenSSL verifies',
    async (algorithm) => {
      const wanted = pkiInventory(testCluster({ algorithm, certSANs: ['api.example.com', 'fd00::5'] }));
      await ensure(inventory, dir);
      rmSync(pki('ca.key'));
      const { requests } = await request({ paths: new Set([APISERVER, 'admin']), named: true }, wanted);
      const [admin, apiserver] = requests;
      const shown = (pem = '') => openssl(['req', '-verify', '-noout', '-text', '-nameopt', 'RFC2253'], pem);
      expect(shown(admin?.request)).toContain('Subject: CN=kubernetes-admin,O=kubeadm:cluster-admins\n');
      const said = shown(apiserver?.request);
      expect(said).toContain('Subject: CN=kube-apiserver\n');
      expect(said).toMatch(/Key Usage: critical\n +Digital Signature, Key Encipherment\n/);
      expect(said).toMatch(/Extended Key Usage: *\n +TLS Web Server Authentication\n/);
      expect(said).toMatch(/Basic Constraints: critical\n +CA:FALSE\n/);
      expect(said).toMatch(
        /DNS:api.example.com, DNS:kubernetes, .*IP Address:10.96.0.1, .*IP Address:FD00:0:0:0:0:0:0:5/,
      );
      const own = openssl(['pkey', '-pubout', '-in', pki(`pending/${APISERVER}.key`)]);
      expect(openssl(['req', '-noout', '-pubkey'], apiserver?.request)).toBe(own);
    },
  );
});

describe('where the key of a CA is kept elsewhere', () => {
  beforeEach(async () => {
    await ensure(inventory, dir);
    rmSync(pki('ca.key'));
  });

  test('nothing is requested as long as all fits and lasts', async () => {
    const before = contents(dir);
    expect(await request()).toEqual({ requests: [], issuedHere: [], founded: false });
    expect(contents(dir)).toEqual(before);
  });

  test('what is missing, does not fit or ends soon is requested, with the reason', async () => {
    rmSync(pki('admin.crt'));
    const changed = pkiInventory(testCluster({ certSANs: ['new.example.com'] }));
    const { requests } = await request({}, changed);
    expect(requests.map(({ entry, reasons }) => [entry.path, reasons])).toEqual([
      ['admin', ['is missing']],
      [APISERVER, ['lacks the DNS name new.example.com']],
    ]);
    const later = await request({ now: new Date(Date.now() + 340 * DAY) });
    expect(paths(later)).toHaveLength(8);
    expect(later.requests[1]?.reasons.join()).toMatch(/^expires on .*, in 2\d days$/);
  });

  test('what is asked for is requested although it fits; what is issued here is said to be', async () => {
    const named = await request({ paths: new Set([APISERVER, 'nodes/master-0/etcd/peer']), named: true });
    expect(paths(named)).toEqual([APISERVER]);
    expect(named.issuedHere.map(({ path }) => path)).toEqual(['nodes/master-0/etcd/peer']);
  });

  test('the key waits where only its owner may read it, and what is in use stays as it is', async () => {
    const before = contents(pki());
    await request({ paths: new Set([APISERVER]), named: true });
    const after = contents(pki());
    const pending = `pending/${APISERVER}.key`;
    expect(Object.keys(after).filter((path) => before[path] !== after[path])).toEqual([pending]);
    expect(modes(pki())).toMatchObject({ [pending]: '600', pending: '700', 'pending/nodes/master-0': '700' });
  });

  test('a second request is for the same key, unless a new one is wanted', async () => {
    const options = { paths: new Set([APISERVER]), named: true };
    const key = () => text(`pending/${APISERVER}.key`);
    await request(options);
    const first = key();
    expect((await request(options)).requests[0]?.keptKey).toBe(true);
    expect(key()).toBe(first);
    expect((await request({ ...options, newKeys: true })).requests[0]?.keptKey).toBe(false);
    expect(key()).not.toBe(first);
  });

  test('a waiting key of another kind, or a damaged one, is replaced', async () => {
    const options = { paths: new Set([APISERVER]), named: true };
    for (const content of [(await generateKey('ECDSA-P384')).reveal(), 'nonsense']) {
      mkdirSync(dirname(pki(`pending/${APISERVER}.key`)), { recursive: true });
      writeFileSync(pki(`pending/${APISERVER}.key`), content, { mode: 0o600 });
      expect((await request(options)).requests[0]?.keptKey).toBe(false);
    }
  });

  test('nothing is requested for a PKI that has lost its service-account key', async () => {
    rmSync(pki('sa.key'));
    expect(await refusal(request())).toContain('sa.key: is missing');
  });
});

describe.runIf(needTool('openssl'))('for a cluster that is being founded', () => {
  test('everything is requested, and the service-account pair is made', async () => {
    makeAuthorities(pki());
    for (const path of ['ca.key', 'etcd/ca.key', 'front-proxy-ca.key']) rmSync(pki(path));
    const found = await request();
    expect(paths(found)).toEqual([...ALL]);
    expect(found.founded).toBe(true);
    expect(modes(pki())).toMatchObject({ 'sa.key': '600', 'sa.pub': '644' });
    expect((await request()).founded).toBe(false);
  });

  test('only what comes from a CA that is there without its key is requested', async () => {
    makeAuthorities(pki());
    for (const path of ['ca.key', 'etcd/ca.key', 'etcd/ca.crt']) rmSync(pki(path));
    const found = paths(await request());
    expect(found).toHaveLength(8);
    expect(found.filter((path) => /etcd|front-proxy/.test(path))).toEqual([]);
  });
});
