import { randomBytes } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { BootstrapError } from '../../src/base/errors.ts';
import type { SecretPem } from '../../src/base/pem.ts';
import { addressBytes, canonicalAddress } from '../../src/pki/addresses.ts';
import { readCertificate, readCertificates } from '../../src/pki/certificate.ts';
import { misfits } from '../../src/pki/fit.ts';
import { type LeafEntry, pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey, privateKey } from '../../src/pki/keys.ts';
import { PemError, pemBlocks } from '../../src/pki/pem-blocks.ts';
import { issueAuthority, issueLeaf, type Signer } from '../../src/pki/x509.ts';
import { needTool } from '../support/tools.ts';
import { testCluster } from './clusters.ts';
import { DAY, openssl } from './tools.ts';

let signer: Signer;
let key: SecretPem;
const now = new Date();
const issuing = () => ({ now, serial: randomBytes(16), validity: DAY });

beforeAll(async () => {
  key = await generateKey('ECDSA-P256');
  const authority = { name: 'kubernetes', path: 'ca', subject: { commonName: 'kubernetes' } } as const;
  signer = { certificate: readCertificate(await issueAuthority(authority, key, issuing())), key: privateKey(key) };
});

const word = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const dnsName = fc.array(word, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const address = fc.oneof(fc.ipV4(), fc.ipV6());
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });

const entryOf = (changes: Partial<LeafEntry>): LeafEntry => ({
  use: { kind: 'admin' },
  path: 'admin',
  authority: 'kubernetes',
  subject: { commonName: 'cn' },
  usages: ['clientAuth'],
  dnsNames: [],
  addresses: [],
  ...changes,
});
const demands = { algorithm: 'ECDSA-P256', now, renewBefore: 0, certValidity: DAY } as const;

test('whatever names a cluster has, its certificates fit as soon as they are issued, or cannot be issued', async () => {
  const hostile = fc.oneof(dnsName, address, name, fc.string({ unit: 'binary', maxLength: 20 }));
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { maxLength: 12 }), name, async (certSANs, nodeName) => {
      const nodes = { [nodeName]: ['10.0.0.1'] } as const;
      for (const entry of pkiInventory(testCluster({ certSANs, nodes })).leaves.slice(2, 4)) {
        try {
          const leaf = readCertificate(await issueLeaf(entry, key, signer, issuing()));
          expect(misfits(leaf, entry, signer.certificate, demands)).toEqual([]);
        } catch (error) {
          if (!(error instanceof BootstrapError)) throw error;
          expect(error.code).toBe('cluster-file');
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('any subject comes back as it went in', async () => {
  await fc.assert(
    fc.asyncProperty(name, fc.option(name, { nil: undefined }), async (commonName, organization) => {
      const entry = entryOf({ subject: { commonName, ...(organization !== undefined && { organization }) } });
      const issued = await issueLeaf(entry, key, signer, issuing()).catch((error: unknown) => {
        expect(error).toBeInstanceOf(BootstrapError);
      });
      if (issued) expect(misfits(readCertificate(issued), entry, signer.certificate, demands)).toEqual([]);
      else expect(commonName + (organization ?? '')).toMatch(/[\x00-\x1f\x7f]|\p{Cs}/u);
    }),
    { numRuns: 200 },
  );
});

describe.runIf(needTool('openssl'))('as OpenSSL reads them', () => {
  test('names and addresses are those that went in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(dnsName, address), { minLength: 1, maxLength: 8 }), async (certSANs) => {
        const [, , entry] = pkiInventory(testCluster({ certSANs })).leaves;
        if (!entry) throw new Error('no apiserver');
        const text = openssl(
          ['x509', '-noout', '-ext', 'subjectAltName'],
          await issueLeaf(entry, key, signer, issuing()),
        );
        const found = (text.split('\n')[1] ?? '').trim().split(', ');
        const full = (address: string) =>
          isIPv6(address)
            ? (addressBytes(address).toString('hex').match(/.{4}/g) ?? [])
                .map((g) => Number.parseInt(g, 16).toString(16).toUpperCase())
                .join(':')
            : address;
        expect(found).toEqual([
          ...entry.dnsNames.map((dns) => `DNS:${dns}`),
          ...entry.addresses.map((ip) => `IP Address:${full(ip)}`),
        ]);
      }),
      { numRuns: 40 },
    );
  });

  test('subjects are those that went in', async () => {
    await fc.assert(
      fc.asyncProperty(name, name, async (commonName, organization) => {
        const entry = entryOf({ subject: { commonName, organization } });
        const pem = await issueLeaf(entry, key, signer, issuing()).catch(() => undefined);
        if (pem === undefined) return;
        const text = openssl(['x509', '-noout', '-subject', '-nameopt', 'utf8,sep_multiline'], pem);
        expect(text).toBe(`subject=\n    O=${organization}\n    CN=${commonName}\n`);
      }),
      { numRuns: 40 },
    );
  });
});

describe('addresses', () => {
  test('are taken exactly where node takes them, zones apart, and mean the same', () => {
    const near = fc.stringMatching(/^[0-9a-fA-F:.%]{1,30}$/);
    fc.assert(
      fc.property(
        fc.oneof(
          address,
          near,
          fc.ipV4().map((ip) => `::ffff:${ip}`),
          fc.ipV4Extended(),
        ),
        (text) => {
          const canonical = canonicalAddress(text);
          const taken = /^\d+\.\d+\.\d+\.\d+$/.test(text) ? net4(text) : isIPv6(text) && !text.includes('%');
          expect(canonical !== undefined, text).toBe(taken);
          if (canonical === undefined) return;
          expect(canonicalAddress(canonical)).toBe(canonical);
          expect(addressBytes(canonical)).toHaveLength(canonical.includes(':') ? 16 : 4);
          const list = new BlockList();
          list.addAddress(canonical, canonical.includes(':') ? 'ipv6' : 'ipv4');
          expect(list.check(text, text.includes(':') ? 'ipv6' : 'ipv4'), `${text} = ${canonical}`).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

const net4 = (text: string) => text.split('.').every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);

test('text that is not PEM is refused or skipped, never a crash', () => {
  const piece = fc.oneof(
    fc.constantFrom('-----BEGIN ', '-----END ', '-----', 'CERTIFICATE', '\n', 'MIIB', '=', 'PRIVATE KEY'),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
      (text) => {
        for (const read of [pemBlocks, readCertificates]) {
          try {
            read(text);
          } catch (error) {
            expect(error).toBeInstanceOf(PemError);
          }
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('DER that is not a certificate is refused, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat({ max: 255 }), (bytes, at, value) => {
      const damaged = Buffer.from(signer.certificate.der);
      damaged[at % damaged.length] = value;
      for (const der of [Buffer.from(bytes), Buffer.from([0x30, bytes.length, ...bytes]), damaged]) {
        const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
        try {
          for (const found of readCertificates(pem)) misfits(found, entryOf({}), signer.certificate, demands);
        } catch (error) {
          expect(error).toBeInstanceOf(PemError);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
