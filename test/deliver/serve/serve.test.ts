import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { podsPath } from '../../../src/deliver/serve/answer.ts';
import { publishServed } from '../../../src/deliver/serve/publish.ts';
import { emptyDir } from '../../support/cli.ts';
import { expectExposition } from '../../support/exposition.ts';
import { ask, crowd } from './crowd.ts';
import { loopbackPair, tokenOf, wantedFor } from './fixtures.ts';
import { type Serving, startServing } from './serving.ts';

const tls = loopbackPair();
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function started(dir: string, port = 0, ...args: readonly string[]): Promise<Serving> {
  const serving = await startServing(dir, port, ...args);
  onTestFinished(async () => {
    if (serving.process.exitCode === null && serving.process.signalCode === null) await serving.stop('SIGKILL');
  });
  return serving;
}

async function within<T>(what: string, look: () => Promise<T | undefined>, ms = 10_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await pause(50);
  }
}

const asNode = (port: number, node: string, ca: string = tls.certificate, more = {}) =>
  ask({ port, ca, path: podsPath(node), headers: { authorization: `Bearer ${tokenOf(node)}` }, agent: false, ...more });

describe('a thousand kubelets that poll `bootstrap serve`', { timeout: 120_000 }, () => {
  test('never see an empty, a partial or another list, whatever happens to its files and its process', async () => {
    const nodes = Array.from({ length: 1000 }, (_, i) => `n${i}`);
    const dir = join(emptyDir(), 'serve');
    let generation = 1;
    const publish = () => publishServed(dir, wantedFor(nodes, tls, { generation, pods: 3 }));
    await publish();
    let serving = await started(dir);
    const kubelets = crowd(nodes, serving.port, tls.certificate, 3);
    onTestFinished(kubelets.close);
    await kubelets.round();
    expect(kubelets.seen.counts).toEqual(new Map([['200', 1000]]));

    const list = (node: string) => join(dir, `nodes/${node}.json`);
    const index = join(dir, 'index.json');
    const harm: readonly (() => void)[] = [
      () => truncateSync(list('n1'), 40),
      () => writeFileSync(list('n2'), ''),
      () => writeFileSync(list('n3'), readFileSync(list('n4'))),
      () => rmSync(list('n5')),
      // an index from the future: what it names comes later
      () => writeFileSync(index, readFileSync(index, 'utf8').replace(/"sha256": "..../g, '"sha256": "0000')),
      () => truncateSync(index, 5000),
      () => rmSync(index),
      () => rmSync(join(dir, 'nodes'), { recursive: true }),
    ];
    for (const [i, spoil] of harm.entries()) {
      const polls = kubelets.round();
      spoil();
      await pause(i % 2 ? 20 : 80);
      generation += 1;
      await publish();
      await polls;
      if (i === 3) {
        const more = kubelets.round();
        expect(await serving.stop('SIGKILL')).toBe('SIGKILL');
        await more;
        serving = await started(dir, serving.port);
      }
    }
    await within('all have the newest', async () => {
      await kubelets.round();
      return [...kubelets.seen.generations.values()].every((each) => each === generation) || undefined;
    });
    expect(kubelets.seen.wrong).toEqual([]);
    expect([...kubelets.seen.counts.keys()].filter((key) => !['200', '503', 'broken'].includes(key))).toEqual([]);
    expect(kubelets.seen.counts.get('200')).toBeGreaterThan(5000);
    const metrics = await (await fetch(`http://127.0.0.1:${serving.metricsPort}/metrics`)).text();
    expect(metrics).toMatch(/^bootstrap_serve_connections 1000$/m);
    expect(metrics.match(/^bootstrap_serve_last_poll_seconds\{/gm)).toHaveLength(1000);
  });
});

describe('`bootstrap serve`', { timeout: 60_000 }, () => {
  const published = async (nodes = ['cp1', 'cp2']) => {
    const dir = join(emptyDir(), 'serve');
    await publishServed(dir, wantedFor(nodes, tls));
    return dir;
  };

  test('gives nothing to who shows no token, a wrong one or that of another node', async () => {
    const { port, stop, out, err } = await started(await published());
    const statusOf = async (node: string, token?: string) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await asNode(port, node, tls.certificate, { headers }))?.status;
    };
    expect(await statusOf('cp1')).toBe(401);
    expect(await statusOf('cp1', 'wrong')).toBe(401);
    expect(await statusOf('cp1', tokenOf('cp2'))).toBe(401);
    expect(await statusOf('nobody', tokenOf('cp2'))).toBe(401);
    expect(await statusOf('cp1', tokenOf('cp1'))).toBe(200);
    expect(await ask({ port, path: podsPath('cp1'), agent: false })).toBeUndefined();
    expect(await stop('SIGTERM')).toBe(0);
    expect(out().trim().split('\n')).toHaveLength(5);
    expect(out()).toMatch(/^\d{4}-\S+Z 127\.0\.0\.1 - GET \/v1\/nodes\/cp1\/pods 401 13 - [\d.]+ms$/m);
    expect(out()).toMatch(/^\S+ 127\.0\.0\.1 cp1 GET \/v1\/nodes\/cp1\/pods 200 \d+ [0-9a-f]{12} [\d.]+ms$/m);
    expect(out() + err()).not.toContain('token-of');
  });

  test('keeps what a stranger writes out of its log, and takes no body', async () => {
    const { port, stop, out } = await started(await published(), 0, '--log', 'json');
    await ask({ port, ca: tls.certificate, path: '/x?token=secret%0aforged', agent: false });
    await asNode(port, 'cp1', tls.certificate, { method: 'POST', headers: { 'content-length': '5' } });
    await stop('SIGTERM');
    expect(
      out()
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { path: '/x?…', status: 404, from: '127.0.0.1' },
      { method: 'POST', status: 405 },
    ]);
  });

  test('answers 503 until there is something whole to give out, and then gives it out by itself', async () => {
    const dir = await published();
    renameSync(join(dir, 'index.json'), join(dir, 'away'));
    const { port, metricsPort, err } = await started(dir);
    expect(err()).toContain('index.json is not there');
    const health = async () => (await fetch(`http://127.0.0.1:${metricsPort}/healthz`)).status;
    expect(await health()).toBe(503);
    expect((await asNode(port, 'cp1'))?.status).not.toBe(200);
    renameSync(join(dir, 'away'), join(dir, 'index.json'));
    const said = await within('it serves', async () => {
      const answer = await asNode(port, 'cp1');
      return answer?.status === 200 ? answer : undefined;
    });
    expect(said.body).toContain('cp1-0');
    expect(await health()).toBe(200);
  });

  test('goes on with the last whole state for two seconds, then answers 503', async () => {
    const dir = await published();
    const { port } = await started(dir);
    expect((await asNode(port, 'cp1'))?.status).toBe(200);
    rmSync(join(dir, 'index.json'));
    await pause(500);
    expect((await asNode(port, 'cp1'))?.status).toBe(200);
    expect(
      (
        await within('503', async () => {
          const said = await asNode(port, 'cp1');
          return said?.status === 503 ? said : undefined;
        })
      ).body,
    ).toBe('in doubt\n');
  });

  test('shows a new certificate without dropping a connection', async () => {
    const dir = await published();
    const { port } = await started(dir);
    const [before, next] = [new X509Certificate(tls.certificate), loopbackPair(2)];
    expect((await asNode(port, 'cp1'))?.certificate).toBe(before.fingerprint256);
    const open = connect({ port, host: '127.0.0.1', ca: tls.certificate });
    onTestFinished(() => void open.destroy());
    await publishServed(dir, wantedFor(['cp1'], next));
    await within('the new one is shown', async () => {
      const said = await asNode(port, 'cp1', `${tls.certificate}${next.certificate}`);
      return said?.certificate === new X509Certificate(next.certificate).fingerprint256 || undefined;
    });
    expect(open.destroyed).toBe(false);
  });

  test('answers 503 over TLS where it starts in the middle of a change', async () => {
    const dir = await published();
    writeFileSync(join(dir, 'nodes/cp1.json'), '');
    const { port } = await started(dir);
    expect(await asNode(port, 'cp2')).toMatchObject({ status: 503, body: 'in doubt\n' });
  });

  test('keeps the connections of nodes, and none of strangers', async () => {
    const { port } = await started(await published());
    const isKept = async (node: string, token: string) => {
      const agent = new Agent({ keepAlive: true });
      const said = await asNode(port, node, tls.certificate, { agent, headers: { authorization: `Bearer ${token}` } });
      await pause(200);
      const kept = Object.keys(agent.freeSockets).length + Object.keys(agent.sockets).length;
      agent.destroy();
      return [said?.status, kept];
    };
    expect(await isKept('cp1', tokenOf('cp1'))).toEqual([200, 1]);
    expect(await isKept('cp1', 'wrong')).toEqual([401, 0]);
  });

  test('goes on answering where its log cannot be written', async () => {
    const dir = await published();
    const { port, process: child, err } = await started(dir);
    child.stdout?.destroy();
    for (let i = 0; i < 3; i++) {
      expect((await asNode(port, 'cp1'))?.status).toBe(200);
      await pause(300);
    }
    expect(err().match(/lines of the access log are lost/g)).toHaveLength(1);
  });

  test('says why a client does not get as far as asking, and counts it', async () => {
    const { port, metricsPort, err } = await started(await published());
    // plain HTTP; a kubelet that does not trust the certificate is told in the same way ("unknown ca")
    const wrong = createConnection(port, '127.0.0.1', () => wrong.write('GET / HTTP/1.0\r\n\r\n'));
    wrong.on('error', () => undefined);
    await within('it is told', async () => /handshake with 127\.0\.0\.1 failed: http request/.test(err()) || undefined);
    const metrics = expectExposition(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text());
    expect(metrics.get('bootstrap_serve_failed_handshakes_total')).toEqual([{ labels: {}, value: 1 }]);
  });

  test('gives metrics that Prometheus can read, of nodes that have shown their token', async () => {
    const { port, metricsPort } = await started(await published());
    await asNode(port, 'cp1');
    await asNode(port, 'cp2', tls.certificate, { headers: { authorization: 'Bearer wrong' } });
    const metrics = expectExposition(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text());
    const labels = (name: string) => metrics.get(`bootstrap_serve_${name}`)?.map((sample) => sample.labels);
    expect(labels('answers_total')).toEqual([
      { node: 'cp1', status: '200' },
      { node: '', status: '401' },
    ]);
    expect(labels('last_poll_seconds')).toEqual([{ node: 'cp1' }]);
    const [wanted, given] = [labels('revision_info'), labels('node_revision_info')];
    expect(wanted).toHaveLength(2);
    expect(given).toEqual([wanted?.find(({ node }) => node === 'cp1')]);
    const taken = metrics.get('bootstrap_serve_snapshot_taken_seconds')?.[0]?.value ?? 0;
    expect(Math.abs(Date.now() / 1000 - taken)).toBeLessThan(60);
  });

  test('does not wait for who has connected and asks nothing', async () => {
    const serving = await started(await published());
    const open = connect({ port: serving.port, host: '127.0.0.1', ca: tls.certificate });
    open.on('error', () => undefined);
    await once(open, 'secureConnect');
    const began = performance.now();
    expect(await serving.stop('SIGTERM')).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('finishes what is under way when it is told to stop', async () => {
    const serving = await started(await published());
    const answers = Array.from({ length: 50 }, () => asNode(serving.port, 'cp1'));
    await Promise.race(answers);
    expect(await serving.stop('SIGTERM')).toBe(0);
    for (const said of await Promise.all(answers))
      if (said) expect(said).toMatchObject({ status: 200, body: expect.stringContaining('cp1-0') });
    expect(serving.err()).toContain('stopping');
  });

  test('says why it cannot start, and ends', async () => {
    const dir = await published();
    const { port, metricsPort } = await started(dir);
    await expect(startServing(dir, port)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: another process listens there\n  --listen says where else`,
    );
    await expect(startServing(dir, 0, '--metrics', `127.0.0.1:${metricsPort}`)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${metricsPort}: another process listens there\n  --metrics says where else, or off`,
    );
    await expect(startServing(join(dir, 'nowhere'))).rejects.toThrow(/nowhere: there is no such directory/);
  });
});
