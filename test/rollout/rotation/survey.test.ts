import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonMap } from '../../../src/render/json.ts';
import { surveyBeforeDistrust, surveyBeforeIssue } from '../../../src/rollout/rotation/survey.ts';
import { type ListsServer, listsServer, object } from './api-lists.ts';
import { base64, type MadeAuthority, madeAuthority } from './authorities.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const TRUSTED = Date.parse('2026-11-23T10:00:00Z');
const HOUR = 3_600_000;

let old: MadeAuthority;
let fresh: MadeAuthority;
let oldProxy: MadeAuthority;
let freshProxy: MadeAuthority;
let both = '';

beforeAll(async () => {
  [old, fresh, oldProxy, freshProxy] = await Promise.all([
    madeAuthority(),
    madeAuthority(),
    madeAuthority('front-proxy'),
    madeAuthority('front-proxy'),
  ]);
  both = old.certificate + fresh.certificate;
});

const rootCa = (namespace: string, bundle: string) =>
  object('kube-root-ca.crt', { data: { 'ca.crt': bundle } }, namespace);
const authentication = (clients: string, proxy: string): JsonMap =>
  object('extension-apiserver-authentication', {
    data: { 'client-ca-file': clients, 'requestheader-client-ca-file': proxy },
  });
const AUTHENTICATION = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
const CLUSTER_INFO = '/api/v1/namespaces/kube-public/configmaps/cluster-info';
const clusterInfo = (bundle: string) =>
  object('cluster-info', {
    data: { kubeconfig: `clusters:\n- cluster:\n    certificate-authority-data: ${base64(bundle)}\n  name: ""\n` },
  });

const input = ({ api }: ListsServer) => ({
  api,
  kubernetes: { old: old.certificate, fresh: fresh.certificate },
  frontProxy: { old: oldProxy.certificate, fresh: freshProxy.certificate },
  trustedSince: TRUSTED,
  masters: ['cp1'],
  now: NOW,
});

const distrust = (server: ListsServer) => ({
  ...input(server),
  signing: { since: TRUSTED + HOUR / 2, duration: 8760 * HOUR },
  kubeletIdentities: new Map<string, string>(),
});

/** A cluster in which everybody has both CAs. */
async function goodServer(): Promise<ListsServer> {
  const server = await listsServer();
  server.list({ namespaces: [object('default')], configmaps: [rootCa('default', both)], nodes: [object('cp1')] });
  server.put(AUTHENTICATION, authentication(both, oldProxy.certificate + freshProxy.certificate));
  server.put(CLUSTER_INFO, clusterInfo(both));
  return server;
}

const summary = (findings: Awaited<ReturnType<typeof surveyBeforeIssue>>) =>
  findings.map(({ severity, object: on }) => `${severity} ${on}`);

describe('what trusts only one of two CAs', () => {
  test('is nothing where everything has both', async () => {
    const server = await goodServer();
    server.texts.set('/api/v1/nodes/cp1/proxy/metrics', { status: 500, text: 'never asked for: it is a master' });
    expect(await surveyBeforeIssue(input(server))).toEqual([]);
    expect(await surveyBeforeDistrust(distrust(server))).toEqual([]);
  });

  test('is found in every place where the API keeps a CA, always in the same order', async () => {
    const server = await goodServer();
    const hook = (bundle: string, name: string) => ({ name, clientConfig: { caBundle: base64(bundle) } });
    server.list({
      namespaces: [
        object('default'),
        object('apps'),
        object('new'),
        object('going', { status: { phase: 'Terminating' } }),
      ],
      configmaps: [rootCa('default', old.certificate), rootCa('apps', both)],
      secrets: [
        object('legacy', { data: { 'ca.crt': base64(old.certificate), token: base64('TOP-SECRET') } }, 'apps'),
        object('good', { data: { 'ca.crt': base64(both) } }, 'apps'),
      ],
      validating: [object('checks', { webhooks: [hook(old.certificate, 'a.x'), hook(both, 'b.x')] })],
      mutating: [object('other-ca', { webhooks: [hook(oldProxy.certificate, 'c.x')] })],
      apiservices: [object('v1.metrics', { spec: { caBundle: base64(old.certificate) } }), object('v1.', { spec: {} })],
      crds: [
        object('zs.x', {
          spec: { conversion: { webhook: { clientConfig: { caBundle: base64(old.certificate) } } } },
        }),
      ],
    });
    server.put(AUTHENTICATION, authentication(old.certificate, oldProxy.certificate));
    server.put(CLUSTER_INFO, clusterInfo(old.certificate));
    const findings = await surveyBeforeIssue(input(server));
    expect(summary(findings)).toEqual([
      'blocks ConfigMap default/kube-root-ca.crt',
      'blocks ConfigMap new/kube-root-ca.crt',
      'blocks ConfigMap kube-public/cluster-info',
      'blocks ConfigMap kube-system/extension-apiserver-authentication',
      'blocks ConfigMap kube-system/extension-apiserver-authentication',
      'blocks Secret apps/legacy',
      'tells ValidatingWebhookConfiguration checks',
      'tells APIService v1.metrics',
      'tells CustomResourceDefinition zs.x',
    ]);
    expect(findings.find(({ kind }) => kind === 'webhook')?.what).toContain('the caBundle of a.x,');
    expect(JSON.stringify(findings)).not.toMatch(new RegExp(`TOP-SECRET|${base64('TOP-SECRET')}`));
    server.list({ crds: [], apiservices: [], validating: [] });
    expect(summary(await surveyBeforeIssue(input(server)))).toHaveLength(6);
  });

  test('is only what belongs to the CAs that are rotated', async () => {
    const server = await goodServer();
    server.list({ configmaps: [rootCa('default', old.certificate)] });
    server.put(AUTHENTICATION, authentication(old.certificate, oldProxy.certificate));
    const alone = await surveyBeforeIssue({ ...input(server), kubernetes: undefined });
    expect(alone.map(({ what }) => what)).toEqual([
      'trusts the outgoing CA alone in requestheader-client-ca-file: aggregated apiservers would refuse the apiserver',
    ]);
  });
});

