import { type Certificate, publicKeyOf } from '../certificate.ts';
import { PemError } from '../pem-blocks.ts';
import type { AuthorityName } from '../pki.ts';
import type { Age } from './listed.ts';

/** A CA of the cluster, and what to call it. */
export interface KnownAuthority {
  readonly name: AuthorityName;
  readonly age: Age | undefined;
  readonly certificate: Certificate;
}

/** Says by whose key a certificate is signed, in words. Two CAs of the same name are told apart by their keys. */
export type IssuerOf = (certificate: Certificate) => string;

export function issuerNames(authorities: readonly KnownAuthority[]): IssuerOf {
  return (certificate) => {
    const issuer = authorities.find((authority) => isIssuedBy(certificate, authority.certificate));
    if (issuer) return authorityLabel(issuer);
    if (isIssuedBy(certificate, certificate)) return 'itself';
    const isNamesake = authorities.some((authority) => certificate.issuer.equals(authority.certificate.subject));
    return `${isNamesake ? 'another CA named ' : ''}${issuerText(certificate)}`;
  };
}

/** `kubernetes CA`, `kubernetes CA (old)`. */
function authorityLabel({ name, age }: Pick<KnownAuthority, 'name' | 'age'>): string {
  return age ? `${name} CA (${age})` : `${name} CA`;
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (!certificate.issuer.equals(issuer.subject)) return false;
  try {
    return certificate.x509().verify(publicKeyOf(issuer));
  } catch (error) {
    if (error instanceof PemError) return false;
    throw error;
  }
}

function issuerText(certificate: Certificate): string {
  return certificate.x509().issuer?.replaceAll('\n', ', ') || 'a CA without a name';
}
