import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SecretPem } from '../../src/base/pem.ts';
import { type Certificate, readCertificate } from '../../src/pki/certificate.ts';
import { type Demands, keyMisfit, misfits } from '../../src/pki/fit.ts';
import type { AuthorityEntry, LeafEntry } from '../../src/pki/inventory.ts';
import { generateKey, privateKey } from '../../src/pki/keys.ts';
import { PemError } from '../../src/pki/pem-blocks.ts';
import { issueAuthority, issueLeaf, type Signer } from '../../src/pki/x509.ts';
import { needTool } from '../support/tools.ts';
import { DAY, openssl, temporaryDirectory } from './tools.ts';

const now = new Date('2026-06-01T00:00:00Z');
const authority: AuthorityEntry = { name: 'etcd', path: 'etcd/ca', subject: { commonName: 'etcd-ca' } };
const entry: LeafEntry = {
  use: { kind: 'node', node: 'cp1', leaf: 'etcd/server' },
  path: 'nodes/cp1/etcd/server',
  authority: 'etcd',
  subject: { commonName: 'cp1', organization: 'o' },
  usages: ['serverAuth', 'clientAuth'],
  dnsNames: ['cp1', 'localhost'],
  addresses: ['10.0.0.1', '::1'],
};
const demands: Demands = { algorithm: 'ECDSA-P256', now, renewBefore: 30 * DAY, certValidity: 365 * DAY };

let caKey: SecretPem;
let signer: Signer;
let leafKey: SecretPem;
let leaf: Certificate;

const issuing = (validity = 365 * DAY) => ({ now, serial: randomBytes(16), validity });
const issue = async (other: LeafEntry, validity?: number): Promise<Certificate> =>
  readCertificate(await issueLeaf(other, leafKey, signer, issuing(validity)));
const said = (certificate: Certificate, changes: Partial<LeafEntry> = {}, other: Partial<Demands> = {}) =>
  misfits(certificate, { ...entry, ...changes }, signer.certificate, { ...demands, ...other }).map(({ text }) => text);

async function newSigner(key: SecretPem, name = 'etcd-ca'): Promise<Signer> {
  const pem = await issueAuthority({ ...authority, subject: { commonName: name } }, key, issuing(3650 * DAY));
  return { certificate: readCertificate(pem), key: privateKey(key) };
}

beforeAll(async () => {
  caKey = await generateKey('ECDSA-P256');
  leafKey = await generateKey('ECDSA-P256');
  signer = await newSigner(caKey);
  leaf = await issue(entry);
});

test('a certificate that was just issued fits', () => {
  expect(said(leaf)).toEqual([]);
  expect(keyMisfit(leaf, leafKey)).toBeUndefined();
});

