import { describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/pki/certificate.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { factsOf } from '../../src/pki/list/facts.ts';
import type { ListedCertificate } from '../../src/pki/list/listed.ts';
import { agreement, compared } from '../../src/rollout/certificates/agreement.ts';
import { type LiveInput, liveView } from '../../src/rollout/certificates/live.ts';
import type { SeenNode } from '../../src/rollout/certificates/look.ts';
import { onChange } from '../../src/rollout/certificates/on-change.ts';
import { prometheusText } from '../../src/rollout/certificates/prometheus.ts';
import type { CertificateRow } from '../../src/rollout/certificates/rows.ts';
import { testCluster } from '../pki/clusters.ts';
import { DAY, ensure, temporaryDirectory } from '../pki/tools.ts';
import { expectExposition } from '../support/exposition.ts';

const NOW = new Date();
const CRT = '/etc/kubernetes/pki/apiserver.crt';

/** Two certificates for the same use, the first issued ten days before the second. */
async function issuedTwice() {
  const inventory = pkiInventory(testCluster());
  const certificates = await Promise.all(
    [new Date(NOW.getTime() - 10 * DAY), NOW].map(async (now) => {
      const { pki } = await ensure(inventory, temporaryDirectory(), { now });
      return readCertificate(pki.nodes.get('master-0')?.get('apiserver')?.certificate ?? '');
    }),
  );
  const [older, newer] = certificates;
  if (!older || !newer) throw new Error('two were issued');
  return { older, newer };
}

async function apiserver() {
  const { older, newer } = await issuedTwice();
  const listed: ListedCertificate = {
    name: 'apiserver',
    kind: 'leaf',
    node: 'master-0',
    authority: 'kubernetes',
    age: undefined,
    roles: [],
    path: 'pki/nodes/master-0/apiserver.crt',
    hasKey: true,
    state: 'ok',
    time: 'ok',
    problems: [],
    facts: factsOf(newer, 'kubernetes CA'),
  };
  const places = [{ path: CRT, sensitive: false, effect: { kind: 'none' } as const }];
  const row: CertificateRow = { ...listed, uses: [], places, change: undefined };
  const look = (seen: Partial<SeenNode> | undefined) => {
    const empty = { node: 'master-0', files: new Map(), digests: new Map(), kubelet: undefined, servers: [] };
    const input: LiveInput = {
      rows: [row],
      nodes: ['master-0'],
      seen: new Map(seen ? [['master-0', { ...empty, ...seen }]] : []),
      unreachable: new Map(seen ? [] : [['master-0', 'no way there']]),
      uses: new Map([
        ['master-0', [{ component: 'kube-apiserver', by: '--tls-cert-file', path: CRT, reloadSeconds: 60 }]],
      ]),
      placement: new Map(),
      digests: new Map(),
      issuerOf: () => 'kubernetes CA',
      now: NOW.getTime(),
      within: undefined,
    };
    return liveView(input);
  };
  const shows = (certificate: typeof older | string) =>
    ({ server: 'kube-apiserver', port: 6443, certificate }) as const;
  return { older, newer, row, look, shows };
}

describe('directory, node and process', () => {
  test('agree, or it is said which of them has an older one', async () => {
    const { older, newer, row, look, shows } = await apiserver();
    const said = (file: typeof older | undefined, shown: typeof older | string) =>
      look({ files: new Map(file ? [[CRT, [file]]] : []), servers: [shows(shown)] }).agreements.get(row)?.text;
    expect(said(newer, newer)).toBe('same');
    expect(said(older, older)).toBe('the node has an older one');
    expect(said(newer, older)).toBe('the process still shows an older one');
    expect(said(older, newer)).toBe('the node has an older one, the process shows this one');
    expect(said(newer, 'nobody listens there')).toBe('same on the node, the process shows none');
    expect(said(undefined, newer)).toBe('the node has none, the process shows this one');
    expect(look(undefined).agreements.get(row)?.text).toBe('the node cannot be reached');
  });

  test('are told apart where only the process is behind: what it shows is there with its end', async () => {
    const { older, newer, row, look, shows } = await apiserver();
    const { served, differing } = look({ files: new Map([[CRT, [newer]]]), servers: [shows(older)] });
    expect(served).toMatchObject([{ server: 'kube-apiserver', port: 6443, row, facts: { notAfter: older.notAfter } }]);
    expect(differing).toEqual([]);
  });

  test('what is neither older nor newer is another one', async () => {
    const { newer, row } = await apiserver();
    expect(compared({ notBefore: newer.notBefore, notAfter: newer.notAfter, fingerprint: 'x' }, newer)).toBe('other');
    expect(compared(row.facts, undefined)).toBe('absent');
    expect(agreement('newer', undefined, false).text).toBe('the node has a newer one');
  });
});

describe('a CA', () => {
  /** In a bundle elsewhere on a plain node than on a master; a standalone one has none of it. */
  async function trusted() {
    const { newer } = await issuedTwice();
    const { row: leaf } = await apiserver();
    const [onMaster, onPlain] = ['/etc/kubernetes/pki/ca-bundle.crt', '/etc/kubernetes/static-pods-ca/ca-bundle.crt'];
    const place = (path: string) => [{ path, sensitive: false, effect: { kind: 'none' } as const }];
    const row: CertificateRow = {
      ...leaf,
      ...{ name: 'kubernetes', kind: 'authority', node: undefined, roles: ['trusted'] },
      places: [...place(onMaster), ...place(onPlain)],
      facts: factsOf(newer, 'itself'),
    };
    const nodeWith = (node: string, path: string, certificate: typeof newer): SeenNode => ({
      ...{ node, files: new Map([[path, [certificate]]]) },
      ...{ digests: new Map(), kubelet: undefined, servers: [] },
    });
    const look = (...seen: readonly SeenNode[]) =>
      liveView({
        rows: [row],
        nodes: ['cp1', 'node01', 'node02'],
        seen: new Map(seen.map((each) => [each.node, each])),
        unreachable: new Map(),
        uses: new Map(),
        placement: new Map([
          ['cp1', new Map([['bundle kubernetes', place(onMaster)]])],
          ['node01', new Map([['bundle kubernetes', place(onPlain)]])],
          ['node02', new Map()],
        ]),
        digests: new Map(),
        issuerOf: () => 'itself',
        now: NOW.getTime(),
        within: undefined,
      });
    return { newer, row, look, nodeWith, onMaster, onPlain };
  }

  test('is looked for on each node where it is to be there, and only there', async () => {
    const { newer, row, look, nodeWith, onMaster, onPlain } = await trusted();
    const master = nodeWith('cp1', onMaster, newer);
    const standalone = nodeWith('node02', '/etc/hosts', newer);
    expect(look(master, nodeWith('node01', onPlain, newer), standalone).agreements.get(row)?.text).toBe('same');
    expect(look(master, standalone).agreements.get(row)?.text).toBe('same on cp1');
    expect(look(master, nodeWith('node01', onMaster, newer)).agreements.get(row)?.text).toBe(
      `not in node01 ${onPlain}`,
    );
    expect(look(standalone).agreements.get(row)?.text).toBe('the node cannot be reached');
  });

  test('that a plain node trusts besides is told, with the file that it is in', async () => {
    const { newer, look, nodeWith, onPlain } = await trusted();
    const { older } = await issuedTwice();
    const { foreign } = look(nodeWith('node01', onPlain, older));
    expect(foreign).toMatchObject([{ node: 'node01', kind: 'trusted', path: onPlain }]);
    expect(look(nodeWith('node01', onPlain, newer)).foreign).toEqual([]);
  });
});

describe('what a change of files brings about', () => {
  const file = (path: string, effect: Parameters<typeof onChange>[0][number]['effect']) => ({
    path,
    effect,
    sensitive: false,
  });
  const uses = [
    { component: 'kube-apiserver', by: '--tls-cert-file', path: '/a.crt', reloadSeconds: 60 },
    { component: 'kube-scheduler', by: '/s.conf', path: '/a.crt', reloadSeconds: 300 },
  ] as const;

  test('is what the bundle says, together of all files', () => {
    const pods = file('/a.crt', { kind: 'pods', pods: ['kube-apiserver', 'etcd'], kubelet: true });
    const kubelet = file('/b.crt', { kind: 'kubelet' });
    expect(onChange([pods, kubelet], uses)).toMatchObject({
      kind: 'restart',
      text: 'restart etcd, kube-apiserver, kubelet',
    });
  });

  test('takes as long as the slowest reader where nothing restarts', () => {
    expect(onChange([file('/a.crt', { kind: 'none' })], uses)).toMatchObject({ kind: 'reload', seconds: 300 });
    expect(onChange([file('/b.crt', { kind: 'none' })], uses).kind).toBe('nothing');
    expect(onChange([file('/a.crt', { kind: 'none' })], uses, true).kind).toBe('own');
  });
});

describe('the text for Prometheus', () => {
  test('escapes what a name may hold, and says no series twice', async () => {
    const { row, older, newer } = await apiserver();
    const odd = 'O=a "b"\\c\nd';
    const rows = [newer, older].map((certificate) => ({ ...row, facts: factsOf(certificate, odd) }));
    const text = prometheusText({ cluster: 'prod', rows, now: NOW, live: undefined });
    const [first, ...others] = expectExposition(text).get('bootstrap_certificate_not_after_seconds') ?? [];
    expect(others).toEqual([]);
    expect(first).toEqual({
      labels: { cluster: 'prod', node: 'master-0', name: 'apiserver', issuer: odd },
      value: older.notAfter / 1000,
    });
  });
});
