import { createHash, X509Certificate } from 'node:crypto';
import { BootstrapError } from '../base/errors.ts';
import type { Pem } from '../base/pem.ts';
import { readCertificates } from '../pki/certificate.ts';
import { below, isList, type JsonMap, mapOf, sameJson } from '../render/json.ts';
import { apiEndpoint } from '../render/view/common.ts';
import type { Cluster } from '../spec/cluster.ts';
import {
  callPatiently,
  isGood,
  isMissing,
  type ObjectApi,
  type Patience,
  patience,
  reasonOf,
} from './objects/object-api.ts';

/** Usages of a bootstrap token; kubeadm gives both. */
const TOKEN_USAGES = ['signing', 'authentication'] as const;
type TokenUsage = (typeof TOKEN_USAGES)[number];

/** The group whose rights templates/cluster/bootstrap-tokens.yaml.hbs grants. */
export const TOKEN_GROUP = 'system:bootstrappers:kubeadm:default-node-token';

export interface TokenOptions {
  /** Seconds that it is good for; 0 = for ever. */
  readonly ttl: number;
  readonly description?: string;
  readonly usages?: readonly TokenUsage[];
  readonly groups?: readonly string[];
  readonly now: Date;
  /** So many random bytes. */
  readonly random: (size: number) => Buffer;
}

export interface CreatedToken {
  readonly id: string;
  /** `abcdef.0123456789abcdef`: for stdout, and never for a log or an error. */
  readonly token: string;
  /** ISO 8601; undefined = never. */
  readonly expires: string | undefined;
}

/** A token as it is listed: never its secret. */
export interface ListedToken {
  readonly id: string;
  readonly expires: string | undefined;
  readonly usages: readonly string[];
  readonly groups: readonly string[];
  readonly description: string;
}

const SECRETS = '/api/v1/namespaces/kube-system/secrets';
const TYPE = 'bootstrap.kubernetes.io/token';
/** BootstrapGroupPattern (k8s.io/cluster-bootstrap/token/api). */
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const ID = /^([a-z0-9]{6})(?:\.[a-z0-9]{16})?$/;

/**
 * Makes a bootstrap token, as `kubeadm token create` does.
 * @throws BootstrapError `usage` for a group that no token may give; `failed` where the apiserver refuses
 */
export async function createToken(
  api: ObjectApi,
  options: TokenOptions,
  patient = patience(30),
): Promise<CreatedToken> {
  const { ttl, description = '', usages = TOKEN_USAGES, groups = [TOKEN_GROUP], now, random } = options;
  const wrong = groups.find((group) => !GROUP.test(group));
  if (wrong !== undefined) {
    const hint = `a group of bootstrap tokens begins with "system:bootstrappers:", e.g. ${TOKEN_GROUP}`;
    throw new BootstrapError('usage', `${JSON.stringify(wrong)} is no group that a bootstrap token may give`, { hint });
  }
  const expires = ttl > 0 ? new Date(now.getTime() + ttl * 1000).toISOString().replace(/\.\d+Z$/, 'Z') : undefined;
  for (let attempt = 1; ; attempt++) {
    const [id, secret] = [word(6, random), word(16, random)];
    const body = secretOf(id, {
      ...(groups.length && usages.includes('authentication') && { 'auth-extra-groups': groups.join(',') }),
      ...(description && { description }),
      ...(expires && { expiration: expires }),
      'token-id': id,
      'token-secret': secret,
      ...Object.fromEntries(usages.map((usage) => [`usage-bootstrap-${usage}`, 'true'])),
    });
    const answer = await callPatiently(api, 'POST', SECRETS, { body, query: { fieldManager: 'bootstrap' } }, patient);
    const made = { id, token: `${id}.${secret}`, expires };
    if (isGood(answer)) return made;
    if (answer.status === 409 && (await isThere(api, body, patient))) return made;
    if (answer.status === 409 && attempt < 3) continue;
    // not the apiserver's own words: they may quote what it was sent
    throw new BootstrapError('failed', `the apiserver does not take a bootstrap token (${reasonOf(answer)})`);
  }
}

