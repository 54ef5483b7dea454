import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type Bundle, type BundleFile, makeBundle } from '../../bundle/bundle.ts';
import type { Compress, Format } from './formats.ts';
import type { Secrets } from './machine.ts';
import { packPayload } from './payload.ts';
import { squeezed } from './squeezed.ts';

/** How many bytes a bundle's files have in a document, before whatever is done with the document as a whole. */
export type Measure = (bundle: Bundle) => number;

/**
 * Whether a document carries the payload or the files one by one. An Ignition document with all files is packed where it
 * would be too large otherwise, and only then does its size matter.
 */
export function isPacked(format: Format, secrets: Secrets['kind']): boolean {
  return format === 'cloud-config' || (format === 'ignition' && secrets !== 'none');
}

export function measureOf(format: Format, compress: Compress, secrets: Secrets['kind']): Measure {
  if (isPacked(format, secrets)) return (bundle) => packPayload(bundle).content.length;
  const all = ({ files }: Bundle) => Buffer.concat(files.flatMap(({ path, content }) => [Buffer.from(path), content]));
  return compress === 'none' ? (bundle) => all(bundle).length : (bundle) => squeezed(all(bundle)).length;
}

/** The same bundle with stand-ins, of the size of P-256, for everything of RSA in these files. They are good for nothing else. */
export function withStandIns({ node, directories, files }: Bundle, applies: (file: BundleFile) => boolean): Bundle {
  const replaced = files.map((file) => {
    if (!applies(file)) return file;
    const content = standIns(file.content.toString('latin1')).replace(DATA, (data) => {
      const text = Buffer.from(data, 'base64').toString('latin1');
      return Buffer.from(standIns(text), 'latin1').toString('base64');
    });
    return { ...file, content: Buffer.from(content, 'latin1') };
  });
  return makeBundle(node, directories, replaced);
}

const BLOCKS = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY|PUBLIC KEY|CERTIFICATE)-----\n[A-Za-z0-9+/=\n]+-----END \1-----\n/g;

/** PEM as a kubeconfig holds it: base64 of `-----BEGIN `. */
const DATA = /LS0tLS1CRUdJTi[A-Za-z0-9+/]+={0,2}/g;

function standIns(text: string): string {
  return text.replace(BLOCKS, (block, label: string) => standIn(block, label));
}

function standIn(block: string, label: string): string {
  const der = standInDer(block, label);
  if (!der) return block;
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** Bytes of a private scalar, of a public point and of a signature with P-256, and what is around the first two (RFC 5915). */
const SCALAR = 32;
const POINT = 64;
const SIGNATURE = 71;
const AROUND = Buffer.alloc(25, 'EC');

/** Where the modulus stood, a point stands, the same in a key and its certificate: gzip finds what is there twice. */
function standInDer(block: string, label: string): Buffer | undefined {
  try {
    if (label === 'CERTIFICATE') {
      const { raw, publicKey } = new X509Certificate(block);
      return shorterSignature(withPoint(raw, publicKey));
    }
    if (label === 'PUBLIC KEY') {
      const key = createPublicKey(block);
      return withPoint(key.export({ type: 'spki', format: 'der' }), key);
    }
    const modulus = modulusOf(createPublicKey(createPrivateKey(block)));
    return modulus && Buffer.concat([AROUND, filler(modulus, 'scalar', SCALAR), filler(modulus, 'point', POINT)]);
  } catch {
    // nothing that node:crypto reads, so nothing that this program has made
    return undefined;
  }
}

function modulusOf(key: KeyObject): Buffer | undefined {
  if (key.asymmetricKeyType !== 'rsa') return undefined;
  const { n } = key.export({ format: 'jwk' });
  return typeof n === 'string' ? Buffer.from(n, 'base64url') : undefined;
}

function withPoint(der: Buffer, key: KeyObject): Buffer {
  const modulus = modulusOf(key);
  if (!modulus) return der;
  const at = der.indexOf(modulus);
  return Buffer.concat([der.subarray(0, at), filler(modulus, 'point', POINT), der.subarray(at + modulus.length)]);
}

/** A certificate ends with its signature: BIT STRING, length in two bytes, no unused bits (RFC 5280 section 4.1.1.3). */
function shorterSignature(der: Buffer): Buffer {
  const length = [256, 384, 512].find((bytes) => {
    const at = der.length - bytes - 5;
    return at > 0 && der[at] === 3 && der[at + 1] === 0x82 && der.readUInt16BE(at + 2) === bytes + 1;
  });
  if (length === undefined) return der;
  const at = der.length - length;
  return Buffer.concat([der.subarray(0, at), filler(der.subarray(at), 'signature', SIGNATURE)]);
}

/** Bytes that gzip makes nothing of, the same for the same seed. */
function filler(seed: Buffer, what: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(what).update(seed).digest();
}
