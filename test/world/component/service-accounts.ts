import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Json, type JsonMap, listAt, textAt } from '../json.ts';
import type { EtcdClient } from './etcd-client.ts';
import { type Flags, flag, listFlag } from './flags.ts';
import type { User } from './user.ts';

export type ServiceAccounts = ReturnType<typeof serviceAccounts>;

export type TokenFound = { readonly user: User; readonly audiences: readonly string[] } | { readonly error: string };

/** The standard of TokenRequest. */
const STANDARD_SECONDS = 3600;
const ALGORITHMS: Readonly<Record<string, readonly [name: string, digest: string]>> = {
  prime256v1: ['ES256', 'sha256'],
  secp384r1: ['ES384', 'sha384'],
  secp521r1: ['ES512', 'sha512'],
};

/**
 * Tokens of service accounts as kube-apiserver makes and believes them (pkg/serviceaccount/{jwt,claims}.go): JWTs, signed
 * with --service-account-signing-key-file, believed where their key is in any --service-account-key-file, which may hold
 * several. All are read at the start only (reference/rotation.md).
 */
export function serviceAccounts(flags: Flags, etcd: EtcdClient) {
  const signingFile = flag(flags, 'service-account-signing-key-file');
  const signer = signingFile ? createPrivateKey(readFileSync(signingFile)) : undefined;
  const issuers = listFlag(flags, 'service-account-issuer');
  const audiences = flags.has('api-audiences') ? listFlag(flags, 'api-audiences') : issuers.slice(0, 1);
  const trusted = (flags.get('service-account-key-file') ?? []).flatMap((file) =>
    (readFileSync(file, 'utf8').match(/-----BEGIN [^-]+-----[\s\S]+?-----END [^-]+-----/g) ?? []).map((pem) =>
      createPublicKey(pem),
    ),
  );
  const keys = new Map(trusted.map((key) => [keyId(key), key]));
  const uidOf = async (namespace: string, name: string): Promise<string | undefined> => {
    const entry = await etcd.get(`/registry/core/serviceaccounts/${namespace}/${name}`);
    return entry && textAt(JSON.parse(entry.value) as Json, 'metadata', 'uid');
  };

  return {
    /** @returns undefined where there is no such account, or no key to sign with */
    async issue(namespace: string, name: string, spec: JsonMap) {
      const uid = await uidOf(namespace, name);
      if (uid === undefined || !signer) return undefined;
      const asked = listAt(spec, 'audiences').map(String);
      const seconds = Number(spec['expirationSeconds'] ?? STANDARD_SECONDS);
      const now = Math.floor(Date.now() / 1000);
      const token = jwt(signer, {
        aud: asked.length ? asked : audiences,
        exp: now + seconds,
        iat: now,
        iss: issuers[0] ?? '',
        jti: randomUUID(),
        'kubernetes.io': { namespace, serviceaccount: { name, uid } },
        nbf: now,
        sub: `system:serviceaccount:${namespace}:${name}`,
      });
      return { token, expirationTimestamp: new Date((now + seconds) * 1000).toISOString().replace('.000', '') };
    },

    async userOf(token: string, wanted: readonly string[] = audiences): Promise<TokenFound> {
      const [head = '', body = '', signature = ''] = token.split('.');
      const [header, claims] = [decoded(head), decoded(body)];
      if (!header || !claims || !issuers.includes(textAt(claims, 'iss'))) return { error: 'invalid bearer token' };
      const key = keys.get(textAt(header, 'kid'));
      if (!key) return { error: '[invalid bearer token, no keys found]' };
      if (!isSigned(key, `${head}.${body}`, Buffer.from(signature, 'base64url')))
        return { error: '[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]' };
      const now = Date.now() / 1000;
      if (Number(claims['exp']) < now) return { error: '[invalid bearer token, service account token has expired]' };
      const both = listAt(claims, 'aud')
        .map(String)
        .filter((audience) => wanted.includes(audience));
      if (!both.length) return { error: '[invalid bearer token, token audiences are not those of the API server]' };
      const own = claims['kubernetes.io'];
      const [namespace, name] = [textAt(own, 'namespace'), textAt(own, 'serviceaccount', 'name')];
      const uid = await uidOf(namespace, name);
      if (uid === undefined || uid !== textAt(own, 'serviceaccount', 'uid'))
        return { error: '[invalid bearer token, service account token has been invalidated]' };
      const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
      return { user: { name: textAt(claims, 'sub'), uid, groups }, audiences: both };
    },

    /** What it says at /openid/v1/jwks: the keys that it believes. */
    keySet: (): Json => ({
      keys: trusted.map((key) => ({
        use: 'sig',
        kid: keyId(key),
        alg: algorithmOf(key)[0],
        ...(key.export({ format: 'jwk' }) as JsonMap),
      })),
    }),
  };
}

const keyId = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');

const algorithmOf = ({ asymmetricKeyDetails }: KeyObject) =>
  ALGORITHMS[asymmetricKeyDetails?.namedCurve ?? ''] ?? (['RS256', 'sha256'] as const);

function jwt(key: KeyObject, claims: JsonMap): string {
  const [alg, digest] = algorithmOf(key);
  const part = (data: JsonMap) => Buffer.from(JSON.stringify(data)).toString('base64url');
  const signed = `${part({ alg, kid: keyId(createPublicKey(key)) })}.${part(claims)}`;
  return `${signed}.${sign(digest, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const isSigned = (key: KeyObject, text: string, signature: Buffer): boolean =>
  verify(algorithmOf(key)[1], Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }, signature);

function decoded(part: string): JsonMap | undefined {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as JsonMap;
  } catch {
    return undefined;
  }
}
