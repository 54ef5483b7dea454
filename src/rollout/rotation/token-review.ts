import { BootstrapError } from '../../base/errors.ts';
import { below } from '../../render/json.ts';
import { isGood, type ObjectApi, reasonOf } from '../objects/object-api.ts';
import type { CallOptions } from '../probe/api-client.ts';
import { textAt } from './object-text.ts';
import { SecretToken } from './signed-token.ts';

/** Whose tokens are asked for; every namespace has a service account `default`. */
const ACCOUNT = { namespace: 'kube-system', name: 'default' };

/** Seconds; an apiserver gives none for less than 600. */
const TOKEN_LIFE = 3600;

/**
 * Has an apiserver sign a token.
 * @throws ProbeError where it does not answer; BootstrapError `failed` where it refuses, without its own words
 */
export async function mintToken(api: ObjectApi, options: CallOptions = {}, account = ACCOUNT): Promise<SecretToken> {
  const path = `/api/v1/namespaces/${account.namespace}/serviceaccounts/${account.name}/token`;
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: TOKEN_LIFE },
  };
  const answer = await api.request('POST', path, { ...options, body, fresh: true });
  const token = textAt(answer.body, 'status', 'token');
  if (isGood(answer) && token) return new SecretToken(token);
  throw new BootstrapError(
    'failed',
    `${api.what} gives no token for ${account.namespace}/${account.name} (${reasonOf(answer)})`,
  );
}

/**
 * Whether an apiserver takes a token.
 * @throws ProbeError where it does not answer; BootstrapError `failed` where it does not say, without its own words
 */
export async function tokenAccepted(api: ObjectApi, token: SecretToken, options: CallOptions = {}): Promise<boolean> {
  const path = '/apis/authentication.k8s.io/v1/tokenreviews';
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: token.reveal() } };
  const answer = await api.request('POST', path, { ...options, body, fresh: true });
  // its own words may quote the token
  if (!isGood(answer)) throw new BootstrapError('failed', `${api.what} does not review a token (${reasonOf(answer)})`);
  return below(answer.body, 'status', 'authenticated') === true;
}
