import { createHash } from 'node:crypto';
import { type Certificate, readCertificates, subjectText } from '../../pki/certificate.ts';
import type { CertificateFacts } from '../plan.ts';

const DAY = 864e5;

/**
 * What the certificates in a file say, in their order; undefined where it holds anything else, too.
 * @param now milliseconds since the epoch
 */
export function certificatesIn(content: Buffer | undefined, now: number): readonly CertificateFacts[] | undefined {
  if (!content?.includes('-----BEGIN CERTIFICATE-----')) return undefined;
  try {
    return readCertificates(content.toString()).map((certificate) => factsOf(certificate, now));
  } catch {
    return undefined;
  }
}

function factsOf(certificate: Certificate, now: number): CertificateFacts {
  const { issuer, subjectAltName } = certificate.x509();
  return {
    subject: subjectText(certificate),
    sans: (subjectAltName?.split(', ') ?? []).map((name) => name.replace(/^(?:DNS|IP Address):/, '')),
    issuer: issuer.replaceAll('\n', ', '),
    notAfter: new Date(certificate.notAfter).toISOString(),
    daysLeft: Math.floor((certificate.notAfter - now) / DAY),
    fingerprint: createHash('sha256').update(certificate.der).digest('hex'),
  };
}
