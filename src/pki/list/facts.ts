import { createHash } from 'node:crypto';
import { canonicalAddress } from '../addresses.ts';
import type { Certificate } from '../certificate.ts';
import { subjectText } from '../certificate.ts';
import { certificateAlgorithm } from '../keys.ts';
import type { Life } from './life.ts';

/** What a certificate says of itself, for people. */
export interface CertificateFacts extends Life {
  /** `O=system:nodes, CN=system:node:cp1`. */
  readonly subject: string;
  /** `DNS:localhost`, `IP:10.0.0.11`. */
  readonly sans: readonly string[];
  /** `kubernetes CA`, during a rotation `kubernetes CA (old)`; `itself`; the issuer's name where it is no CA of the cluster. */
  readonly issuer: string;
  /** `ECDSA-P256`. */
  readonly algorithm: string;
  /** Hex, lower case. */
  readonly serial: string;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
}

/** @throws PemError where OpenSSL cannot read it */
export function factsOf(certificate: Certificate, issuer: string): CertificateFacts {
  const { subjectAltName, serialNumber } = certificate.x509();
  return {
    subject: subjectText(certificate),
    sans: (subjectAltName?.split(', ') ?? []).map(nameInWords),
    issuer,
    algorithm: certificateAlgorithm(certificate),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    serial: serialNumber.toLowerCase(),
    fingerprint: fingerprintOf(certificate),
  };
}

/** OpenSSL writes IPv6 addresses in full. */
function nameInWords(name: string): string {
  const address = /^IP Address:(.*)$/.exec(name)?.[1];
  return address === undefined ? name : `IP:${canonicalAddress(address) ?? address}`;
}

/** SHA-256 of the DER, hex. */
export function fingerprintOf({ der }: Pick<Certificate, 'der'>): string {
  return createHash('sha256').update(der).digest('hex');
}
