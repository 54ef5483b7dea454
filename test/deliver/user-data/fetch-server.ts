import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A server on loopback that answers each request as it is told at that moment. */
export async function fetchServer(answer: Answer, tls?: ServerOptions, host = '127.0.0.1') {
  const told = { answer, requests: [] as string[] };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    told.requests.push(request.url ?? '');
    told.answer(response, request);
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    /** Targets of all requests so far. */
    requests: told.requests,
    /** Answers like this from now on. */
    now(next: Answer): void {
      told.answer = next;
    },
    async stop(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type FetchServer = Awaited<ReturnType<typeof fetchServer>>;

export const whole =
  (content: Buffer): Answer =>
  (response) => {
    response.setHeader('content-length', content.length);
    response.end(content);
  };

export const refused =
  (status: number, text = '<html>no</html>'): Answer =>
  (response) => {
    response.statusCode = status;
    response.end(text);
  };

/** Says how long it is, and ends in the middle. */
export const cut =
  (content: Buffer): Answer =>
  (response) => {
    response.setHeader('content-length', content.length);
    response.write(content.subarray(0, content.length / 2), () => response.socket?.end());
  };

/** Ends in the middle, and nothing in it says so: no length, no chunks. */
export const cutSilently =
  (content: Buffer): Answer =>
  (response) => {
    const { socket } = response;
    socket?.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n');
    socket?.end(content.subarray(0, content.length / 2));
  };

/** Takes the request, and says nothing more; or says half of it. */
export const hanging =
  (half?: Buffer): Answer =>
  (response) => {
    if (!half) return;
    response.setHeader('content-length', half.length);
    response.write(half.subarray(0, half.length / 2));
  };

export const redirected =
  (to: string): Answer =>
  (response) => {
    response.writeHead(302, { location: to }).end();
  };

/** The first of these for the first request, and so on; the last for all that follow. */
export function inTurn(...answers: readonly Answer[]): Answer {
  let turn = 0;
  return (response, request) => answers[Math.min(turn++, answers.length - 1)]?.(response, request);
}
