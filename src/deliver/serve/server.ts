import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
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
  /** A handshake that has failed, with the client's address and why, in OpenSSL's words. */
  readonly onRefused: (from: string, why: string) => void;
}

/** Milliseconds that a client may take to say what it wants, and how often that is looked at. */
const PATIENCE = 10_000;
const CHECK = 5000;
/** Milliseconds that a client may take no byte of its answer; Node waits that long once more where some are on their way. */
const STALLED = 30_000;
/** As many connections as Linux keeps for a server that has not got round to them (net.core.somaxconn). */
const BACKLOG = 4096;
/** Files that are open besides connections: what is read, what is watched. */
const OTHER_FILES = 64;
/** Milliseconds in which a client that has just connected may still ask when the server stops. */
const LAST_QUESTION = 1000;

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
      connectionsCheckingInterval: CHECK,
      handshakeTimeout: PATIENCE,
      maxHeaderSize: 8192,
      noDelay: true,
    },
    (request, response) => {
      silent.delete(request.socket);
      respond(options, request, response, isClosing);
    },
  );
  server.setTimeout(STALLED);
  // without any file left the directory could not be read, and all were in doubt because of a stranger's connections
  const files = openFilesLimit();
  if (files !== undefined) server.maxConnections = Math.max(1, files - OTHER_FILES);
  let isClosing = false;
  let connections = 0;
  /** Connections on which nothing was asked yet. */
  const silent = new Set<Socket>();
  server.on('secureConnection', (socket) => {
    connections += 1;
    silent.add(socket);
    socket.once('close', () => {
      connections -= 1;
      silent.delete(socket);
    });
  });
  // whoever does not trust us, or comes by mistake
  server.on('tlsClientError', (error: NodeJS.ErrnoException & { readonly reason?: string }, socket) => {
    options.onRefused(socket.remoteAddress ?? '-', error.reason ?? error.code ?? 'no reason given');
  });
  const at = await listen(server, options, '--listen says where else');
  return {
    at,
    use: ({ cert, key }) => server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
    connections: () => connections,
    close: async (milliseconds) => {
      isClosing = true;
      const closed = once(server, 'close');
      server.close();
      // those that were answered last are idle only now
      const idle = setInterval(() => server.closeIdleConnections(), 100);
      const mute = setTimeout(() => {
        for (const socket of silent) socket.destroy();
      }, LAST_QUESTION);
      const end = setTimeout(() => server.closeAllConnections(), milliseconds);
      await closed;
      clearInterval(idle);
      clearTimeout(mute);
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
  // connections are for nodes: a stranger, who shows no token, may not hold any
  const isStranger = said.node === undefined && said.status !== 503;
  response.writeHead(said.status, {
    ...said.headers,
    'content-length': said.body.length,
    ...((hasBody || isLast || isStranger) && { connection: 'close' }),
  });
  response.end(method === 'HEAD' ? undefined : said.body);
  const from = request.socket.remoteAddress ?? '';
  response.once('close', () => {
    if (!response.writableFinished) return;
    onServed({ at: Date.now(), from, method, url, answer: said, milliseconds: performance.now() - began });
  });
}

/** How many files this process may have open (Node raises that to the most it may have); undefined where it is not told. */
function openFilesLimit(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined;
  }
}

/** @throws BootstrapError `failed` naming what is in the way */
export async function listen(server: Server | HttpServer, { host, port }: HostPort, hint: string): Promise<HostPort> {
  try {
    server.listen({ port, backlog: BACKLOG, ...(host && { host }) });
    await once(server, 'listening');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    const where = formatHostPort({ host: host || '*', port });
    const why = REASONS[code] ?? code;
    throw new BootstrapError('failed', `cannot listen on ${where}: ${why}`, { hint, cause: error });
  }
  const at = server.address();
  return typeof at === 'object' && at ? { host: at.address, port: at.port } : { host, port };
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'ports below 1024 need root',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such name',
};
