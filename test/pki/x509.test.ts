import { createPrivateKey, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Pem, SecretPem } from '../../src/base/pem.ts';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import type { AuthorityEntry, LeafEntry } from '../../src/pki/inventory.ts';
import { generateKey, privateKey } from '../../src/pki/keys.ts';
import { type Issuing, issueAuthority, issueLeaf } from '../../src/pki/x509.ts';
import { needTool } from '../support/tools.ts';
import { DAY, openssl, opensslVerify, temporaryDirectory } from './tools.ts';

const authority: AuthorityEntry = { name: 'kubernetes', path: 'ca', subject: { commonName: 'kubernetes' } };
const leaf: LeafEntry = {
  use: { kind: 'admin' },
  path: 'admin',
  authority: 'kubernetes',
  subject: { commonName: 'admin', organization: 'people' },
  usages: ['clientAuth', 'serverAuth'],
  dnsNames: ['a.example.com'],
  addresses: ['10.0.0.1', 'fd00::1'],
};
const issuing = (changes: Partial<Issuing> = {}): Issuing => ({
  now: new Date(),
  serial: randomBytes(16),
  validity: 365 * DAY,
  ...changes,
});

async function newAuthority(changes: Partial<Issuing> = {}) {
  const key = await generateKey('ECDSA-P256');
  const certificate = readCertificate(
    await issueAuthority(authority, key, issuing({ validity: 3650 * DAY, ...changes })),
  );
  return { certificate, key: privateKey(key) };
}

const newLeaf = async (entry: LeafEntry, changes: Partial<Issuing> = {}): Promise<Certificate> =>
  readCertificate(await issueLeaf(entry, await generateKey('ECDSA-P256'), await newAuthority(), issuing(changes)));

describe('validity', () => {
  test('begins five minutes ago, in whole seconds, and lasts from now', async () => {
    const now = new Date('2026-03-01T12:00:00.987Z');
    const { notBefore, notAfter } = (await newAuthority({ now, validity: 10 * DAY })).certificate;
    expect(new Date(notBefore)).toEqual(new Date('2026-03-01T11:55:00Z'));
    expect(new Date(notAfter)).toEqual(new Date('2026-03-11T12:00:00Z'));
  });

  test('never goes beyond that of the CA', async () => {
    const signer = await newAuthority({ validity: 100 * DAY });
    const pem = await issueLeaf(leaf, await generateKey('ECDSA-P256'), signer, issuing({ validity: 365 * DAY }));
    expect(readCertificate(pem).notAfter).toBe(signer.certificate.notAfter);
  });

  test.runIf(needTool('openssl'))(
    'is written as RFC 5280 wants it before and after 2050, and ends with the year 9999',
    async () => {
      const types = async (notAfter: string, now: string) => {
        const { certificate } = await newAuthority({
          now: new Date(now),
          validity: Date.parse(notAfter) - Date.parse(now),
        });
        const times = openssl(['asn1parse'], certificate.pem).match(/(UTCTIME|GENERALIZEDTIME).*/g) ?? [];
        expect(new Date(certificate.notAfter).toISOString()).toBe(notAfter.replace('Z', '.000Z'));
        expect(Date.parse(certificate.x509().validTo)).toBe(certificate.notAfter);
        expect(Date.parse(certificate.x509().validFrom)).toBe(certificate.notBefore);
        return times.map((line) => line.replace(/\s*:/, ' '));
      };
      expect(await types('2049-12-31T23:59:59Z', '2026-01-01T00:00:00Z')).toEqual([
        'UTCTIME 251231235500Z',
        'UTCTIME 491231235959Z',
      ]);
      expect(await types('2050-01-01T00:00:00Z', '2050-01-01T00:00:00Z')).toEqual([
        'UTCTIME 491231235500Z',
        'GENERALIZEDTIME 20500101000000Z',
      ]);
      const { certificate } = await newAuthority({ validity: 8000 * 365 * DAY });
      expect(new Date(certificate.notAfter).toISOString()).toBe('9999-12-31T23:59:59.000Z');
    },
  );
});

