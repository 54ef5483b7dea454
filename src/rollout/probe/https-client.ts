import { Agent, type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import type { Socket } from 'node:net';
import type { Reach } from '../../deliver/transport/transport.ts';
import { type ClientTls, connectTo, rawBytes, tlsSettings } from './connect.ts';
import { besidesExpired } from './expired-server.ts';
import { failureOf } from './failure.ts';
import { ProbeError } from './probe-error.ts';

/** A server and how to reach it. */
export interface HttpTarget {
  /** What messages call it: `the apiserver of cp1`. */
  readonly what: string;
  readonly reach: Reach;
  /** Undefined = plain HTTP. */
  readonly tls: ClientTls | undefined;
}

interface HttpRequest {
  readonly method: string;
  /** With its query, e.g. `/readyz?verbose`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For all of it: connecting, sending, and the whole answer. */
  readonly milliseconds: number;
  readonly signal?: AbortSignal;
  /** Longer answers are an error; 8 MiB. */
  readonly maxBytes?: number;
  /** Over a connection of its own, which is closed afterwards. */
  readonly fresh?: boolean;
  /**
   * Whether it may be sent twice, where a kept connection turns out to have been closed by the server. Default: every
   * method but POST.
   */
  readonly repeatable?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

export interface HttpClient {
  readonly what: string;
  /**
   * Sends one request; gives every answer, whatever its status. Redirects are not followed.
   * @throws ProbeError; the signal's reason where it was aborted
   */
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** Closes the kept connections. */
  close(): void;
}

const MAX_BYTES = 8 << 20;

/** @throws ProbeError `tls` where the client's own certificate, key or CA cannot be used */
export function openHttp(target: HttpTarget): HttpClient {
  const settings = target.tls && tlsSettings(target.what, target.tls);
  const createConnection = () => connectTo(target.reach, settings);
  const agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 4 }), { createConnection });
  const once = async (request: HttpRequest, fresh: boolean): Promise<HttpAnswer> => {
    request.signal?.throwIfAborted();
    const { method, path } = request;
    const options = { method, path, headers: headers(target, request) };
    // TLS or not is a matter of the connection that is given; HTTP is the same over both
    return exchange(target, request, requestHttp({ ...options, ...(fresh ? { createConnection } : { agent }) }));
  };
  return {
    what: target.what,
    request: async (request) => {
      try {
        return await once(request, request.fresh ?? false);
      } catch (error) {
        if (error instanceof ProbeError && error.problem === 'expired') throw await inFull(target, request, error);
        if (!(error instanceof StaleConnection)) throw error;
        if (!(request.repeatable ?? request.method !== 'POST')) throw error.failure;
        return once(request, true);
      }
    },
    close: () => agent.destroy(),
  };
}

/** The failure of one whose certificate has expired, or what else is wrong with it. */
async function inFull(
  { what, reach, tls }: HttpTarget,
  request: HttpRequest,
  expired: ProbeError,
): Promise<ProbeError> {
  const { milliseconds, signal } = request;
  const more = await besidesExpired(what, reach, tls, { seconds: milliseconds / 1000, ...(signal && { signal }) });
  return more === undefined ? expired : new ProbeError(what, 'tls', more);
}

function headers({ tls }: HttpTarget, request: HttpRequest): Record<string, string> {
  const host = tls?.server?.identity ?? 'localhost';
  const length = request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) };
  return { host: host.includes(':') ? `[${host}]` : host, ...length, ...request.headers };
}

/** A connection that was kept open had been closed by the server when it was used again. */
class StaleConnection extends Error {
  readonly failure: ProbeError;
  constructor(failure: ProbeError) {
    super(failure.message);
    this.failure = failure;
  }
}

function exchange(target: HttpTarget, request: HttpRequest, sent: ClientRequest): Promise<HttpAnswer> {
  const { what, reach, tls } = target;
  const { milliseconds, signal, maxBytes = MAX_BYTES } = request;
  return new Promise((resolve, reject) => {
    let ready = false;
    let connection: Socket | undefined;
    let answered = false;
    const end = (give: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      give();
    };
    const fail = (error: unknown) => {
      end(() => reject(error));
      sent.destroy();
    };
    const onError = (error: unknown) => {
      const bytesRead = connection ? rawBytes(connection) : 0;
      const { problem, seen } = failureOf(error, { reach, identity: tls?.server?.identity, ready, bytesRead });
      const failure = new ProbeError(what, problem, seen);
      fail(sent.reusedSocket && problem === 'broken' && !answered ? new StaleConnection(failure) : failure);
    };
    const onAbort = () => fail(signal?.reason);
    const timer = setTimeout(() => {
      fail(new ProbeError(what, 'timeout', `no answer within ${seconds(milliseconds)}`));
    }, milliseconds);
    signal?.addEventListener('abort', onAbort);
    sent.on('error', onError);
    sent.on('socket', (socket) => {
      connection = socket;
      // a request that waited for a socket gets one in use before, and Node does not say so in reusedSocket
      ready = sent.reusedSocket || connected.has(socket);
      if (ready) return;
      socket.once(tls ? 'secureConnect' : 'connect', () => {
        ready = true;
        connected.add(socket);
      });
    });
    sent.on('response', (answer) => {
      answered = true;
      void read(answer, maxBytes).then(
        (text) =>
          text === undefined
            ? fail(new ProbeError(what, 'answer', `its answer is longer than ${maxBytes} bytes`))
            : end(() => resolve({ status: answer.statusCode ?? 0, text })),
        onError,
      );
    });
    sent.end(request.body);
  });
}

/** Connections that have come about. */
const connected = new WeakSet<Socket>();

/** The body; undefined where it is too long. */
async function read(answer: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}
