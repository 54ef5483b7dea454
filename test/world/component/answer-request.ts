import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { isMap, mapAt } from '../json.ts';
import { mayUse } from './access.ts';
import type { EtcdClient } from './etcd-client.ts';
import { version } from './flags.ts';
import type { kubeletProxy } from './kubelet-proxy.ts';
import { type Answer, answerObjects, failure } from './objects.ts';
import { resourcePath } from './resource-path.ts';
import { answerReview, isOpenToUsers } from './reviews.ts';
import type { ServiceAccounts } from './service-accounts.ts';
import { ANONYMOUS, type User } from './user.ts';

export type Said = Answer | { readonly status: number; readonly text: string };

export interface Serving {
  readonly etcd: EtcdClient;
  readonly accounts: ServiceAccounts;
  /** undefined: 401. */
  userOf(request: IncomingMessage): Promise<User | undefined>;
  readonly kubelet: ReturnType<typeof kubeletProxy>;
  /** It was told to end and finishes what is under way. */
  isEnding(): boolean;
}

/** What a request is answered, once it is known who asks. */
export async function answerRequest(serving: Serving, request: IncomingMessage): Promise<Said> {
  const { etcd, accounts } = serving;
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', 'https://apiserver');
  const user = await serving.userOf(request);
  if (!user) return failure(401, 'Unauthorized', 'Unauthorized');
  // open to all (ClusterRole system:public-info-viewer)
  const [, health = ''] = /^\/(healthz|livez|readyz)$/.exec(url.pathname) ?? [];
  if (health) return healthOf(etcd, health, url.searchParams.has('verbose'), serving.isEnding());
  if (url.pathname === '/version') return { status: 200, body: { gitVersion: version() } };
  const forbidden = (resource: string) =>
    failure(403, 'Forbidden', `User "${user.name}" cannot ${method} resource "${resource}"`);
  if (user.name === ANONYMOUS.name) return forbidden(url.pathname);
  if (url.pathname === '/openid/v1/jwks') return { status: 200, body: accounts.keySet() };
  const path = resourcePath(url.pathname);
  if (!path) return failure(404, 'NotFound', 'the server could not find the requested resource');
  if (!isOpenToUsers(path) && !(await mayUse(etcd, user, path.resource))) return forbidden(path.resource);
  if (path.resource === 'nodes' && path.subresource === 'proxy') {
    return serving.kubelet(path.name, url.pathname.replace(/^.*?\/proxy(?=\/|$)/, '') || '/');
  }
  let text = '';
  for await (const chunk of request) text += (chunk as Buffer).toString('utf8');
  const review = await answerReview(accounts, user, method, path, text);
  if (review) return review;
  return answerObjects(etcd, {
    method,
    path,
    query: url.searchParams,
    type: request.headers['content-type'] ?? '',
    text: path.resource === 'certificatesigningrequests' && method === 'POST' ? asAskedBy(user, text) : text,
    agent: (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? '',
  });
}

/** A CertificateSigningRequest says who has made it (pkg/registry/certificates/certificates/strategy.go). */
function asAskedBy({ name, groups }: User, text: string): string {
  const body = parse(text) as unknown;
  return isMap(body) ? JSON.stringify({ ...body, spec: { ...mapAt(body, 'spec'), username: name, groups } }) : text;
}

/** All three fail without etcd (apiserver/pkg/server/healthz; there with 2 s for etcd), readyz also while it ends. */
async function healthOf(etcd: EtcdClient, which: string, verbose: boolean, ending: boolean): Promise<Said> {
  const etcdIsWell = await isWell(etcd);
  const ready: readonly (readonly [string, boolean])[] = [
    ['etcd-readiness', etcdIsWell],
    ['shutdown', !ending],
  ];
  const checks = [['ping', true], ['log', true], ['etcd', etcdIsWell], ...(which === 'readyz' ? ready : [])] as const;
  const good = checks.every(([, well]) => well);
  const lines = checks.map(([name, well]) => (well ? `[+]${name} ok` : `[-]${name} failed: reason withheld`));
  const text = good && !verbose ? 'ok' : [...lines, `${which} check ${good ? 'passed' : 'failed'}`, ''].join('\n');
  return { status: good ? 200 : 500, text };
}

/**
 * So long an answer of etcd counts for the next question too: the load balancer asks ten times a second. A bad one counts
 * longer: each try behind it is a connection with all its TLS.
 */
const FRESH_MS = { good: 150, bad: 400 } as const;
let asked: { at: number; isBad: boolean; readonly answer: Promise<boolean> } | undefined;

function isWell(etcd: EtcdClient): Promise<boolean> {
  if (asked && Date.now() - asked.at < (asked.isBad ? FRESH_MS.bad : FRESH_MS.good)) return asked.answer;
  const answer = etcd.get('/registry/health', 2000).then(
    () => true,
    () => {
      mine.isBad = true;
      return false;
    },
  );
  const mine = { at: Date.now(), isBad: false, answer };
  asked = mine;
  return answer;
}
