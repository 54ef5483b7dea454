import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { SecretPem } from '../../src/base/pem.ts';
import type { Reach } from '../../src/deliver/transport/transport.ts';
import { openHttp } from '../../src/rollout/probe/https-client.ts';
import { servedLeaf } from '../../src/rollout/probe/leaf.ts';
import type { ProbeError } from '../../src/rollout/probe/probe-error.ts';
import { type TestAuthority, testAuthority } from './probe-pki.ts';
import { httpsServer, tcpServer } from './probe-servers.ts';

let authority: TestAuthority;
let foreign: TestAuthority;
let leaf: Awaited<ReturnType<TestAuthority['issue']>>;
let client: typeof leaf;

beforeAll(async () => {
  [authority, foreign] = await Promise.all([testAuthority(), testAuthority()]);
  [leaf, client] = await Promise.all([authority.issue(), authority.issue({ dnsNames: [], addresses: [] })]);
});

function socketPath(): string {
  const dir = mkdtempSync(join(tmpdir(), 'probe-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return join(dir, 's');
}

interface Ask {
  readonly identity?: string;
  readonly ca?: string;
  readonly milliseconds?: number;
  readonly signal?: AbortSignal;
  readonly maxBytes?: number;
  readonly method?: string;
}

function open(reach: Reach, { identity = '10.0.0.11', ca = authority.ca }: Ask = {}) {
  const http = openHttp({ what: 'the apiserver of cp1', reach, tls: { server: { ca, identity }, client } });
  onTestFinished(() => http.close());
  return http;
}

function ask(reach: Reach, options: Ask = {}) {
  const { milliseconds = 5000, signal, maxBytes, method = 'GET' } = options;
  const more = { ...(signal && { signal }), ...(maxBytes && { maxBytes }) };
  return open(reach, options).request({ method, path: '/readyz', milliseconds, ...more });
}

async function failure(work: Promise<unknown>): Promise<ProbeError> {
  const error = await work.then(
    () => undefined,
    (reason: ProbeError) => reason,
  );
  expect(error?.name).toBe('BootstrapError');
  return error as ProbeError;
}

describe('an answer', () => {
  test('comes whatever its status, by IP address or name, by port or socket', async () => {
    const path = socketPath();
    const by: string[] = [];
    const listener = (request: IncomingMessage, answer: import('node:http').ServerResponse) => {
      by.push(`${request.headers.host} ${(request.socket as import('node:tls').TLSSocket).servername}`);
      answer.writeHead(503).end('{"a":1}');
    };
    const tcp = await httpsServer({ leaf, clientCa: authority.ca }, listener);
    const unix = await httpsServer({ leaf, clientCa: authority.ca, path }, listener);
    expect(await ask(tcp)).toEqual({ status: 503, text: '{"a":1}' });
    expect(await ask(unix, { identity: 'kubernetes' })).toEqual({ status: 503, text: '{"a":1}' });
    // RFC 6066: an address is never sent as server name
    expect(by).toEqual(['10.0.0.11 false', 'kubernetes kubernetes']);
  });

  test('comes over one kept connection, unless a fresh one is asked for', async () => {
    const ports = new Set<number | undefined>();
    const reach = await httpsServer({ leaf }, (request, answer) => {
      ports.add(request.socket.remotePort);
      answer.end('ok');
    });
    const http = open(reach);
    const request = { method: 'GET', path: '/', milliseconds: 5000 };
    const warnings: string[] = [];
    const onWarning = ({ name }: Error) => warnings.push(name);
    process.on('warning', onWarning);
    for (let i = 0; i < 30; i++) await http.request(request);
    process.off('warning', onWarning);
    expect(ports.size).toBe(1);
    expect(warnings).toEqual([]);
    await http.request({ ...request, fresh: true });
    expect(ports.size).toBe(2);
  });

  test('comes although the kept connection was closed by a server that has restarted, but a POST is not sent twice', async () => {
    let count = 0;
    const reach = await httpsServer({ leaf }, (request, answer) => {
      count++;
      // the second request on each connection finds it closed
      if (request.socket.listenerCount('used')) return void request.socket.destroy();
      request.socket.on('used', () => undefined);
      answer.end('ok');
    });
    const http = open(reach);
    const request = { method: 'GET', path: '/', milliseconds: 5000 };
    await http.request(request);
    expect((await http.request(request)).text).toBe('ok');
    expect(count).toBe(3);
    await http.request(request);
    expect(await failure(http.request({ ...request, method: 'POST' }))).toMatchObject({ problem: 'broken' });
  });

  test('that is too long is given up', async () => {
    const reach = await httpsServer({ leaf }, (_, answer) => {
      const timer = setInterval(() => answer.write('x'.repeat(10_000)), 1);
      answer.on('close', () => clearInterval(timer));
    });
    const error = await failure(ask(reach, { maxBytes: 100_000 }));
    expect(error).toMatchObject({ problem: 'answer', seen: 'its answer is longer than 100000 bytes' });
  });
});

describe('who gives no answer', () => {
  test('does not listen', async () => {
    expect(await failure(ask({ host: '127.0.0.1', port: 1 }))).toMatchObject({
      problem: 'refused',
      code: 'unreachable',
      message: 'the apiserver of cp1: nobody listens there',
    });
  });

  test('hangs up at once, as a port does that ssh forwards to where nobody listens', async () => {
    const tcp = await tcpServer((socket) => socket.destroy());
    const unix = await tcpServer((socket) => socket.end(), socketPath());
    for (const reach of [tcp, unix]) {
      expect(await failure(ask(reach))).toMatchObject({ problem: 'hung-up' });
      expect(await failure(servedLeaf('x', { reach }))).toMatchObject({ problem: 'hung-up' });
    }
    const plain = openHttp({ what: 'the kubelet', reach: unix, tls: undefined });
    expect(await failure(plain.request({ method: 'GET', path: '/', milliseconds: 1000 }))).toMatchObject({
      problem: expect.stringMatching(/hung-up|broken/),
    });
  });

  test('cannot be reached any more, where the forwarded socket is gone', async () => {
    const error = await failure(ask({ path: socketPath() }));
    expect(error).toMatchObject({ problem: 'unreachable', seen: 'the connection to the node is gone' });
  });

  test('takes too long: before the handshake, before the answer, in the middle of it', async () => {
    const mute = await tcpServer(() => undefined);
    const slow = await httpsServer({ leaf }, () => undefined);
    const stuck = await httpsServer({ leaf }, (_, answer) => void answer.write('{'));
    for (const reach of [mute, slow, stuck]) {
      const before = performance.now();
      const error = await failure(ask(reach, { milliseconds: 300 }));
      expect(error).toMatchObject({ problem: 'timeout', seen: 'no answer within 0.3 s' });
      expect(performance.now() - before).toBeLessThan(4000);
    }
    expect(await failure(servedLeaf('x', { reach: mute, seconds: 0.2 }))).toMatchObject({ problem: 'timeout' });
  });

  test('is interrupted, with the reason of the signal', async () => {
    const slow = await httpsServer({ leaf }, () => undefined);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(ask(slow, { signal: controller.signal })).rejects.toThrow('enough');
    await expect(ask(slow, { signal: controller.signal })).rejects.toThrow('enough');
    await expect(servedLeaf('x', { reach: slow, signal: controller.signal })).rejects.toThrow('enough');
  });

  test('breaks off in the middle', async () => {
    const reset = await httpsServer({ leaf }, (request) => request.socket.destroy());
    const half = await httpsServer({ leaf }, (request, answer) => {
      answer.writeHead(200, { 'content-length': '100' });
      answer.write('half', () => request.socket.destroy());
    });
    expect(await failure(ask(reset))).toMatchObject({ problem: 'broken', seen: 'the connection broke off' });
    expect(await failure(ask(half))).toMatchObject({ problem: 'broken' });
  });

  test('speaks something else', async () => {
    const plain = await tcpServer((socket) => socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent HTTP'));
    expect(await failure(ask(plain))).toMatchObject({
      problem: 'tls',
      seen: expect.stringMatching(/^it does not speak TLS/),
    });
    const banner = await tcpServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
    const http = openHttp({ what: 'the kubelet', reach: banner, tls: undefined });
    expect(await failure(http.request({ method: 'GET', path: '/', milliseconds: 1000 }))).toMatchObject({
      problem: 'answer',
    });
  });
});

describe('a server whose certificate is not right is not believed', () => {
  let heard = 0;
  const served = async (options: Parameters<TestAuthority['issue']>[0], from = authority) =>
    httpsServer({ leaf: await from.issue(options) }, (_, answer) => {
      heard++;
      answer.end('ok');
    });

  // nothing of the request, which may hold a token, goes to a server that is not the right one
  afterEach(() => expect(heard).toBe(0));

  test.each([
    [
      'expired',
      { made: -20, validity: 10 },
      { problem: 'expired', seen: 'its certificate has expired (CERT_HAS_EXPIRED)' },
    ],
    ['not valid yet', { made: 5 }, { problem: 'tls', seen: expect.stringMatching(/not valid yet/) }],
    [
      'for another address',
      { addresses: ['10.0.0.12'] },
      { problem: 'tls', seen: 'its certificate is not for 10.0.0.11 but for kubernetes, 10.0.0.12' },
    ],
  ])('%s', async (_, options, expected) => {
    expect(await failure(ask(await served(options)))).toMatchObject({ code: 'failed', ...expected });
  });

  test('of another CA of the same name, although the connection goes to loopback', async () => {
    const error = await failure(ask(await served({ addresses: ['10.0.0.11', '127.0.0.1'] }, foreign)));
    expect(error).toMatchObject({ problem: 'tls', seen: expect.stringMatching(/unknown CA|another CA/) });
  });

  test('expired, and not ours at all: then that is what is said', async () => {
    const expired = { made: -20, validity: 10 };
    expect(await failure(ask(await served(expired, foreign)))).toMatchObject({
      problem: 'tls',
      seen: 'its certificate is of an unknown CA, and has expired',
    });
    expect(await failure(ask(await served({ ...expired, addresses: ['10.0.0.12'] })))).toMatchObject({
      problem: 'tls',
      seen: 'its certificate is not for 10.0.0.11, and has expired',
    });
  });

  test('for loopback only: the name that counts is the one asked for, not that of the connection', async () => {
    const error = await failure(ask(await served({ addresses: ['127.0.0.1'], dnsNames: ['localhost'] })));
    expect(error).toMatchObject({ problem: 'tls' });
  });
});

describe('our own certificate', () => {
  test.each(['TLSv1.2', undefined] as const)('of another CA is refused, and that is said (%s)', async (maxVersion) => {
    const reach = await httpsServer({ leaf, clientCa: foreign.ca, ...(maxVersion && { maxVersion }) }, (_, answer) =>
      answer.end('ok'),
    );
    const error = await failure(ask(reach));
    // Node's server, unlike Go's, just closes the connection after a TLS 1.3 handshake
    expect(['tls', 'broken']).toContain(error.problem);
  });

  test('is never shown in a message when it cannot be used', () => {
    const text = `-----BEGIN EC PRIVATE KEY-----\n${'c2VjcmV0'.repeat(8)}\n-----END EC PRIVATE KEY-----\n`;
    const use = () =>
      openHttp({
        what: 'etcd of cp1',
        reach: { host: '127.0.0.1', port: 1 },
        tls: {
          server: { ca: authority.ca, identity: 'x' },
          client: { certificate: client.certificate, key: new SecretPem(text) },
        },
      });
    let error: unknown;
    try {
      use();
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      problem: 'tls',
      message: expect.stringMatching(/^etcd of cp1: our own certificate/),
    });
    expect(JSON.stringify(error) + String((error as Error).stack) + String((error as Error).cause)).not.toContain(
      'c2Vj',
    );
  });
});

describe('the certificate that is served', () => {
  test('is seen without being trusted, expired or not', async () => {
    const old = await foreign.issue({ made: -20, validity: 10, addresses: ['10.0.0.9', 'fd00::1'] });
    const reach = await httpsServer({ leaf: old }, (_, answer) => answer.end());
    const { X509Certificate } = await import('node:crypto');
    const expected = new X509Certificate(old.certificate);
    expect(await servedLeaf('x', { reach })).toEqual({
      serial: expected.serialNumber.toLowerCase(),
      fingerprint: expected.fingerprint256.replaceAll(':', '').toLowerCase(),
      subject: 'CN=kube-apiserver',
      issuer: 'CN=kubernetes',
      sans: ['DNS:kubernetes', 'IP:10.0.0.9', 'IP:FD00:0:0:0:0:0:0:1'],
      notBefore: new Date(expected.validFrom).toISOString(),
      notAfter: new Date(expected.validTo).toISOString(),
    });
  });

  test('is seen from a server that wants a client certificate', async () => {
    for (const maxVersion of ['TLSv1.2', undefined] as const) {
      const reach = await httpsServer(
        { leaf, clientCa: authority.ca, ...(maxVersion && { maxVersion }) },
        () => undefined,
      );
      expect((await servedLeaf('x', { reach, client })).subject).toBe('CN=kube-apiserver');
    }
  });
});
