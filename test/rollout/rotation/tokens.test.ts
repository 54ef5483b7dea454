import { createPublicKey, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Pem } from '../../../src/base/pem.ts';
import { generateKey, privateKey, publicPem } from '../../../src/pki/keys.ts';
import type { JsonMap } from '../../../src/render/json.ts';
import type { ObjectApi } from '../../../src/rollout/objects/object-api.ts';
import type { ApiRequest } from '../../../src/rollout/probe/api-client.ts';
import { keyIdOf, keyIdsOf, SecretToken, signedWith } from '../../../src/rollout/rotation/signed-token.ts';
import { mintToken, tokenAccepted } from '../../../src/rollout/rotation/token-review.ts';
import { surveyTokens } from '../../../src/rollout/rotation/token-survey.ts';
import { listsServer, object } from './api-lists.ts';
import { base64 } from './authorities.ts';

const [oldKey, newKey] = await Promise.all([generateKey('RSA-2048'), generateKey('ECDSA-P256')]);
const publicOf = (key: typeof oldKey): KeyObject => createPublicKey(privateKey(key));
const tokenOf = (key: KeyObject) =>
  `${Buffer.from(JSON.stringify({ alg: 'RS256', kid: keyIdOf(key) })).toString('base64url')}.e30.SIGNATURE`;
const SINCE = Date.parse('2026-11-23T10:00:00Z');

describe('a token', () => {
  test('is never shown, in whatever way it is printed', () => {
    const token = new SecretToken('abc.def.ghi');
    expect(`${token} ${JSON.stringify({ token })} ${inspect({ token }, { depth: 9, showHidden: true })}`).not.toContain(
      'def',
    );
    expect(token.reveal()).toBe('abc.def.ghi');
  });

  test('says by which key it was signed', () => {
    expect(signedWith(new SecretToken(tokenOf(publicOf(oldKey))))).toBe(keyIdOf(publicOf(oldKey)));
    expect(signedWith(new SecretToken(tokenOf(publicOf(newKey))))).not.toBe(keyIdOf(publicOf(oldKey)));
    expect(signedWith(new SecretToken('no token at all'))).toBeUndefined();
  });

  test('has the key id that Kubernetes computes', () => {
    // the kid of a token that kube-apiserver 1.36.2 has signed with the other half of this key
    const pem = `
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvaZNl9R8rrEq7kK3WuVZ
QgeFLf26KjokzdW7L+2fMLwQBo+GSTWGytDWso6u1jpL1GQ8HNcHskjJTVv029yA
EpPyAZxgN6yClhsjP/ku1KX54oS/HaB+wZAVBmgf0msj5nlioeff13YMEm24lUak
sU7ObL3psTShNvadTwG0vRnEWumWBy6phgrJwy0E3djPr/vnPow7/1JhenXZSiQR
mTCMTnHzQqOYU5GbcbhET+yWuV8Vw+qYmxy2POW+aKFO7BCRzR7ZWsucWTMQK57z
43aM9tOM1AXTQFxt8invAjMgohaiUXretLSK6mqLBpGttRZLl4T/V6iyxuokUvu0
HQIDAQAB
-----END PUBLIC KEY-----
`;
    expect([...keyIdsOf(pem as Pem)]).toEqual(['OFvLZaoCf6VN9fI6hApF_tbE0HxN8DgtFW6nlcXET08']);
  });

  test('is asked for and reviewed without ever standing in an error', async () => {
    const sent: ApiRequest[] = [];
    const api = (status: number, body: JsonMap): ObjectApi => ({
      what: 'the apiserver of cp1',
      request: async (_method, _path, request = {}) => {
        sent.push(request);
        return { status, body, text: JSON.stringify(body) };
      },
    });
    const token = await mintToken(api(201, { status: { token: 'a.b.c' } }));
    expect(token.reveal()).toBe('a.b.c');
    expect(await tokenAccepted(api(201, { status: { authenticated: true } }), token)).toBe(true);
    expect(await tokenAccepted(api(201, { status: { error: 'invalid' } }), token)).toBe(false);
    expect(sent[1]?.body).toMatchObject({ spec: { token: 'a.b.c' } });
    const quoting = api(422, { reason: 'Invalid', message: 'spec.token: a.b.c' });
    await expect(tokenAccepted(quoting, token)).rejects.toThrow(
      /^the apiserver of cp1 does not review a token \(422 Invalid\)$/,
    );
    await expect(mintToken(api(403, { reason: 'Forbidden' }))).rejects.toThrow(/403 Forbidden/);
  });
});

describe('tokens of the outgoing key', () => {
  const survey = async (now: number, lists: Parameters<Awaited<ReturnType<typeof listsServer>>['list']>[0]) => {
    const server = await listsServer();
    server.list(lists);
    return surveyTokens({ api: server.api, oldKey: publicPem(oldKey), signingSince: SINCE, now });
  };
  const secret = (name: string, token: string) => object(name, { data: { token: base64(token) } }, 'apps');

  test('are found in Secrets, and nothing of them but the name comes out', async () => {
    const findings = await survey(SINCE, {
      secrets: [
        secret('ours', tokenOf(publicOf(oldKey))),
        secret('new', tokenOf(publicOf(newKey))),
        secret('odd', 'garbage'),
      ],
    });
    expect(findings.map(({ object: on }) => on)).toEqual(['Secret apps/ours']);
    expect(JSON.stringify(findings)).not.toContain('SIGNATURE');
  });

  test('may be used by pods until the kubelet must have brought them another', async () => {
    const pod = (name: string, created: number, seconds: number | undefined): JsonMap => ({
      metadata: {
        name,
        namespace: 'apps',
        creationTimestamp: new Date(created).toISOString(),
        ownerReferences: [{ kind: 'StatefulSet', name, controller: true }],
      },
      spec: {
        volumes:
          seconds === undefined
            ? []
            : [{ name: 'v', projected: { sources: [{ serviceAccountToken: { expirationSeconds: seconds } }] } }],
      },
    });
    const pods = [
      pod('hour', SINCE - 1, 3607),
      pod('day', SINCE - 1, 7 * 86_400),
      pod('younger', SINCE + 1, 3607),
      pod('none', SINCE - 1, undefined),
    ];
    const at = async (minutes: number) =>
      (await survey(SINCE + minutes * 60_000, { pods })).map(({ workload }) => workload?.name);
    expect(await at(0)).toEqual(['day', 'hour']);
    expect(await at(50)).toEqual(['day', 'hour']);
    expect(await at(52)).toEqual(['day']);
    expect(await at(24 * 60 + 4)).toEqual([]);
  });
});