describe('each thing that does not fit is said', () => {
  test('subject', () => {
    expect(said(leaf, { subject: { commonName: 'cp2', organization: 'o' } })).toEqual([
      'names O=o, CN=cp1 instead of O=o, CN=cp2',
    ]);
    expect(said(leaf, { subject: { commonName: 'cp1' } })).toEqual(['names O=o, CN=cp1 instead of CN=cp1']);
  });

  test('names: which are missing and which are too many', () => {
    expect(said(leaf, { dnsNames: ['cp1', 'etcd.example.com'], addresses: ['10.0.0.2', '::1', 'fd00::2'] })).toEqual([
      'lacks the DNS name etcd.example.com, the address 10.0.0.2, the address fd00::2',
      'still holds the DNS name localhost, the address 10.0.0.1',
    ]);
    expect(said(leaf, { dnsNames: [], addresses: ['10.0.0.1'] }).join()).toContain(
      'the address 0000:0000:0000:0000:0000:0000:0000:0001',
    );
  });

  test('usages', () => {
    expect(said(leaf, { usages: ['clientAuth'] })).toEqual(['is meant for more than it is used for']);
  });

  test('a usage that is missing', async () => {
    expect(said(await issue({ ...entry, usages: ['clientAuth'] }))).toEqual(['is not meant for serverAuth']);
  });

  test('algorithm', async () => {
    expect(said(leaf, {}, { algorithm: 'RSA-2048' })).toEqual(['has a key of the kind ECDSA-P256 instead of RSA-2048']);
    const rsa = readCertificate(await issueLeaf(entry, await generateKey('RSA-2048'), signer, issuing()));
    expect(said(rsa, {}, { algorithm: 'RSA-4096' })).toEqual(['has a key of the kind RSA-2048 instead of RSA-4096']);
    expect(said(rsa, {}, { algorithm: 'RSA-2048' })).toEqual([]);
  });

  test.each([
    ['2026-05-31T23:54:59Z', ['is not valid before 2026-05-31T23:55:00.000Z']],
    ['2026-05-31T23:55:00Z', []],
    ['2027-05-02T00:00:00Z', []],
    ['2027-05-02T00:00:01Z', ['expires on 2027-06-01, in 29 days']],
    ['2027-05-31T12:00:00Z', ['expires on 2027-06-01, in less than a day']],
    ['2027-06-01T00:00:00Z', ['has expired on 2027-06-01']],
  ])('life, at %s', (moment, wanted) => {
    expect(said(leaf, {}, { now: new Date(moment) })).toEqual(wanted);
  });

  test('another CA of the same name, and of another', async () => {
    for (const name of ['etcd-ca', 'ETCD-CA', 'other']) {
      const other = await newSigner(await generateKey('ECDSA-P256'), name);
      expect(misfits(leaf, entry, other.certificate, demands)).toMatchObject([
        { kind: 'issuer', text: `was issued by another CA than CN=${name}`, harmful: true },
      ]);
    }
  });

  test('a name of the CA that only Go tells apart', async () => {
    const other = await newSigner(caKey, 'Etcd-CA');
    expect(leaf.x509().checkIssued(other.certificate.x509())).toBe(true);
    expect(misfits(leaf, entry, other.certificate, demands).map(({ kind }) => kind)).toEqual(['issuer']);
  });

  test('another key beside it', async () => {
    expect(keyMisfit(leaf, await generateKey('ECDSA-P256'))?.text).toBe('does not belong to the key beside it');
    expect(keyMisfit(leaf, await generateKey('RSA-2048'))?.text).toBe('does not belong to the key beside it');
  });
});

test('any byte that is changed is noticed', () => {
  for (let at = 0; at < leaf.der.length; at++) {
    const damaged = Buffer.from(leaf.der);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
    const body = damaged.toString('base64').replace(/.{64}/g, '$&\n');
    const pem = `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
    let found: readonly string[];
    try {
      found = said(readCertificate(pem));
    } catch (error) {
      if (!(error instanceof PemError)) throw error;
      found = [error.message];
    }
    expect(found, `byte ${at}`).toHaveLength(1);
  }
});

test.runIf(needTool('openssl'))('keys and certificates made by OpenSSL are matched in whatever form', () => {
  const dir = temporaryDirectory();
  const kinds = [
    ['-newkey', 'rsa:2048'],
    ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
    ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:named_curve'],
  ];
  for (const kind of kinds) {
    const file = join(dir, 'key.pem');
    const made = readCertificate(openssl(['req', '-x509', '-nodes', '-subj', '/CN=a', ...kind, '-keyout', file]));
    for (const form of [['pkey'], ['pkey', '-traditional'], [kind[1] === 'ec' ? 'ec' : 'rsa']]) {
      const pem = openssl([...form, '-in', file]);
      writeFileSync(join(dir, 'copy.pem'), pem);
      const key = { reveal: () => pem } as SecretPem;
      expect(keyMisfit(made, key), `${kind} ${form}`).toBeUndefined();
      expect(keyMisfit(leaf, key)?.kind).toBe('key');
    }
  }
});
