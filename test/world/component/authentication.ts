import type { IncomingMessage } from 'node:http';
import { type Authorities, clientCertificate, subjectOf } from '../authorities.ts';
import { type Flags, listFlag } from './flags.ts';
import type { ServiceAccounts } from './service-accounts.ts';
import { ANONYMOUS, authenticated, type User } from './user.ts';

/** `refused`: this way knows the credential and does not believe it; undefined: it has no opinion. */
type Opinion = User | 'refused' | undefined;

/**
 * Who asks, by any of the ways of kube-apiserver (pkg/kubeapiserver/authenticator/config.go): front proxy, client
 * certificate, token of a service account, in this order; nobody known who has shown nothing is anonymous.
 * @param front undefined where there is no --requestheader-client-ca-file
 * @returns undefined where something was shown that nobody believes: 401
 */
export function authenticator(
  flags: Flags,
  clients: Authorities,
  front: Authorities | undefined,
  accounts: ServiceAccounts,
): (request: IncomingMessage) => Promise<User | undefined> {
  const allowed = listFlag(flags, 'requestheader-allowed-names');
  const names = listFlag(flags, 'requestheader-username-headers');
  const groups = listFlag(flags, 'requestheader-group-headers');

  function byFrontProxy(request: IncomingMessage): Opinion {
    const certificate = clientCertificate(request);
    if (!front || !certificate) return undefined;
    if (!front.vouchesFor(certificate)) return 'refused';
    if (allowed.length && !allowed.includes(subjectOf(certificate, 'CN')[0] ?? '')) return 'refused';
    const [name] = valuesOf(request, names);
    return name ? { name, groups: valuesOf(request, groups) } : undefined;
  }

  function byCertificate(request: IncomingMessage): Opinion {
    const certificate = clientCertificate(request);
    if (!certificate) return undefined;
    if (!clients.vouchesFor(certificate)) return 'refused';
    return { name: subjectOf(certificate, 'CN')[0] ?? '', groups: subjectOf(certificate, 'O') };
  }

  async function byToken({ headers }: IncomingMessage): Promise<Opinion> {
    const [, token] = /^Bearer (\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (!token) return undefined;
    const found = await accounts.userOf(token);
    return 'error' in found ? 'refused' : found.user;
  }

  return async (request) => {
    let isRefused = false;
    for (const way of [byFrontProxy, byCertificate, byToken]) {
      const opinion = await way(request);
      if (opinion === 'refused') isRefused = true;
      else if (opinion) return authenticated(opinion);
    }
    return isRefused ? undefined : ANONYMOUS;
  };
}

/** All values of these headers; names are the same whatever their case. */
const valuesOf = (request: IncomingMessage, headers: readonly string[]): readonly string[] =>
  headers.flatMap((header) => request.headersDistinct[header.toLowerCase()] ?? []);
