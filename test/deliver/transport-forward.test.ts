import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { connect as connectPlain, type Server } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Reach } from '../../src/deliver/transport/transport.ts';
import { emptyDir } from '../support/cli.ts';
import { needTool } from '../support/tools.ts';
import { ran, sshdFor, told, transportTo } from './transport-fixtures.ts';

/** A TLS server that says its name; gives its port. */
async function greeter(host: string): Promise<number> {
  const dir = emptyDir();
  const [key, cert] = [join(dir, 'key'), join(dir, 'cert')];
  const args = [
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=node',
    '-keyout',
    key,
  ];
  execFileSync('openssl', ['req', ...args, '-out', cert], { stdio: 'ignore' });
  const server: Server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
    socket.on('error', () => {});
    socket.end('hello from the node');
  });
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

async function greeting(reach: Reach): Promise<string> {
  const socket = connect({ ...reach, rejectUnauthorized: false });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('utf8');
}

const pathOf = (reach: Reach): string => ('path' in reach ? reach.path : '');

describe.runIf(needTool('sshd') && needTool('openssl'))('a port of a node', () => {
  test.each(['127.0.0.1', '::1'])('of %s is reached through a socket that is nobody else’s', async (host) => {
    const transport = transportTo(await sshdFor());
    const port = await greeter(host);
    const [reach, again] = await Promise.all([transport.forward(host, port), transport.forward(host, port)]);
    expect(await greeting(reach)).toBe('hello from the node');
    expect(again).toEqual(reach);
    expect(statSync(pathOf(reach)).mode & 0o777).toBe(0o600);
    expect(await Promise.all(Array.from({ length: 20 }, () => greeting(reach)))).toEqual(
      Array(20).fill('hello from the node'),
    );
  });

  test('on which nothing listens yet is no error before somebody listens', async () => {
    const transport = transportTo(await sshdFor());
    const reach = await transport.forward('127.0.0.1', 1);
    const socket = connectPlain({ path: pathOf(reach) });
    await once(socket, 'close');
    expect(socket.bytesRead).toBe(0);
  });

  test('that sshd does not let anybody reach is said to be so', async () => {
    const transport = transportTo(await sshdFor({ config: ['AllowTcpForwarding no'] }));
    const { code, message, hint } = await told(transport.forward('127.0.0.1', await greeter('127.0.0.1')));
    expect(code).toBe('unreachable');
    expect(message).toMatch(/^cp1: sshd at .* does not let its ports be reached \(AllowTcpForwarding, or PermitOpen/);
    expect(hint).toContain('on cp1: AllowTcpForwarding local in sshd_config');
    expect((await ran(transport, ['true']))[0]).toBe(0);
  });

  test('is reached anew after the connection has broken', async () => {
    const sshd = await sshdFor();
    const transport = transportTo(sshd);
    const port = await greeter('127.0.0.1');
    await transport.forward('127.0.0.1', port);
    sshd.cut();
    await new Promise((done) => setTimeout(done, 1200));
    expect(await greeting(await transport.forward('127.0.0.1', port))).toBe('hello from the node');
  });
});
