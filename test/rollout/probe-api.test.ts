import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:http';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openApi } from '../../src/rollout/probe/api-client.ts';
import { componentHealth, healthOf, kubeletHealth, livez, readyz } from '../../src/rollout/probe/health.ts';
import { mirrorPod, mirrorPodOf } from '../../src/rollout/probe/mirror-pod.ts';
import { type TestAuthority, testAuthority } from './probe-pki.ts';
import { httpsServer, listening } from './probe-servers.ts';

let authority: TestAuthority;
beforeAll(async () => {
  authority = await testAuthority();
});

async function api(listener: RequestListener) {
  const [leaf, client] = await Promise.all([authority.issue(), authority.issue()]);
  const reach = await httpsServer({ leaf, clientCa: authority.ca }, listener);
  const opened = openApi({
    reach,
    identity: '10.0.0.11',
    ca: authority.ca,
    cert: client.certificate,
    key: client.key,
    what: 'the apiserver of cp1',
  });
  onTestFinished(() => opened.close());
  return opened;
}

const status = (code: number, reason: string, message: string) =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code });

const bodyOf = async (request: IncomingMessage) => Buffer.concat(await request.toArray()).toString();

describe('the API', () => {
  test('gives an object, and nothing where there is none', async () => {
    const client = await api((request, answer) => {
      if (request.url?.endsWith('/there')) return void answer.end('{"kind":"ConfigMap","data":{}}');
      answer.writeHead(404).end(status(404, 'NotFound', 'configmaps "gone" not found'));
    });
    expect(await client.get('/api/v1/namespaces/x/configmaps/there')).toMatchObject({ kind: 'ConfigMap' });
    expect(await client.get('/api/v1/namespaces/x/configmaps/gone')).toBeUndefined();
    expect(await client.delete('/api/v1/namespaces/x/configmaps/gone')).toBe(false);
  });

  test('is asked for server-side apply as it wants it', async () => {
    const seen: string[] = [];
    const client = await api(async (request, answer) => {
      seen.push(`${request.method} ${request.url} ${request.headers['content-type']} ${await bodyOf(request)}`);
      answer.end('{"kind":"X"}');
    });
    await client.apply('/a', { kind: 'X' }, { force: true, dryRun: true });
    await client.apply('/a', { kind: 'Ü' });
    await client.post('/as', { kind: 'X' });
    expect(seen).toEqual([
      'PATCH /a?fieldManager=bootstrap&force=true&dryRun=All application/apply-patch+yaml {"kind":"X"}',
      'PATCH /a?fieldManager=bootstrap application/apply-patch+yaml {"kind":"Ü"}',
      'POST /as?fieldManager=bootstrap application/json {"kind":"X"}',
    ]);
  });

  test('says why it refuses, in its own words', async () => {
    const message = 'Apply failed with 1 conflict: conflict with "kubeadm": .data.x';
    const client = await api((_, answer) => void answer.writeHead(409).end(status(409, 'Conflict', message)));
    await expect(client.apply('/a', {})).rejects.toMatchObject({
      problem: 'http',
      status: 409,
      statusReason: 'Conflict',
      message: `the apiserver of cp1: it answers PATCH /a with 409: ${message}`,
    });
  });

  test('gives long lists page by page', async () => {
    const client = await api((request, answer) => {
      const mark = new URL(request.url ?? '', 'http://x').searchParams.get('continue');
      const page = mark ? { items: [{ n: 2 }] } : { metadata: { continue: 'a b&c' }, items: [{ n: 1 }] };
      answer.end(JSON.stringify(page));
    });
    expect(await client.list('/api/v1/nodes')).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test.each([
    ['broken JSON', 200, '{"kind":'],
    ['an empty answer', 200, ''],
    ['a list where an object belongs', 200, '[]'],
  ])('is not believed where it gives %s', async (_, code, text) => {
    const client = await api((_request, answer) => void answer.writeHead(code).end(text));
    await expect(client.get('/a')).rejects.toMatchObject({ problem: 'answer' });
  });

  test('that answers 404 without saying that the object is missing has not been asked', async () => {
    const client = await api((_, answer) => void answer.writeHead(404).end('404 page not found'));
    await expect(client.get('/a')).rejects.toMatchObject({ problem: 'http', status: 404 });
  });
});

describe('readiness', () => {
  const verbose =
    '[+]ping ok\n[-]etcd failed: reason withheld\n[-]poststarthook/rbac failed: reason withheld\nreadyz check failed\n';

  test('names the checks that fail', async () => {
    const client = await api((request, answer) => {
      if (request.url === '/readyz?verbose=true') return void answer.writeHead(500).end(verbose);
      answer.end('ok');
    });
    expect(await readyz(client)).toEqual({
      ok: false,
      failing: ['etcd', 'poststarthook/rbac'],
      seen: 'not ready: etcd, poststarthook/rbac',
    });
    expect(await livez(client)).toEqual({ ok: true, failing: [], seen: 'ok' });
  });

  test('is a reason in words where nobody answers, and an interruption where there was one', async () => {
    const { certificate, key } = await authority.issue();
    const nobody = openApi({
      reach: { host: '127.0.0.1', port: 1 },
      identity: 'x',
      ca: authority.ca,
      cert: certificate,
      key,
    });
    expect(await readyz(nobody)).toEqual({ ok: false, failing: [], seen: 'nobody listens there' });
    await expect(readyz(nobody, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  test('of one that does not know us is not readiness', () => {
    expect(healthOf(403, status(403, 'Forbidden', 'x'), 'not ready').seen).toBe('not ready (status 403)');
  });

  test('of controller-manager, scheduler and kubelet needs no trust', async () => {
    const own = await (await testAuthority('self')).issue({ dnsNames: ['localhost'] });
    const reach = await httpsServer({ leaf: own }, (request, answer) => {
      const isHealth = request.url === '/healthz';
      answer.writeHead(isHealth ? 200 : 500).end(isHealth ? 'ok' : '[-]leaderElection failed: reason withheld\n');
    });
    expect((await componentHealth('the scheduler of cp1', reach)).ok).toBe(true);
    expect((await componentHealth('the scheduler of cp1', reach, { path: '/readyz' })).seen).toBe(
      'unhealthy: leaderElection',
    );
    const plain = await listening(createServer((_, answer) => void answer.end('ok')));
    expect((await kubeletHealth('the kubelet of cp1', plain)).ok).toBe(true);
    expect((await componentHealth('x', plain)).seen).toMatch(/^it does not speak TLS/);
  });
});

describe('a mirror pod', () => {
  const pod = {
    kind: 'Pod',
    metadata: {
      name: 'etcd-cp1',
      uid: 'u',
      annotations: { 'kubernetes.io/config.hash': 'h', 'bootstrap/inputs-digest': 'd' },
    },
    status: {
      phase: 'Running',
      conditions: [
        { type: 'Initialized', status: 'True' },
        { type: 'Ready', status: 'True' },
      ],
      containerStatuses: [
        {
          name: 'etcd',
          restartCount: 2,
          state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
          lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: '2026-01-01T00:00:00Z' } },
        },
      ],
    },
  };

  test('says what runs, and how it ended before', async () => {
    const client = await api((request, answer) => {
      if (request.url === '/api/v1/namespaces/kube-system/pods/etcd-cp1') return void answer.end(JSON.stringify(pod));
      answer.writeHead(404).end(status(404, 'NotFound', 'x'));
    });
    expect(await mirrorPod(client, 'etcd-cp1')).toEqual({
      uid: 'u',
      annotations: pod.metadata.annotations,
      ready: true,
      phase: 'Running',
      restarts: 2,
      waitingReason: undefined,
      waitingMessage: undefined,
      lastTermination: { exitCode: 1, reason: 'Error', message: '', finishedAt: '2026-01-01T00:00:00Z' },
      startedAt: '2026-01-01T00:00:00Z',
      configHash: 'h',
      isDeleted: false,
    });
    expect(await mirrorPod(client, 'etcd-cp2')).toBeUndefined();
    expect(await mirrorPod(client, 'default/etcd-cp1')).toBeUndefined();
  });

  test('that crashes says why it waits', () => {
    const [container] = pod.status.containerStatuses;
    const crashing = {
      ...pod,
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False' }],
        containerStatuses: [
          { ...container, state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } } },
        ],
      },
    };
    expect(mirrorPodOf(crashing)).toMatchObject({
      ready: false,
      waitingReason: 'CrashLoopBackOff',
      lastTermination: { exitCode: 1 },
      startedAt: undefined,
    });
  });

  test('on its way out is not ready; one without a status yet is not either', () => {
    const leaving = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(mirrorPodOf(leaving)).toMatchObject({ ready: false, isDeleted: true });
    expect(mirrorPodOf({ metadata: { uid: 'u' } })).toMatchObject({ ready: false, restarts: 0, phase: '' });
  });
});
