import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { type Pem, SecretPem } from '../base/pem.ts';
import type { KeyAlgorithm } from '../spec/cluster.ts';
import { type Certificate, publicKeyOf } from './certificate.ts';
import { derContent, derElements } from './der.ts';
import { encrypted, type PemBlock, PemError, pemBlocks } from './pem-blocks.ts';

const RSA_BITS = { 'RSA-2048': 2048, 'RSA-3072': 3072, 'RSA-4096': 4096 } as const;
const CURVES = { 'ECDSA-P256': 'P-256', 'ECDSA-P384': 'P-384' } as const;

/** What OpenSSL calls the curves that Go's TLS can use. */
const CURVE_NAMES: Readonly<Record<string, string>> = {
  prime256v1: 'ECDSA-P256',
  secp384r1: 'ECDSA-P384',
  secp521r1: 'ECDSA-P521',
};

/** PEM label → the `type` by which node reads that DER. */
const ENCODINGS: Readonly<Record<string, 'pkcs1' | 'sec1' | 'pkcs8'>> = {
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
  'PRIVATE KEY': 'pkcs8',
};

const generate = promisify(generateKeyPair);

/**
 * Makes a private key in libuv's thread pool, so that many can be made at once. The PEM is of the kind that kubeadm
 * writes: PKCS#1 for RSA, SEC1 for ECDSA.
 */
