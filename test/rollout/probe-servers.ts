import type { RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Reach } from '../../src/deliver/transport/transport.ts';
import type { TestAuthority } from './probe-pki.ts';

/** Listens on loopback, or on a socket as ssh makes one for a forwarded port, until the test ends. */
export async function listening(server: Server, path?: string): Promise<Reach> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => {
    if (path) server.listen(path, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return path ? { path } : { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

type Leaf = Awaited<ReturnType<TestAuthority['issue']>>;

export interface HttpsOptions {
  readonly leaf: Leaf;
  /** Wants a client certificate of this CA. */
  readonly clientCa?: string;
  readonly path?: string;
  readonly maxVersion?: 'TLSv1.2';
}

export function httpsServer(
  { leaf, clientCa, path, maxVersion }: HttpsOptions,
  listener: RequestListener,
): Promise<Reach> {
  const server = createHttps(
    {
      cert: leaf.certificate,
      key: leaf.key.reveal(),
      ...(clientCa && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
      ...(maxVersion && { maxVersion }),
    },
    listener,
  );
  server.on('tlsClientError', () => undefined);
  return listening(server, path);
}

export function tcpServer(onConnection: (socket: Socket) => void, path?: string): Promise<Reach> {
  return listening(createServer(onConnection), path);
}
