import type { SecretPem } from '../base/pem.ts';
import type { AuthorityName, KeyPair, Pki } from '../pki/pki.ts';

/** Whom one believes, and who one is to them. */
export interface Credentials {
  /** PEM: every certificate that is trusted. */
  readonly ca: string;
  readonly cert: string;
  readonly key: SecretPem;
}

/** Undefined where a cluster has no such authority or pair: with an external etcd those of etcd are not there. */
export function credentials(
  pki: Pick<Pki, 'authorities'>,
  authority: AuthorityName,
  pair: KeyPair | undefined,
): Credentials | undefined {
  const ca = pki.authorities.get(authority)?.bundle;
  return ca === undefined || !pair ? undefined : { ca, cert: pair.certificate, key: pair.key };
}

/** To the apiservers: one who may do everything, before any object in the API gives rights to anybody (system:masters). */
export function superAdmin(pki: Pick<Pki, 'authorities' | 'superAdmin'>): Credentials | undefined {
  return credentials(pki, 'kubernetes', pki.superAdmin);
}
