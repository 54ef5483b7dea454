import { createHash, type KeyObject } from 'node:crypto';
import type { Pem } from '../../base/pem.ts';
import { Secret } from '../../base/secret.ts';
import { publicKeys } from '../../pki/keys.ts';
import type { Json } from '../../spec/tree.ts';
import { textAt } from './object-text.ts';

/** A service-account token: its text goes to an apiserver and nowhere else. */
export class SecretToken extends Secret {
  declare readonly kind: 'token';
}

/** By what a token names the key that signed it: base64url of the SHA-256 of its DER (pkg/serviceaccount/jwt.go). */
export function keyIdOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

/** Those of all public keys of a PEM text. @throws PemError where it holds something else */
export function keyIdsOf(pem: Pem): ReadonlySet<string> {
  return new Set(publicKeys(pem).map(keyIdOf));
}

/** The id of the key that signed a token; undefined where it names none. */
export function signedWith(token: SecretToken): string | undefined {
  const [header = ''] = token.reveal().split('.');
  try {
    return textAt(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as Json, 'kid') || undefined;
  } catch {
    return undefined;
  }
}