/** All bootstrap tokens there are, by id. */
export async function listTokens(api: ObjectApi, patient: Patience = patience(30)): Promise<readonly ListedToken[]> {
  const query = { fieldSelector: `type=${TYPE}` };
  const answer = await callPatiently(api, 'GET', SECRETS, { query }, patient);
  const items = below(answer.body, 'items');
  if (!isGood(answer) || !isList(items)) {
    throw new BootstrapError('failed', `the apiserver does not list the bootstrap tokens (${reasonOf(answer)})`);
  }
  const tokens = items.map((item): ListedToken => {
    const value = (key: string) => Buffer.from(String(below(item, 'data', key) ?? ''), 'base64').toString();
    return {
      id: value('token-id'),
      expires: value('expiration') || undefined,
      usages: TOKEN_USAGES.filter((usage) => value(`usage-bootstrap-${usage}`) === 'true'),
      groups: value('auth-extra-groups').split(',').filter(Boolean),
      description: value('description'),
    };
  });
  return tokens.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Ends a token.
 * @param text its id, or the whole of it
 * @throws BootstrapError `usage` where that is neither; `failed` where there is no such token
 */
export async function deleteToken(api: ObjectApi, text: string, patient: Patience = patience(30)): Promise<string> {
  const id = ID.exec(text)?.[1];
  if (id === undefined) {
    throw new BootstrapError('usage', 'that is neither a bootstrap token nor the id of one', {
      hint: 'an id has six letters or digits; `bootstrap token list` shows them',
    });
  }
  const answer = await callPatiently(api, 'DELETE', `${SECRETS}/bootstrap-token-${id}`, {}, patient);
  if (isMissing(answer)) throw new BootstrapError('failed', `there is no bootstrap token ${id}`);
  if (!isGood(answer)) {
    throw new BootstrapError('failed', `the apiserver does not delete the bootstrap token ${id} (${reasonOf(answer)})`);
  }
  return id;
}

/**
 * What joining machines check the cluster's CA against: `sha256:` and the SHA-256 of the public key of each trusted CA
 * certificate (RFC 7469, as kubeadm's pubkeypin). During a rotation there are several, of which one has to fit.
 */
export function caHashes(bundle: Pem): readonly string[] {
  return readCertificates(bundle).map(({ der }) => {
    const key = new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' });
    return `sha256:${createHash('sha256').update(key).digest('hex')}`;
  });
}

/** The command that makes a worker of a machine, for stock kubeadm. It holds the token. */
export function joinCommand(cluster: Cluster, token: string, hashes: readonly string[]): string {
  const pins = hashes.map((hash) => `--discovery-token-ca-cert-hash ${hash}`);
  return ['kubeadm join', apiEndpoint(cluster), '--token', token, ...pins].join(' ');
}

/** Whether an id is taken by this very token: a request may have arrived although its answer was lost. */
async function isThere(api: ObjectApi, secret: JsonMap, patient: Patience): Promise<boolean> {
  const answer = await callPatiently(
    api,
    'GET',
    `${SECRETS}/${String(below(secret, 'metadata', 'name'))}`,
    {},
    patient,
  );
  return isGood(answer) && sameJson(below(answer.body, 'data'), secret['data']);
}

function secretOf(id: string, data: Readonly<Record<string, string>>): JsonMap {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: TYPE,
    data: mapOf(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Every letter as likely as any other: bytes that do not come out even are thrown away. */
function word(length: number, random: (size: number) => Buffer): string {
  const limit = 256 - (256 % LETTERS.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random(length * 2))
      if (byte < limit && text.length < length) text += LETTERS[byte % LETTERS.length];
  }
  return text;
}
