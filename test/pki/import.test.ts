import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { type ImportedPki, importPki } from '../../src/pki/import.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { inMemory, openPkiStore } from '../../src/pki/store.ts';
import { withoutRootsRights } from '../support/rights.ts';
import { needTool } from '../support/tools.ts';
import { testCluster } from './clusters.ts';
import { contents, DAY, ensure, modes, openssl, opensslVerify, refusal, temporaryDirectory } from './tools.ts';

const inventory = pkiInventory(testCluster({ algorithm: 'ECDSA-P256' }));
const ALL = ['ca', 'etcd/ca', 'front-proxy-ca']
  .flatMap((path) => [`${path}.crt`, `${path}.key`])
  .concat('sa.key', 'sa.pub');

let source: string;
let dir: string;
const from = (path: string) => readFileSync(join(source, path), 'utf8');
const into = (path: string) => readFileSync(join(dir, 'pki', path), 'utf8');

/** A CA as OpenSSL makes it. */
function makeAuthority(path: string, subject: string, mask = 'utf8only', extra: readonly string[] = []): void {
  const lines = ['[req]', `string_mask=${mask}`, 'distinguished_name=dn', 'x509_extensions=v3', '[dn]', '[v3]'];
  const extensions = [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign',
    'subjectKeyIdentifier=hash',
  ];
  const config = join(source, 'ca.cnf');
  mkdirSync(dirname(join(source, path)), { recursive: true });
  writeFileSync(config, [...lines, ...extensions, ''].join('\n'));
  const files = ['-config', config, '-keyout', join(source, `${path}.key`), '-out', join(source, `${path}.crt`)];
  const name = ['-multivalue-rdn', '-subj', subject];
  openssl(['req', '-x509', '-nodes', '-newkey', 'rsa:2048', '-days', '3000', ...name, ...files, ...extra]);
  rmSync(config);
}

const run = (now = new Date(), store = openPkiStore(dir)): Promise<ImportedPki> =>
  importPki(source, inventory, store, { now });

