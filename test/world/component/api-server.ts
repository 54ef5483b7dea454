import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { authoritiesIn } from '../authorities.ts';
import { onChange } from '../watched.ts';
import { answerRequest, type Said, type Serving } from './answer-request.ts';
import { authenticator } from './authentication.ts';
import { type EtcdClient, etcdClient } from './etcd-client.ts';
import { type Flags, fatal, flag } from './flags.ts';
import { kubeletProxy } from './kubelet-proxy.ts';
import { failure } from './objects.ts';
import { publishTrust } from './published-trust.ts';
import { serviceAccounts } from './service-accounts.ts';

/** kube-apiserver gives up on an etcd that it cannot reach when it starts after about as long (1.36: 20 s). */
const ETCD_WAIT_MS = 20_000;
const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/**
 * Stands for kube-apiserver: its real files, each read again when the real one does (reference/rotation.md), its real etcd,
 * who asks, /readyz, /livez and /healthz, and objects without any logic of their own.
 */
export async function apiServer(flags: Flags): Promise<void> {
  const etcd = etcdClient(flags);
  const accounts = serviceAccounts(flags, etcd);
  const clients = authoritiesIn(flag(flags, 'client-ca-file'));
  const frontFile = flag(flags, 'requestheader-client-ca-file');
  const front = frontFile ? authoritiesIn(frontFile) : undefined;
  // it does not listen before it has its store
  await reachable(etcd);
  for (const name of NAMESPACES) {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, status: { phase: 'Active' } };
    await etcd.set(`/registry/core/namespaces/-/${name}`, JSON.stringify(object), '0');
  }
  let ending = false;
  const serving: Serving = {
    etcd,
    accounts,
    userOf: authenticator(flags, clients, front, accounts),
    kubelet: kubeletProxy(flags, etcd),
    isEnding: () => ending,
  };
  const server = listen(flags, (request, response) => {
    answerRequest(serving, request)
      .catch((error: unknown) => failure(500, 'InternalError', error instanceof Error ? error.message : String(error)))
      .then((said) => send(response, said, ending))
      .catch((error: unknown) => console.error(`E wrap.go:56] ${String(error)}`));
  });
  publishTrust(flags, etcd, clients, front);
  // SIGTERM: not ready any more, no new connections, what is under way is finished (apiserver/pkg/server/genericapiserver.go)
  process.on('SIGTERM', () => {
    ending = true;
    server.close(() => process.exit());
    server.closeIdleConnections();
  });
}

function listen(flags: Flags, answer: (request: IncomingMessage, response: ServerResponse) => void): Server {
  const files = [flag(flags, 'tls-cert-file'), flag(flags, 'tls-private-key-file')] as const;
  const pair = () => ({ cert: readFileSync(files[0]), key: readFileSync(files[1]) });
  const server = createServer({ ...pair(), requestCert: true, rejectUnauthorized: false }, answer);
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
  return server;
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

function send(response: ServerResponse, said: Said, ending: boolean): void {
  // what HTTP/2 says with GOAWAY
  if (ending) response.setHeader('connection', 'close');
  const isText = 'text' in said;
  response
    .writeHead(said.status, { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' })
    .end(isText ? said.text : JSON.stringify(said.body));
}