describe('the kubelet of a worker', () => {
  const METRICS = '/api/v1/nodes/w1/proxy/metrics';
  const worker = async (status: number, text: string) => {
    const server = await goodServer();
    server.list({ nodes: [object('cp1'), object('w1')] });
    server.texts.set(METRICS, { status, text });
    return server;
  };
  const metrics = (started: number, left: number) =>
    `# TYPE x gauge\nprocess_start_time_seconds ${started / 1000}\nkubelet_certificate_manager_client_ttl_seconds ${left / 1000}\n`;

  test('must have been started since both CAs were trusted', async () => {
    const early = await surveyBeforeIssue(input(await worker(200, metrics(TRUSTED - 1000, HOUR))));
    expect(summary(early)).toEqual(['blocks Node w1']);
    expect(early[0]?.what).toContain('since 2026-11-23T09:59:59Z, before both CAs were trusted');
    expect(early[0]?.remedy).toContain('ssh root@w1');
    expect(await surveyBeforeIssue(input(await worker(200, metrics(TRUSTED + 1000, HOUR))))).toEqual([]);
  });

  test('that says nothing, or refuses the apiserver, is not taken for a good one', async () => {
    const [silent] = await surveyBeforeIssue(input(await worker(503, 'dial tcp: no route to host')));
    expect(silent?.what).toContain('it answers with 503');
    expect(silent?.remedy).toContain('kubectl delete node w1');
    const [refusing] = await surveyBeforeIssue(input(await worker(401, 'Unauthorized')));
    expect(refusing?.what).toContain('refuses the apiserver');
    const [odd] = await surveyBeforeIssue(input(await worker(200, 'nothing_of_use 1\n')));
    expect(odd?.severity).toBe('blocks');
  });

  test('must have a client certificate of the CA that stays before the other is given up', async () => {
    const start = TRUSTED + 1000;
    const since = TRUSTED + HOUR / 2;
    const until = (issued: number, duration = 8760 * HOUR) => metrics(start, issued - 5 * 60_000 + duration - NOW);
    const look = async (text: string) => surveyBeforeDistrust(distrust(await worker(200, text)));
    expect(await look(until(since + 1000))).toEqual([]);
    expect((await look(until(since - 10 * 60_000)))[0]?.what).toContain('comes from the outgoing CA');
    // signed by hand, for longer than the controller-manager ever does
    expect((await look(until(since - 24 * HOUR, 87_600 * HOUR)))[0]?.severity).toBe('blocks');
    expect((await look(`process_start_time_seconds ${start / 1000}\n`))[0]?.what).toContain('does not say');
  });

  test('is believed to have one where its request shows it', async () => {
    const server = await worker(200, `process_start_time_seconds ${(TRUSTED + 1000) / 1000}\n`);
    const { certificate } = await fresh.issue({ commonName: 'system:node:w1', organization: 'system:nodes' });
    server.list({ csrs: [request('csr-1', certificate, 'kubernetes.io/kube-apiserver-client-kubelet')] });
    expect(await surveyBeforeDistrust(distrust(server))).toEqual([]);
  });
});

const request = (name: string, certificate: string, signerName: string, usages = ['client auth'], created = '1') => ({
  metadata: { name, creationTimestamp: `2026-11-23T11:00:0${created}Z` },
  spec: { signerName, usages },
  status: { certificate: base64(certificate) },
});

describe('certificates that the cluster has signed', () => {
  test('are told of where the last one of somebody comes from the CA that is given up', async () => {
    const server = await goodServer();
    const issue = (ca: MadeAuthority, commonName: string) => ca.issue({ commonName }).then((made) => made.certificate);
    const [ann, oldBob, newBob, hook, strange] = await Promise.all([
      issue(old, 'ann'),
      issue(old, 'bob'),
      issue(fresh, 'bob'),
      issue(old, 'hook.default.svc'),
      issue(await madeAuthority(), 'eve'),
    ]);
    const PEOPLE = 'kubernetes.io/kube-apiserver-client';
    server.list({
      csrs: [
        request('new-bob', newBob, PEOPLE, ['client auth'], '2'),
        request('ann', ann, PEOPLE),
        request('old-bob', oldBob, PEOPLE),
        request('hook', hook, 'example.com/serving', ['server auth']),
        request('eve', strange, PEOPLE),
        { metadata: { name: 'pending' }, spec: { signerName: PEOPLE } },
      ],
    });
    const findings = await surveyBeforeDistrust(distrust(server));
    expect(summary(findings)).toEqual(['blocks CertificateSigningRequest ann', 'tells CertificateSigningRequest hook']);
    // until then they do no harm
    expect(await surveyBeforeIssue(input(server))).toEqual([]);
  });

  test('include those of the masters’ own kubelets', async () => {
    const server = await goodServer();
    const [mine, other] = await Promise.all(
      [old, fresh].map((ca) => ca.issue({ commonName: 'system:node:cp1', organization: 'system:nodes' })),
    );
    const kubeletIdentities = new Map([
      ['cp1', mine?.certificate ?? ''],
      ['cp2', other?.certificate ?? ''],
      ['cp3', ''],
    ]);
    const findings = await surveyBeforeDistrust({ ...distrust(server), kubeletIdentities });
    expect(summary(findings)).toEqual(['blocks Node cp1']);
  });
});
