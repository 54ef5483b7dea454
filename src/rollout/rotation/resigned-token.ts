import { type KeyObject, sign } from 'node:crypto';
import { keyIdOf, SecretToken } from './signed-token.ts';

/** RFC 7518 section 3.1; those that an apiserver signs with (pkg/serviceaccount/jwt.go). */
const ALGORITHMS: Readonly<Record<string, readonly [name: string, digest: string]>> = {
  prime256v1: ['ES256', 'sha256'],
  secp384r1: ['ES384', 'sha384'],
  secp521r1: ['ES512', 'sha512'],
};

/**
 * The same claims under another key's signature: what refuses it refuses the key, since in nothing else it differs from
 * a token that is good.
 */
export function resigned(token: SecretToken, key: KeyObject, publicKey: KeyObject): SecretToken {
  const [, claims = ''] = token.reveal().split('.');
  const [name, digest] = ALGORITHMS[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? ['RS256', 'sha256'];
  const header = Buffer.from(JSON.stringify({ alg: name, kid: keyIdOf(publicKey) })).toString('base64url');
  const signature = sign(digest, Buffer.from(`${header}.${claims}`), { key, dsaEncoding: 'ieee-p1363' });
  return new SecretToken(`${header}.${claims}.${signature.toString('base64url')}`);
}
