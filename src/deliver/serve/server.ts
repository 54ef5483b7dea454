import { once } from 'node:events';
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { BootstrapError } from '../../base/errors.ts';
import type { HostPort } from '../../spec/cluster.ts';
import { formatHostPort } from '../../spec/endpoint.ts';
import { type Answer, answer, type ServeState } from './answer.ts';
import type { Snapshot } from './snapshot.ts';

/** One request that was answered. */
export interface Served {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The address it came from. */
  readonly from: string;
  readonly method: string;
  readonly url: string;
  readonly answer: Answer;
  readonly milliseconds: number;
}

export interface PodServer {
  /** Where it listens: the port that was chosen where 0 was asked for. */
  readonly at: HostPort;
  /** Takes a certificate over without dropping a connection: new ones see it. */
  use(tls: Snapshot['tls']): void;
  connections(): number;
  /** Listens no more, ends idle connections, and waits for answers that are under way, so long at most. */
  close(milliseconds: number): Promise<void>;
}

export interface ServerOptions {
  /** '' = all addresses. */
  readonly host: string;
  readonly port: number;
  readonly state: () => ServeState;
  /** Seconds between two polls of a kubelet: its connection is kept that long. */
  readonly pollSeconds: number;
  readonly onServed: (served: Served) => void;
}

/** Milliseconds that a client may take to say what it wants. */
const PATIENCE = 10_000;

/**
 * The HTTPS server that kubelets poll. It never asks for a client certificate (a kubelet shows none here) and takes no
 * body. @throws BootstrapError `failed` where it cannot listen there
 */
export async function startServer(options: ServerOptions): Promise<PodServer> {
  const server = createServer(
    {
      minVersion: 'TLSv1.2',
      // three polls: Node closes idle connections after five seconds by default, and each poll would be a handshake
      keepAliveTimeout: Math.max(60, options.pollSeconds * 3) * 1000,
      headersTimeout: PATIENCE,
      requestTimeout: PATIENCE,
      handshakeTimeout: PATIENCE,
      maxHeaderSize: 8192,
      noDelay: true,
    },
    (request, response) => respond(options, request, response, isClosing),
  );
  let isClosing = false;
  let connections = 0;
  server.on('secureConnection', (socket) => {
    connections += 1;
    socket.once('close', () => {
      connections -= 1;
    });
  });
  // handshakes of whoever does not trust us, or comes by mistake
  server.on('tlsClientError', () => undefined);
  const at = await listen(server, options);
  return {
    at,
    use: ({ cert, key }) => server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
    connections: () => connections,
    close: async (milliseconds) => {
      isClosing = true;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      const end = setTimeout(() => server.closeAllConnections(), milliseconds);
      await closed;
      clearTimeout(end);
    },
  };
}

function respond(
  { state, onServed }: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  isLast: boolean,
): void {
  const began = performance.now();
  const { method = '', url = '', headers } = request;
  const said = answer(state(), { method, url, authorization: headers.authorization });
  // what nobody reads must not be taken for the next request
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
  response.writeHead(said.status, {
    ...said.headers,
    'content-length': said.body.length,
    ...((hasBody || isLast) && { connection: 'close' }),
  });
  response.end(method === 'HEAD' ? undefined : said.body);
  const from = request.socket.remoteAddress ?? '';
  response.once('close', () => {
    if (!response.writableFinished) return;
    onServed({ at: Date.now(), from, method, url, answer: said, milliseconds: performance.now() - began });
  });
}

/** @throws BootstrapError `failed` naming what is in the way */
export async function listen(server: Server | HttpServer, { host, port }: HostPort): Promise<HostPort> {
  try {
    server.listen({ port, ...(host && { host }) });
    await once(server, 'listening');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const where = formatHostPort({ host: host || '*', port });
    const why = REASONS[code] ?? code;
    throw new BootstrapError('failed', `cannot listen on ${where}: ${why}`, { cause: error });
  }
  const at = server.address();
  return typeof at === 'object' && at ? { host: at.address, port: at.port } : { host, port };
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'ports below 1024 need root',
  EADDRNOTAVAIL: 'this machine has no such address',
};