export async function generateKey(algorithm: KeyAlgorithm): Promise<SecretPem> {
  if (algorithm in RSA_BITS) {
    const { privateKey } = await generate('rsa', { modulusLength: RSA_BITS[algorithm as keyof typeof RSA_BITS] });
    return new SecretPem(privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  }
  const { privateKey } = await generate('ec', { namedCurve: CURVES[algorithm as keyof typeof CURVES] });
  return new SecretPem(privateKey.export({ type: 'sec1', format: 'pem' }).toString());
}

/**
 * The key in a PEM text, for node:crypto.
 * @throws PemError in words that can follow a file's name; they hold nothing of the key.
 */
export function privateKey(pem: SecretPem): KeyObject {
  const block = privateBlock(pem);
  const type = ENCODINGS[block.label];
  if (!type) throw new PemError(`holds a block "${block.label}" instead of a private key`);
  try {
    // Four times faster than giving node the PEM, because OpenSSL need not try its decoders one after the other.
    return createPrivateKey({ key: block.der, format: 'der', type });
  } catch {
    throw new PemError('holds a private key that cannot be read');
  }
}

/** The public half as SPKI PEM (`PUBLIC KEY`), as in sa.pub. */
export function publicPem(key: SecretPem): Pem {
  return createPublicKey(privateKey(key)).export({ type: 'spki', format: 'pem' }).toString() as Pem;
}

/**
 * All public keys of a PEM text.
 * @throws PemError where a block is something else or cannot be read.
 */
export function publicKeys(text: string): readonly KeyObject[] {
  return pemBlocks(text).map(({ label, der }) => {
    const type = label === 'PUBLIC KEY' ? 'spki' : label === 'RSA PUBLIC KEY' ? 'pkcs1' : undefined;
    if (!type)
      throw new PemError(`holds a block "${label.includes('PRIVATE') ? 'PRIVATE KEY' : label}" instead of public keys`);
    try {
      return createPublicKey({ key: der, format: 'der', type });
    } catch {
      throw new PemError('holds a public key that cannot be read');
    }
  });
}

/** What kind of key it is, in the words of the cluster file where it has any: `RSA-2048`, `ECDSA-P256`, `Ed25519`. */
export function keyAlgorithm(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa') return `RSA-${details?.modulusLength}`;
  if (type === 'ec') return CURVE_NAMES[details?.namedCurve ?? ''] ?? `ECDSA on ${details?.namedCurve}`;
  return type ?? 'unknown';
}

/** AlgorithmIdentifiers in DER, as hex. */
const SPKI_ALGORITHMS: Readonly<Record<string, string>> = {
  '301306072a8648ce3d020106082a8648ce3d030107': 'ECDSA-P256',
  '301006072a8648ce3d020106052b81040022': 'ECDSA-P384',
  '300d06092a864886f70d0101010500': 'RSA',
};

/** The same of a certificate, without having OpenSSL load the usual kinds. */
export function certificateAlgorithm(certificate: Certificate): string {
  const [identifier, bits] = derElements(certificate.publicKey);
  const known = SPKI_ALGORITHMS[identifier?.toString('hex') ?? ''];
  if (!known || !bits) return keyAlgorithm(publicKeyOf(certificate));
  if (known !== 'RSA') return known;
  const [modulus] = derElements(derContent(bits).subarray(1));
  return `RSA-${modulus ? BigInt(`0x${derContent(modulus).toString('hex')}`).toString(2).length : 0}`;
}

/**
 * The digest to sign with, or undefined where Go or OpenSSL would not accept signatures of such a key
 * (RSA below 2048 bits, curves unknown to Go, and Ed25519, which is unknown to kubeadm and to service-account tokens).
 */
export function signatureDigest(key: KeyObject): 'sha256' | 'sha384' | 'sha512' | undefined {
  switch (keyAlgorithm(key)) {
    case 'ECDSA-P256':
      return 'sha256';
    case 'ECDSA-P384':
      return 'sha384';
    case 'ECDSA-P521':
      return 'sha512';
    default:
      return key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
        ? 'sha256'
        : undefined;
  }
}

/**
 * Whether a certificate belongs to a key.
 * @throws PemError where the key cannot be read.
 */
export function matchesCertificate(certificate: Certificate, key: SecretPem): boolean {
  if (holdsPublicKey(privateBlock(key), certificate.publicKey)) return true;
  return samePublicKey(createPublicKey(privateKey(key)), publicKeyOf(certificate));
}

/** Whether two private keys are the same. @throws PemError where one cannot be read. */
export function sameKey(a: SecretPem, b: SecretPem): boolean {
  return samePublicKey(createPublicKey(privateKey(a)), createPublicKey(privateKey(b)));
}

/**
 * Whether two public keys are the same. The kinds are compared first: asked about keys of different kinds, node leaves
 * an entry in OpenSSL's error queue, and then the next good key cannot be read (as in nodejs/node#45485).
 */
export function samePublicKey(a: KeyObject, b: KeyObject): boolean {
  return keyAlgorithm(a) === keyAlgorithm(b) && a.equals(b);
}

/**
 * Whether a private key names this public key as its own, without having OpenSSL load it, which would be half the time
 * of a `render` where nothing changes. OpenSSL, too, compares no more than the public halves (X509_check_private_key).
 */
function holdsPublicKey({ label, der }: PemBlock, spki: Buffer): boolean {
  const [identifier, bits] = derElements(spki);
  if (!identifier || !bits) return false;
  if (label === 'RSA PRIVATE KEY' && SPKI_ALGORITHMS[identifier.toString('hex')] === 'RSA') {
    // RFC 8017 appendix A.1: RSAPublicKey is {n, e}, RSAPrivateKey {version = 0, n, e, d, …}.
    const numbers = derContent(derContent(bits).subarray(1));
    return derContent(der).subarray(3).subarray(0, numbers.length).equals(numbers);
  }
  // RFC 5915: an ECPrivateKey ends in the same BIT STRING, the point, as a SubjectPublicKeyInfo.
  return label === 'EC PRIVATE KEY' && derContent(der).subarray(-bits.length).equals(bits);
}

function privateBlock(pem: SecretPem): PemBlock {
  const blocks = pemBlocks(pem.reveal()).filter(({ label }) => label !== 'EC PARAMETERS');
  const [block] = blocks;
  if (!block) throw new PemError('holds no private key in PEM form');
  if (blocks.length > 1) throw new PemError(`holds ${blocks.length} PEM blocks instead of one private key`);
  if (block.label === 'ENCRYPTED PRIVATE KEY') throw encrypted();
  return block;
}