describe.runIf(needTool('openssl'))('taking over a PKI', () => {
  const original = mkdtempSync(join(tmpdir(), 'bootstrap-pki-'));
  afterAll(() => rmSync(original, { recursive: true }));
  beforeAll(() => {
    source = original;
    makeAuthority('ca', '/C=DE/O=Example Inc/CN=Example Root', 'pkix');
    makeAuthority('etcd/ca', '/CN=etcd-ca');
    makeAuthority('front-proxy-ca', '/DC=com/DC=example/OU=a+UID=42/CN=front');
    writeFileSync(join(source, 'sa.key'), openssl(['genrsa', '-traditional', '2048']));
    writeFileSync(join(source, 'sa.pub'), openssl(['pkey', '-pubout', '-in', join(source, 'sa.key')]));
  });
  beforeEach(() => {
    source = temporaryDirectory();
    dir = temporaryDirectory();
    cpSync(original, source, { recursive: true });
  });

  test('copies it byte for byte, and what is issued then verifies against it', async () => {
    const { written, notes } = await run();
    expect([...written].sort()).toEqual(ALL.map((path) => `pki/${path}`).sort());
    expect(notes).toEqual([]);
    for (const path of ALL) expect(into(path), path).toBe(from(path));
    expect(modes(join(dir, 'pki'))).toMatchObject({
      'ca.key': '600',
      'sa.key': '600',
      'etcd/ca.key': '600',
      'ca.crt': '644',
    });

    const { changes } = await ensure(inventory, dir);
    expect(changes.filter(({ path }) => /\bca\.|sa\./.test(path))).toEqual([]);
    for (const [ca, leaf] of [
      ['ca', 'nodes/master-0/apiserver'],
      ['etcd/ca', 'nodes/master-0/etcd/peer'],
      ['front-proxy-ca', 'nodes/master-0/front-proxy-client'],
    ] as const) {
      expect(opensslVerify(join(source, `${ca}.crt`), join(dir, 'pki', `${leaf}.crt`))).toBe('OK');
      expect(readCertificate(into(`${leaf}.crt`)).issuer).toEqual(readCertificate(from(`${ca}.crt`)).subject);
    }
    expect((await ensure(inventory, dir)).changes).toEqual([]);
  });

  test('a second time writes nothing, not even where it meanwhile has gone on', async () => {
    await run();
    await ensure(inventory, dir);
    const before = contents(dir);
    expect(await run()).toEqual({ written: [], notes: [] });
    expect(contents(dir)).toEqual(before);
  });

  test('a dry run says the same and writes nothing', async () => {
    expect((await run(new Date(), inMemory(openPkiStore(dir)))).written).toHaveLength(8);
    expect(contents(dir)).toEqual({});
  });

  test('what is not there is said to be made new, and is', async () => {
    rmSync(join(source, 'etcd'), { recursive: true });
    for (const file of ['front-proxy-ca.crt', 'front-proxy-ca.key', 'sa.key', 'sa.pub']) rmSync(join(source, file));
    const { notes } = await run();
    expect(notes).toEqual([
      `${join(source, 'etcd/ca.crt')}: is not there: a new CA is made`,
      `${join(source, 'front-proxy-ca.crt')}: is not there: a new CA is made`,
      `${join(source, 'sa.key')}: is not there: a new pair is made, and service-account tokens issued so far become invalid`,
    ]);
    const { changes } = await ensure(inventory, dir);
    expect(changes.map(({ path }) => path)).toEqual(expect.arrayContaining(['pki/etcd/ca.crt', 'pki/sa.key']));
    expect((await run()).notes).toEqual([]);
  });

  test('a CA without its key is taken over, and missed when something has to be issued', async () => {
    rmSync(join(source, 'ca.key'));
    expect((await run()).notes).toEqual([
      `${join(source, 'ca.key')}: is not there: nothing can be issued by that CA here`,
    ]);
    expect(await refusal(ensure(inventory, dir))).toContain(`cannot be issued without ${join(dir, 'pki/ca.key')}`);
  });

  test('its key can be given later', async () => {
    const key = from('ca.key');
    rmSync(join(source, 'ca.key'));
    await run();
    writeFileSync(join(source, 'ca.key'), key);
    expect((await run()).written).toEqual(['pki/ca.key']);
  });

  test('of several certificates in ca.crt the first signs and all are trusted', async () => {
    const own = from('ca.crt');
    const old = from('etcd/ca.crt');
    writeFileSync(join(source, 'ca.crt'), `the new one\n${own}\nthe old one\n${old}${old}`);
    expect((await run()).written).toContain('pki/ca-bundle.crt');
    expect(into('ca.crt')).toBe(own);
    expect(into('ca-bundle.crt')).toBe(own + old);
    expect((await ensure(inventory, dir)).pki.authorities.get('kubernetes')?.bundle).toBe(own + old);
    expect((await run()).written).toEqual([]);
  });

  test('a missing sa.pub is made from the key', async () => {
    const pub = from('sa.pub');
    rmSync(join(source, 'sa.pub'));
    await run();
    await ensure(inventory, dir);
    expect(into('sa.pub')).toBe(pub);
  });

  test('keys of other forms are taken as they are', async () => {
    const key = openssl(['pkcs8', '-topk8', '-nocrypt', '-in', join(source, 'ca.key')]);
    expect(key).toContain('BEGIN PRIVATE KEY');
    writeFileSync(join(source, 'ca.key'), key);
    await run();
    expect(into('ca.key')).toBe(key);
    await ensure(inventory, dir);
    expect(opensslVerify(join(source, 'ca.crt'), join(dir, 'pki/admin.crt'))).toBe('OK');
  });

  test('an intermediate CA is taken with a note', async () => {
    const request = openssl(['req', '-new', '-key', join(source, 'ca.key'), '-subj', '/CN=intermediate']);
    const extensions = join(source, 'v3.cnf');
    writeFileSync(
      extensions,
      'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n',
    );
    const signed = openssl(
      [
        'x509',
        '-req',
        '-CA',
        join(source, 'etcd/ca.crt'),
        '-CAkey',
        join(source, 'etcd/ca.key'),
        '-CAcreateserial',
        '-extfile',
        extensions,
        '-days',
        '100',
      ],
      request,
    );
    writeFileSync(join(source, 'ca.crt'), signed);
    expect((await run()).notes.join()).toContain('ca.crt: is an intermediate CA');
    await ensure(inventory, dir);
    expect(opensslVerify(join(source, 'ca.crt'), join(dir, 'pki/admin.crt'), '-partial_chain')).toBe('OK');
  });

  describe('refuses', () => {
    async function refused(damage: () => void, now?: Date): Promise<string> {
      damage();
      const before = contents(dir);
      const said = await refusal(run(now));
      expect(contents(dir)).toEqual(before);
      return said;
    }
    const put = (path: string, content: string) => () => writeFileSync(join(source, path), content);

    test('a directory that is not there', async () => {
      source = join(source, 'missing');
      expect(await refused(() => undefined)).toContain('there is no such directory');
    });

    test('an empty directory', async () => {
      source = temporaryDirectory();
      expect(await refused(() => undefined)).toContain(`${join(source, 'ca.crt')}: is missing`);
    });

    test('a key that does not belong to its certificate', async () => {
      expect(await refused(put('ca.key', from('etcd/ca.key')))).toContain(
        `${join(source, 'ca.key')}: does not belong to ${join(source, 'ca.crt')}`,
      );
    });

    test('a key without its certificate', async () => {
      expect(await refused(() => rmSync(join(source, 'etcd/ca.crt')))).toContain(
        `${join(source, 'etcd/ca.crt')}: is missing`,
      );
    });

    test('an expired CA, and one that is not valid yet', async () => {
      expect(await refused(() => undefined, new Date(Date.now() + 3001 * DAY))).toContain(
        'ca.crt: the CA has expired on',
      );
      expect(await refused(() => undefined, new Date(Date.now() - DAY))).toContain(
        'ca.crt: the CA is not valid before',
      );
    });

    test('a leaf in the place of a CA', async () => {
      const pem = openssl([
        'req',
        '-x509',
        '-key',
        join(source, 'ca.key'),
        '-subj',
        '/CN=leaf',
        '-addext',
        'basicConstraints=critical,CA:FALSE',
      ]);
      expect(await refused(put('ca.crt', pem))).toContain('ca.crt: is not the certificate of a CA');
    });

    test('an encrypted key, with the way out', async () => {
      const said = await refused(
        put('ca.key', openssl(['rsa', '-aes256', '-passout', 'pass:x', '-in', join(source, 'ca.key')])),
      );
      expect(said).toContain(`${join(source, 'ca.key')}: is encrypted with a passphrase`);
      expect(said).toContain('openssl pkey');
    });

    test('weak keys', async () => {
      const said = await refused(() => {
        openssl([
          'req',
          '-x509',
          '-nodes',
          '-newkey',
          'rsa:1024',
          '-subj',
          '/CN=weak',
          '-keyout',
          join(source, 'ca.key'),
          '-out',
          join(source, 'ca.crt'),
        ]);
        put('sa.key', openssl(['genpkey', '-algorithm', 'ED25519']))();
        rmSync(join(source, 'sa.pub'));
      });
      expect(said).toContain('ca.crt: holds a key of the kind RSA-1024, which is not supported');
      expect(said).toContain('sa.key: holds a key of the kind ed25519, which is not supported');
    });

    test('a service-account pair whose halves do not belong together, or whose key is missing', async () => {
      const pub = openssl(['pkey', '-pubout', '-in', join(source, 'ca.key')]);
      expect(await refused(put('sa.pub', pub))).toContain(
        `sa.pub: does not hold the public key of ${join(source, 'sa.key')}`,
      );
      expect(await refused(() => rmSync(join(source, 'sa.key')))).toContain('sa.key: is missing');
    });

    test('nonsense', async () => {
      const said = await refused(() => {
        for (const file of ['ca.crt', 'etcd/ca.key', 'sa.pub', 'sa.key']) put(file, 'nonsense')();
      });
      for (const file of ['ca.crt', 'etcd/ca.key', 'sa.key']) expect(said).toContain(`${join(source, file)}: holds no`);
    });

    test('to overwrite anything that is there and differs, naming each', async () => {
      await ensure(inventory, dir);
      const said = await refused(() => undefined);
      for (const file of ALL) {
        expect(said).toContain(`${join(dir, 'pki', file)}: is there already and differs from ${join(source, file)}`);
      }
      expect(said).toContain('import into a new cluster directory');
    });
  });

  test('a file that may not be read is named', async () => {
    chmodSync(join(source, 'ca.key'), 0);
    const store = openPkiStore(dir);
    const said = await withoutRootsRights(source, () => refusal(run(new Date(), store)));
    expect(said).toContain(': cannot be read: permission denied');
  });
});
