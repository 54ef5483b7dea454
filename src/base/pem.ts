import { Secret } from './secret.ts';

/** A public PEM block or several: certificates, public keys. */
export type Pem = string & { readonly __brand: 'Pem' };

/** A private PEM block: its text goes into a 0600 file and nowhere else. */
export class SecretPem extends Secret {
  declare readonly kind: 'pem';
}