test.each([0x00, 0x01, 0x7f, 0x80, 0xff])(
  'a serial that begins with %i becomes a positive one of 16 bytes',
  async (first) => {
    const serial = Buffer.concat([Buffer.from([first]), Buffer.alloc(15)]);
    const { x509 } = (await newAuthority({ serial })).certificate;
    expect(x509().serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  },
);

describe('what cannot stand in a certificate is refused', () => {
  test.each(['', 'spaced name', 'müller.example.com', 'a\0b', 'a\n'])('%j as a DNS name', async (name) => {
    await expect(newLeaf({ ...leaf, dnsNames: [name] })).rejects.toThrow('cannot stand as a DNS name');
  });

  test.each(['10.0.0.999', 'fd00::1%eth0', '::ffff:1.2.3.4', 'FD00::1', '010.0.0.1', 'localhost', ''])(
    '%j as an address',
    async (address) => {
      await expect(newLeaf({ ...leaf, addresses: [address] })).rejects.toThrow('is not canonical');
    },
  );

  test.each(['', 'a\0b', 'a\ud800b', 'two\nlines'])('%j as a name', async (commonName) => {
    await expect(newLeaf({ ...leaf, subject: { commonName } })).rejects.toThrow('cannot stand as a name');
  });
});

describe.runIf(needTool('openssl'))('a CA that OpenSSL made', () => {
  const KEYS = {
    'ECDSA P-256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    'ECDSA P-521': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-521'],
    'RSA 3072': ['-newkey', 'rsa:3072'],
  } as const;
  /** How OpenSSL is to encode the name, and the name. */
  const NAMES = {
    PrintableString: ['pkix', '-subj', '/C=DE/O=Example Inc/CN=Example Root'],
    UTF8String: ['utf8only', '-utf8', '-subj', '/O=Bäckerei/CN=Wurzel ✓'],
    TeletexString: ['default', '-subj', '/O=Stra\u00dfe/CN=Caf\u00e9'],
    'several attributes in one RDN': [
      'utf8only',
      '-multivalue-rdn',
      '-subj',
      '/DC=com/DC=example/OU=a+UID=42/CN=multi',
    ],
    'an escaped name': ['utf8only', '-subj', '/O=Foo, Inc. \\/ "Bar"/CN=a\\+b=c'],
  } as const;
  const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'];

  function made(dir: string, key: readonly string[], [mask, ...name]: readonly string[], keyId = 'hash') {
    const lines = ['[req]', `string_mask=${mask}`, 'distinguished_name=dn', 'x509_extensions=v3', '[dn]', '[v3]'];
    writeFileSync(join(dir, 'ca.cnf'), [...lines, ...extensions, `subjectKeyIdentifier=${keyId}`, ''].join('\n'));
    const [keyFile, file] = [join(dir, 'ca.key'), join(dir, 'ca.crt')];
    const config = ['-config', join(dir, 'ca.cnf'), '-days', '99', '-keyout', keyFile, '-out', file];
    openssl(['req', '-x509', '-nodes', ...key, ...name, ...config]);
    const certificate = readCertificate(openssl(['x509', '-in', file]));
    return { file, certificate, key: createPrivateKey(openssl(['pkey', '-in', keyFile])) };
  }
  const rawIssuer = (pem: Pem) => readCertificate(pem).issuer.toString('hex');

  test.each(Object.keys(NAMES))(
    'with %s as its name signs leaves that carry the same bytes as their issuer',
    async (kind) => {
      const dir = temporaryDirectory();
      const signer = made(dir, KEYS['ECDSA P-256'], NAMES[kind as keyof typeof NAMES]);
      const encoding = /^(PRINTABLE|TELETEX|UTF8)/i.exec(kind)?.[0].toUpperCase().replace('TELETEX', 'T61') ?? 'UTF8';
      expect(openssl(['asn1parse'], signer.certificate.pem)).toContain(`${encoding}STRING`);
      const pem = await issueLeaf(leaf, await generateKey('RSA-2048'), signer, issuing());
      expect(rawIssuer(pem)).toBe(signer.certificate.subject.toString('hex'));
      writeFileSync(join(dir, 'leaf.crt'), pem);
      expect(opensslVerify(signer.file, join(dir, 'leaf.crt'), '-purpose', 'sslclient')).toBe('OK');
    },
  );

  test.each(Object.keys(KEYS))('with a key of the kind %s signs leaves that verify', async (kind) => {
    const dir = temporaryDirectory();
    const signer = made(dir, KEYS[kind as keyof typeof KEYS], NAMES.UTF8String);
    writeFileSync(join(dir, 'leaf.crt'), await issueLeaf(leaf, await generateKey('ECDSA-P256'), signer, issuing()));
    expect(opensslVerify(signer.file, join(dir, 'leaf.crt'), '-purpose', 'sslserver')).toBe('OK');
  });

  test('without a key identifier signs leaves that name none', async () => {
    const dir = temporaryDirectory();
    const signer = made(dir, KEYS['ECDSA P-256'], NAMES.PrintableString, 'none');
    expect(openssl(['x509', '-noout', '-text'], signer.certificate.pem)).not.toContain('Subject Key Identifier');
    const pem = await issueLeaf(leaf, await generateKey('ECDSA-P256'), signer, issuing());
    expect(openssl(['x509', '-noout', '-text'], pem)).not.toContain('Authority Key Identifier');
    writeFileSync(join(dir, 'leaf.crt'), pem);
    expect(openssl(['verify', '-CAfile', signer.file, join(dir, 'leaf.crt')])).toContain('OK');
  });
});

test('a key that cannot be read is an error without any of it', async () => {
  const broken = new SecretPem('-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n');
  const error: unknown = await issueAuthority(authority, broken, issuing()).catch((thrown: unknown) => thrown);
  expect(String(error)).toBe('PemError: holds a private key that cannot be read');
});
