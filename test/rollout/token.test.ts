import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Pem } from '../../src/base/pem.ts';
import { below } from '../../src/render/json.ts';
import { caHashes, createToken, deleteToken, joinCommand, listTokens, TOKEN_GROUP } from '../../src/rollout/token.ts';
import { clusterOf, specOf } from '../render/fixtures.ts';
import { needTool } from '../support/tools.ts';
import { failureOf } from './failure-of.ts';
import { objectsServer } from './objects-server.ts';
import { testAuthority } from './probe-pki.ts';

const SECRETS = '/api/v1/namespaces/kube-system/secrets';
const NOW = new Date('2026-11-23T09:15:52.123Z');
const options = { ttl: 86_400, now: NOW, random: randomBytes };

describe('a bootstrap token', () => {
  it('is a Secret as kubeadm makes it', async () => {
    const { api, stored } = await objectsServer();
    const { id, token, expires } = await createToken(api, options);
    expect(token).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    expect(expires).toBe('2026-11-24T09:15:52Z');
    const secret = stored.get(`${SECRETS}/bootstrap-token-${id}`)?.object;
    const data = below(secret, 'data') as Readonly<Record<string, string>>;
    expect(secret?.['type']).toBe('bootstrap.kubernetes.io/token');
    expect(Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v, 'base64').toString()]))).toEqual({
      'auth-extra-groups': TOKEN_GROUP,
      expiration: '2026-11-24T09:15:52Z',
      'token-id': id,
      'token-secret': token.slice(7),
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
    });
  });

  it('may be for ever, for signing only, and have a description', async () => {
    const { api, stored } = await objectsServer();
    const { id, expires } = await createToken(api, { ...options, ttl: 0, usages: ['signing'], description: 'rack 7' });
    expect(expires).toBeUndefined();
    expect(Object.keys(below(stored.get(`${SECRETS}/bootstrap-token-${id}`)?.object, 'data') ?? {}).sort()).toEqual([
      'description',
      'token-id',
      'token-secret',
      'usage-bootstrap-signing',
    ]);
  });

  it('uses every letter and no byte twice as likely', async () => {
    const { api } = await objectsServer();
    // 252 to 255 would make the first four letters likelier
    const bytes = [255, 252, 0, 35, 36, 251];
    const { token } = await createToken(api, {
      ...options,
      random: (size) => Buffer.from(Array.from({ length: size }, (_, i) => bytes[i % bytes.length] ?? 0)),
    });
    expect(token.slice(0, 6)).toBe('a9a9a9');
  });

  it('is made once where the answer to its request was lost, and anew where its id is taken', async () => {
    const server = await objectsServer();
    const fixed = (size: number) => Buffer.alloc(size);
    const first = await createToken(server.api, { ...options, random: fixed });
    // the very same Secret is there: as if the answer had been lost
    expect(await createToken(server.api, { ...options, random: fixed })).toEqual(first);
    let calls = 0;
    const second = await createToken(server.api, {
      ...options,
      random: (size) => (++calls === 1 ? Buffer.alloc(size) : randomBytes(size)),
    });
    expect(second.id).not.toBe(first.id);
  });

  it('gives only groups that the apiserver accepts', async () => {
    const { api, requests } = await objectsServer();
    const error = await failureOf(createToken(api, { ...options, groups: ['system:masters'] }));
    expect(error).toMatchObject({
      code: 'usage',
      message: '"system:masters" is no group that a bootstrap token may give',
    });
    expect(requests).toEqual([]);
  });

  it('is in no error, even where the apiserver quotes it', async () => {
    const { api } = await objectsServer();
    const seen: string[] = [];
    const quoting: typeof api.request = async (_method, _path, request) => {
      const data = below(request?.body, 'data', 'token-secret');
      seen.push(String(data));
      return { status: 422, body: { reason: 'Invalid', message: `data: ${String(data)}` }, text: String(data) };
    };
    const error = await failureOf(createToken({ what: 'x', request: quoting }, options));
    expect(error.message).toBe('the apiserver does not take a bootstrap token (422 Invalid)');
    expect(JSON.stringify(error)).not.toContain(seen[0]);
  });

  it('is listed without its secret and deleted by its id', async () => {
    const { api, stored } = await objectsServer();
    const { id, token } = await createToken(api, { ...options, description: 'a' });
    stored.set(SECRETS, {
      object: { kind: 'SecretList', items: [...stored.values()].map(({ object }) => object) },
      owners: new Map(),
    });
    const listed = await listTokens(api);
    expect(listed).toEqual([
      {
        id,
        expires: '2026-11-24T09:15:52Z',
        usages: ['signing', 'authentication'],
        groups: [TOKEN_GROUP],
        description: 'a',
      },
    ]);
    expect(JSON.stringify(listed)).not.toContain(token.slice(7));
    expect(await deleteToken(api, token)).toBe(id);
    expect((await failureOf(deleteToken(api, id))).message).toBe(`there is no bootstrap token ${id}`);
    const wrong = await failureOf(deleteToken(api, 'ABCDEF.0123456789abcdef'));
    expect(wrong).toMatchObject({ code: 'usage' });
    expect(wrong.message + String(wrong.hint)).not.toContain('0123456789abcdef');
  });
});

describe('the join command', () => {
  it('names the endpoint of the cluster, or its only node', () => {
    const hash = `sha256:${'ab'.repeat(32)}`;
    expect(joinCommand(clusterOf(specOf(3)), 'abcdef.0123456789abcdef', [hash])).toBe(
      `kubeadm join lb.example.com:6443 --token abcdef.0123456789abcdef --discovery-token-ca-cert-hash ${hash}`,
    );
    const alone = clusterOf(
      specOf(1, { nodes: [{ name: 'cp1', addresses: ['fd00::11'] }], networking: { serviceSubnet: 'fd00:96::/112' } }),
    );
    expect(joinCommand(alone, 't', [])).toBe('kubeadm join [fd00::11]:6443 --token t');
  });

  it.skipIf(!needTool('openssl'))('holds the hash of each CA’s public key as openssl computes it', async () => {
    const cas = await Promise.all([testAuthority(), testAuthority('other')]);
    const expected = cas.map(({ ca }) => {
      const key = execFileSync('openssl', ['x509', '-noout', '-pubkey'], { input: ca });
      const der = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'der'], { input: key });
      return `sha256:${execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: der, encoding: 'utf8' }).slice(0, 64)}`;
    });
    expect(caHashes(cas.map(({ ca }) => ca).join('') as Pem)).toEqual(expected);
  });
});
