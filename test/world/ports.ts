import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below those that the system hands out itself (ip_local_port_range): no other test's server or connection gets one of them. */
const FIRST = 16_000;
/** For each worker of vitest, which all look at the same time. */
const EACH = 2_000;
const WORKERS = 8;

/** Ports that are free now; all are held before any is given back, so that they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const from = FIRST + (Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS) * EACH;
  const start = Math.floor(Math.random() * EACH);
  const held = new Map<number, Server>();
  for (let i = 0; held.size < count && i < EACH; i++) {
    const port = from + ((start + i) % EACH);
    const server = await listening(port);
    if (server) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => once(server.close(), 'close')));
  return [...held.keys()];
}

async function listening(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1');
  const began = await Promise.race([once(server, 'listening'), once(server, 'error')]).catch(() => undefined);
  return began !== undefined && server.listening ? server : undefined;
}
