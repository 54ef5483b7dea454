import { Agent, request } from 'node:https';
import { checkServerIdentity } from 'node:tls';
import type { Json } from './json.ts';

export interface Identity {
  readonly ca: string | Buffer;
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
  /** undefined where the answer is no JSON. */
  readonly body: Json | undefined;
}

interface ApiRequest {
  /** Further ones: `authorization`, `x-remote-user`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly method?: string;
  readonly body?: Json;
  readonly type?: string;
  readonly timeoutMs?: number;
}

export interface ApiClient {
  /** @throws Error where no answer came in time (3 s unless told) */
  request(path: string, options?: ApiRequest): Promise<ApiAnswer>;
  /** Forgets its connections: the next request makes one. */
  reconnect(): void;
}

/**
 * A client of an apiserver on this machine's loopback.
 * @param host the name that its certificate must be for; all nodes of the world are 127.0.0.1
 * @param identity asked at each request where it is a function; with another one than before there are new connections
 * @param connections how many there may be at once
 */
export function apiClient(
  host: string,
  port: number,
  identity: Identity | (() => Identity),
  connections = Number.POSITIVE_INFINITY,
): ApiClient {
  // a session that is taken up again would hide what another certificate says
  const newAgent = () => new Agent({ keepAlive: true, maxCachedSessions: 0, maxSockets: connections });
  let agent = newAgent();
  return {
    reconnect() {
      agent.destroy();
      agent = newAgent();
    },
    request: (path, { method = 'GET', body, type = 'application/json', headers = {}, timeoutMs = 3000 } = {}) =>
      new Promise((resolve, reject) => {
        const sent = request(
          {
            ...(typeof identity === 'function' ? identity() : identity),
            agent,
            host: '127.0.0.1',
            port,
            path,
            method,
            headers: { ...(body !== undefined && { 'content-type': type }), ...headers },
            servername: '',
            checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
          },
          (answer) => {
            const chunks: Buffer[] = [];
            answer.on('data', (chunk: Buffer) => chunks.push(chunk));
            answer.on('error', reject);
            answer.on('end', () => {
              clearTimeout(timer);
              const text = Buffer.concat(chunks).toString('utf8');
              resolve({ status: answer.statusCode ?? 0, text, body: asJson(text) });
            });
          },
        );
        const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
        sent.on('error', (error) => {
          clearTimeout(timer);
          reject(error);
        });
        sent.end(body === undefined ? undefined : JSON.stringify(body));
      }),
  };
}

function asJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
