import { type KeyObject, X509Certificate } from 'node:crypto';
import type { Pem } from '../base/pem.ts';
import { type CertificateParts, certificateParts } from './der.ts';
import { PemError, pemBlocks } from './pem-blocks.ts';

/** A certificate that was read. */
export interface Certificate extends CertificateParts {
  /** Just its PEM block, with a final newline. */
  readonly pem: Pem;
  readonly der: Buffer;
  /** As OpenSSL reads it, which takes a while. @throws PemError where OpenSSL cannot. */
  readonly x509: () => X509Certificate;
}

/**
 * All certificates of a PEM text, in their order.
 * @throws PemError where it holds anything else than certificates, or none.
 */
export function readCertificates(text: string): readonly Certificate[] {
  const blocks = pemBlocks(text);
  if (!blocks.length) throw new PemError('holds no certificate in PEM form');
  return blocks.map(({ label, pem, der }) => {
    if (label !== 'CERTIFICATE') throw new PemError(`holds a block "${label}" instead of a certificate`);
    let loaded: X509Certificate | undefined;
    const x509 = () => {
      loaded ??= load(der);
      return loaded;
    };
    return { ...certificateParts(der), pem: pem as Pem, der, x509 };
  });
}

function load(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw new PemError('holds a certificate that cannot be read');
  }
}

/**
 * The one certificate of a PEM text.
 * @throws PemError also where there are several.
 */
export function readCertificate(text: string): Certificate {
  const [first, ...others] = readCertificates(text);
  if (!first) throw new PemError('holds no certificate in PEM form');
  if (others.length) throw new PemError(`holds ${others.length + 1} certificates instead of one`);
  return first;
}

/** @throws PemError where OpenSSL cannot make sense of it; it does not look at the key before it is asked for it. */
export function publicKeyOf(certificate: Certificate): KeyObject {
  try {
    return certificate.x509().publicKey;
  } catch {
    throw new PemError('holds a certificate whose key cannot be read');
  }
}

/** The subject on one line, as OpenSSL prints it: `O=system:nodes, CN=system:node:cp1`. */
export function subjectText(certificate: Certificate): string {
  return certificate.x509().subject?.replaceAll('\n', ', ') ?? '';
}

export function sameCertificate(a: Certificate, b: Certificate): boolean {
  return a.der.equals(b.der);
}
