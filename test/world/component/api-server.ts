import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { clientCertificates, mayUse, type User } from './access.ts';
import { type EtcdClient, etcdClient } from './etcd-client.ts';
import { type Flags, fatal, flag } from './flags.ts';
import { type Answer, answerObjects, failure } from './objects.ts';
import { resourcePath } from './resource-path.ts';
import { onChange } from './watched.ts';

/** kube-apiserver gives up on an etcd that it cannot reach when it starts after about as long (1.36: 20 s). */
const ETCD_WAIT_MS = 20_000;
const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/**
 * Stands for kube-apiserver: its real files, its real etcd, TLS with client certificates, /readyz, /livez and /healthz,
 * and objects without any logic of their own.
 */
export async function apiServer(flags: Flags): Promise<void> {
  const etcd = etcdClient(flags);
  // it does not listen before it has its store
  await reachable(etcd);
  for (const name of NAMESPACES) {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await etcd.set(`/registry/core/namespaces/-/${name}`, JSON.stringify(object), '0');
  }
  const files = [flag(flags, 'tls-cert-file'), flag(flags, 'tls-private-key-file')] as const;
  const pair = () => ({ cert: readFileSync(files[0]), key: readFileSync(files[1]) });
  const userOf = clientCertificates(flag(flags, 'client-ca-file'));
  let ending = false;

  const server = createServer({ ...pair(), requestCert: true, rejectUnauthorized: false }, (request, response) => {
    answer(etcd, userOf(request), request, ending)
      .catch((error: unknown) => failure(500, 'InternalError', error instanceof Error ? error.message : String(error)))
      .then((said) => send(response, said, ending))
      .catch((error: unknown) => console.error(`E wrap.go:56] ${String(error)}`));
  });
  // a pair that does not fit (yet) changes nothing (reference/rotation.md: apiserver serving)
  onChange(files, () => {
    try {
      createSecureContext(pair());
      server.setSecureContext(pair());
    } catch (error) {
      console.error(`E dynamic_serving_content.go:145] "Failed to load the serving pair" err="${String(error)}"`);
    }
  });
  server.on('error', (error) => fatal(`failed to create listener: ${error.message}`));
  server.listen(Number(flag(flags, 'secure-port', '6443')), flag(flags, 'bind-address', '0.0.0.0'));
  console.error(
    `I secure_serving.go:211] Serving securely on ${flag(flags, 'bind-address')}:${flag(flags, 'secure-port')}`,
  );
  // SIGTERM: not ready any more, no new connections, what is under way is finished (apiserver/pkg/server/genericapiserver.go)
  process.on('SIGTERM', () => {
    ending = true;
    server.close(() => process.exit());
    server.closeIdleConnections();
  });
}

async function reachable(etcd: EtcdClient): Promise<void> {
  for (const end = Date.now() + ETCD_WAIT_MS; ; ) {
    const problem = await etcd.get('/registry/health', 2000).then(
      () => undefined,
      (error: Error) => error,
    );
    if (!problem) return;
    if (Date.now() > end) fatal(`error while dialing etcd: ${problem.message}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

type Said = Answer | { readonly status: number; readonly text: string };

async function answer(
  etcd: EtcdClient,
  user: User | undefined,
  request: IncomingMessage,
  ending: boolean,
): Promise<Said> {
  const url = new URL(request.url ?? '/', 'https://apiserver');
  if (!user) return failure(401, 'Unauthorized', 'Unauthorized');
  // open to all (ClusterRole system:public-info-viewer)
  const [, health = ''] = /^\/(healthz|livez|readyz)$/.exec(url.pathname) ?? [];
  if (health) return healthOf(etcd, health, url.searchParams.has('verbose'), ending);
  if (url.pathname === '/version')
    return { status: 200, body: { gitVersion: (process.env['STAND_IN_IMAGE'] ?? '').split(':').at(-1) ?? '' } };
  const path = resourcePath(url.pathname);
  if (!path) return failure(404, 'NotFound', 'the server could not find the requested resource');
  if (user.name === 'system:anonymous' || !(await mayUse(etcd, user, path.resource))) {
    return failure(403, 'Forbidden', `User "${user.name}" cannot ${request.method} resource "${path.resource}"`);
  }
  let text = '';
  for await (const chunk of request) text += (chunk as Buffer).toString('utf8');
  return answerObjects(etcd, {
    method: request.method ?? 'GET',
    path,
    query: url.searchParams,
    type: request.headers['content-type'] ?? '',
    text,
    agent: (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? '',
  });
}

/** All three fail without etcd (apiserver/pkg/server/healthz; there with 2 s for etcd), readyz also while it ends. */
async function healthOf(etcd: EtcdClient, which: string, verbose: boolean, ending: boolean): Promise<Said> {
  const checks = new Map<string, boolean>([['ping', true]]);
  checks.set(
    'etcd',
    await etcd.get('/registry/health', 2000).then(
      () => true,
      () => false,
    ),
  );
  if (which === 'readyz') checks.set('shutdown', !ending);
  const good = [...checks.values()].every(Boolean);
  const lines = [...checks].map(([name, well]) => (well ? `[+]${name} ok` : `[-]${name} failed: reason withheld`));
  const text = good && !verbose ? 'ok' : [...lines, `${which} check ${good ? 'passed' : 'failed'}`, ''].join('\n');
  return { status: good ? 200 : 500, text };
}

function send(response: ServerResponse, said: Said, ending: boolean): void {
  // what HTTP/2 says with GOAWAY
  if (ending) response.setHeader('connection', 'close');
  const isText = 'text' in said;
  response
    .writeHead(said.status, { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' })
    .end(isText ? said.text : JSON.stringify(said.body));
}
