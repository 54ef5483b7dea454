import { createPrivateKey, createPublicKey } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { SecretPem } from '../../src/base/pem.ts';
import {
  generateKey,
  keyAlgorithm,
  privateKey,
  publicKeys,
  publicPem,
  sameKey,
  signatureDigest,
} from '../../src/pki/keys.ts';
import { needTool } from '../support/tools.ts';
import { openssl } from './tools.ts';

describe.each([
  ['RSA-2048', 'RSA PRIVATE KEY'],
  ['RSA-3072', 'RSA PRIVATE KEY'],
  ['ECDSA-P256', 'EC PRIVATE KEY'],
  ['ECDSA-P384', 'EC PRIVATE KEY'],
] as const)('a new %s key', (algorithm, label) => {
  test(`is a ${label} of that kind, as kubeadm writes it, with a public half in the form of sa.pub`, async () => {
    const key = await generateKey(algorithm);
    expect(key.reveal().split('\n')[0]).toBe(`-----BEGIN ${label}-----`);
    expect(keyAlgorithm(createPrivateKey(key.reveal()))).toBe(algorithm);
    expect(privateKey(key).equals(createPrivateKey(key.reveal()))).toBe(true);
    const pem = publicPem(key);
    expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n[\s\S]+-----END PUBLIC KEY-----\n$/);
    expect(createPublicKey(key.reveal()).equals(createPublicKey(pem))).toBe(true);
    expect(publicKeys(pem + pem)).toHaveLength(2);
  });
});

test('keys of different kinds can be compared, and good keys still be read after it', async () => {
  const kinds = await Promise.all((['RSA-2048', 'ECDSA-P256', 'ECDSA-P384'] as const).map(generateKey));
  for (const a of kinds) {
    for (const b of kinds) {
      expect(sameKey(a, b)).toBe(a === b);
      expect(keyAlgorithm(privateKey(b))).toBeDefined();
    }
  }
});

describe.runIf(needTool('openssl'))('keys made elsewhere', () => {
  const read = (pem: string) => privateKey(new SecretPem(pem));

  test.each([
    ['PKCS#8 RSA', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], 'RSA-2048', 'sha256'],
    ['PKCS#8 EC', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'ECDSA-P384', 'sha384'],
    ['SEC1 after its parameters', ['ecparam', '-name', 'prime256v1', '-genkey'], 'ECDSA-P256', 'sha256'],
    ['P-521', ['ecparam', '-name', 'secp521r1', '-genkey', '-noout'], 'ECDSA-P521', 'sha512'],
    ['too small RSA', ['genrsa', '-traditional', '1024'], 'RSA-1024', undefined],
    [
      'a curve that Go does not know',
      ['ecparam', '-name', 'secp256k1', '-genkey', '-noout'],
      'ECDSA on secp256k1',
      undefined,
    ],
    ['Ed25519', ['genpkey', '-algorithm', 'ED25519'], 'ed25519', undefined],
  ] as const)('%s is read, and is known to be fit to sign or not', (_, args, algorithm, digest) => {
    const key = read(openssl(args));
    expect(keyAlgorithm(key)).toBe(algorithm);
    expect(signatureDigest(key)).toBe(digest);
  });

  test.each([
    ['PKCS#8', ['genpkey', '-algorithm', 'RSA', '-aes256', '-pass', 'pass:geheim']],
    ['PKCS#1', ['genrsa', '-traditional', '-aes256', '-passout', 'pass:geheim', '2048']],
  ] as const)('an encrypted %s key is refused with the way out', (_, args) => {
    const pem = openssl(args);
    expect(() => read(pem)).toThrow('is encrypted with a passphrase');
  });

  test('what is no key is named without being shown', async () => {
    const good = (await generateKey('ECDSA-P256')).reveal();
    const body = good.split('\n')[1] ?? '';
    const damaged = {
      empty: '',
      text: 'no key here',
      'cut off': good.slice(0, 150),
      'not base64': good.replace(body.slice(0, 6), '!"§$%&'),
      'another byte': good.replace(body.slice(0, 4), 'AAAA'),
      two: good + good,
      certificate: good.replaceAll('EC PRIVATE KEY', 'CERTIFICATE'),
    };
    for (const [kind, pem] of Object.entries(damaged)) {
      let error: unknown;
      try {
        read(pem);
      } catch (thrown) {
        error = thrown;
      }
      expect(error, kind).toMatchObject({ name: 'PemError' });
      for (const line of good.split('\n').slice(1, -2)) expect(inspect(error), kind).not.toContain(line.slice(8, 40));
    }
  });
});
