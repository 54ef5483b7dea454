import { parse } from 'yaml';
import { isMap, type JsonMap, listAt, mapAt, textAt } from '../json.ts';
import { type Answer, failure } from './objects.ts';
import type { ResourcePath } from './resource-path.ts';
import type { ServiceAccounts } from './service-accounts.ts';
import type { User } from './user.ts';

const API_VERSION = 'authentication.k8s.io/v1';
const LEAST_SECONDS = 600;

/** Who may ask for it: everybody that is known (ClusterRole system:basic-user). */
export const isOpenToUsers = ({ apiVersion, resource }: ResourcePath): boolean =>
  apiVersion === API_VERSION && resource === 'selfsubjectreviews';

/**
 * What is asked by creating an object that nobody keeps: SelfSubjectReview, TokenReview, TokenRequest.
 * @returns undefined where the path is none of these
 */
export async function answerReview(
  accounts: ServiceAccounts,
  user: User,
  method: string,
  path: ResourcePath,
  text: string,
): Promise<Answer | undefined> {
  const { apiVersion, namespace, resource, name, subresource } = path;
  const isToken = resource === 'serviceaccounts' && subresource === 'token';
  const isReview = apiVersion === API_VERSION && ['selfsubjectreviews', 'tokenreviews'].includes(resource);
  if (!isToken && !isReview) return undefined;
  if (method !== 'POST') return failure(405, 'MethodNotAllowed', method);
  const body = parse(text || '{}') as unknown;
  const spec = isMap(body) ? mapAt(body, 'spec') : {};
  const created = (kind: string, status: JsonMap): Answer => ({
    status: 201,
    body: { apiVersion: API_VERSION, kind, metadata: { creationTimestamp: null }, spec, status },
  });
  if (isToken) {
    const seconds = spec['expirationSeconds'];
    if (seconds !== undefined && Number(seconds) < LEAST_SECONDS)
      return failure(422, 'Invalid', 'spec.expirationSeconds: may not specify a duration less than 10 minutes');
    const issued = await accounts.issue(namespace, name, spec);
    return issued ? created('TokenRequest', issued) : failure(404, 'NotFound', `serviceaccounts "${name}" not found`);
  }
  if (resource === 'selfsubjectreviews') return created('SelfSubjectReview', { userInfo: userInfo(user) });
  const wanted = listAt(spec, 'audiences').map(String);
  const found = await accounts.userOf(textAt(spec, 'token'), wanted.length ? wanted : undefined);
  return 'error' in found
    ? created('TokenReview', { user: {}, error: found.error })
    : created('TokenReview', { authenticated: true, user: userInfo(found.user), audiences: found.audiences });
}

const userInfo = ({ name, uid, groups }: User): JsonMap => ({ username: name, ...(uid && { uid }), groups });
