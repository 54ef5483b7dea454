import { X509Certificate } from 'node:crypto';
import type { Pem } from '../base/pem.ts';
import { type CertificateParts, certificateParts } from './der.ts';
import { PemError, pemBlocks } from './pem-blocks.ts';

/** A certificate that was read, with what node does not say about it. Dates are milliseconds since 1970. */
export interface Certificate {
  /** Just its PEM block, with a final newline. */
  readonly pem: Pem;
  readonly x509: X509Certificate;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly parts: CertificateParts;
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
    let x509: X509Certificate;
    try {
      x509 = new X509Certificate(der);
    } catch {
      throw new PemError('holds a certificate that cannot be read');
    }
    return {
      pem: pem as Pem,
      x509,
      // `validToDate` is new in Node 22.
      notBefore: Date.parse(x509.validFrom),
      notAfter: Date.parse(x509.validTo),
      parts: certificateParts(x509.raw),
    };
  });
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

/** The subject on one line, as OpenSSL prints it: `O=system:nodes, CN=system:node:cp1`. */
export function subjectText(certificate: Certificate): string {
  return certificate.x509.subject?.replaceAll('\n', ', ') ?? '';
}

export function sameCertificate(a: Certificate, b: Certificate): boolean {
  return a.x509.raw.equals(b.x509.raw);
}
