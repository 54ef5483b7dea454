import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import { statusData } from '../../src/cli/status-data.ts';
import { type StatusTextOptions, statusText } from '../../src/cli/status-text.ts';
import type { ClusterObservation } from '../../src/rollout/status/observe.ts';
import { statusOf } from '../../src/rollout/status/status-of.ts';
import {
  bundleOf,
  CRASHING,
  certificate,
  etcdOf,
  healthWith,
  member,
  NAMES,
  NOW,
  nodeOf,
  podsWith,
  REFUSED,
  reached,
  wellCluster,
  withMember,
  withNode,
} from '../rollout/status-fixtures.ts';

const golden = fileURLToPath(new URL('../golden/status/', import.meta.url));
const plain = createColors(false);

/** The text of a golden file, after writing it where that is asked for. */
function onRecord(name: string, text: string): string {
  if (process.env['UPDATE_GOLDEN']) {
    mkdirSync(golden, { recursive: true });
    writeFileSync(`${golden}${name}`, text);
  }
  return existsSync(`${golden}${name}`) ? readFileSync(`${golden}${name}`, 'utf8') : '';
}

/** All nodes at the revision that is wanted, however the observation calls them. */
function status(observed: ClusterObservation, content = 'a') {
  const bundle = bundleOf('cp1', content);
  return statusOf(
    observed,
    observed.nodes.map(({ node }) => ({ ...bundle, node })),
    NOW,
  );
}

const etcdDown = withMember('cp3', { healthy: false, lag: undefined, dbSize: undefined });
const crashed = withNode(
  'cp3',
  {
    pods: podsWith('etcd', CRASHING),
    health: healthWith({ 'kube-apiserver': REFUSED }),
    logs: new Map([['etcd', '{"level":"fatal","msg":"failed to list data directory","error":"not a directory"}']]),
    drift: [{ path: '/etc/kubernetes/manifests/etcd.yaml', what: 'changed', detail: 'content changed' }],
  },
  etcdDown,
);
const bare = wellCluster({
  nodes: NAMES.map((name) =>
    nodeOf(name, {
      contact: reached({ current: undefined, revisions: [], manifests: [] }, name),
      pods: undefined,
      health: {},
      certificates: [],
    }),
  ),
  etcd: { kind: 'silent', why: 'nobody listens there' },
});
const much = wellCluster({
  nodes: [
    nodeOf('cp1', {
      contact: reached({
        transaction: { state: 'placing', to: 5, digest: 'd', from: 4 },
        lock: {
          token: 't',
          who: 'bootstrap apply by bob@desk (process 4711)',
          since: '2026-11-23T11:58:00Z',
          secondsLeft: 50,
        },
        clock: NOW + 3500,
      }),
      certificates: [certificate('cp1', 'apiserver', -2), certificate('cp1', 'etcd/server', 9)],
    }),
    nodeOf('cp2', {
      contact: { kind: 'unreachable', why: 'ssh: connect to host 10.0.0.12 port 22: Connection timed out' },
      pods: undefined,
      health: {},
      certificates: [],
    }),
    nodeOf('cp3', {
      strays: ['/etc/kubernetes/manifests/kube-apiserver.yaml.bak', '/etc/kubernetes/manifests/notes.txt'],
      drift: [{ path: '/etc/kubernetes/a', what: 'mode', detail: 'mode 0644 instead of 0600' }],
      contact: reached({
        disk: { freeBytes: 200 * 1024 ** 2, writable: true },
        lock: { token: 't', who: 'bootstrap apply by eve', since: '2026-11-22T08:00:00Z', secondsLeft: -9 },
      }),
      certificates: [certificate('cp3', 'apiserver', 8)],
    }),
  ],
  etcd: etcdOf([
    member('cp1'),
    member('cp2', { healthy: false, lag: undefined, dbSize: undefined }),
    member('cp3', { lag: 3, dbSize: 3 * 1024 ** 3 }),
  ]),
});
const many = (unwell: number) => {
  const names = Array.from({ length: 300 }, (_, i) => `cp${i + 1}`);
  return wellCluster({
    members: names,
    nodes: names.map((name, i) =>
      nodeOf(name, i < unwell ? { health: healthWith({ 'kube-scheduler': REFUSED }) } : {}),
    ),
    etcd: etcdOf(names.map((name) => member(name))),
  });
};

const CASES: Readonly<Record<string, readonly [ClusterObservation, Partial<StatusTextOptions>?, string?]>> = {
  'all-well': [wellCluster()],
  'all-well-60-columns': [wellCluster(), { columns: 60 }],
  'all-well-verbose': [wellCluster(), { verbose: true }],
  'external-etcd': [wellCluster({ etcd: { kind: 'external' } })],
  'etcd-crashes': [crashed],
  'etcd-crashes-60-columns': [crashed, { columns: 60 }],
  'etcd-crashes-verbose': [crashed, { verbose: true, within: ' --dir prod' }],
  'nothing-applied': [bare],
  'nothing-applied-but-unreachable': [
    wellCluster({
      nodes: bare.nodes.map((node) =>
        node.node === 'cp2'
          ? { ...node, contact: { kind: 'unreachable', why: 'permission denied (publickey)' } }
          : node,
      ),
      etcd: bare.etcd,
    }),
    { within: ' --dir prod' },
  ],
  'changes-wait': [wellCluster(), {}, 'b'],
  'much-at-once': [much],
  'much-at-once-60-columns': [much, { columns: 60 }],
  'much-at-once-verbose-120-columns': [much, { columns: 120, verbose: true }],
  '300-nodes': [many(0)],
  '300-nodes-40-unwell': [many(40)],
  'quorum-lost': [
    wellCluster({
      etcd: etcdOf(
        NAMES.map((name) => member(name, name === 'cp1' ? { leader: false } : { healthy: false, leader: false })),
      ),
    }),
  ],
};

describe('what status prints is on record (UPDATE_GOLDEN=1 writes it anew):', () => {
  test.each(Object.entries(CASES))('%s', (name, [observed, options = {}, content]) => {
    const columns = options.columns ?? 80;
    const text = `${statusText(status(observed, content), { columns, color: plain, ...options })}\n`;
    expect(text).toBe(onRecord(`${name}.txt`, text));
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(columns);
  });
});

test('colours change nothing but colours', () => {
  const text = (color: ReturnType<typeof createColors>) => statusText(status(much), { columns: 80, color });
  const colored = text(createColors(true));
  expect(colored).toContain('\x1b[31m');
  expect(colored.replaceAll(/\x1b\[\d+m/g, '')).toBe(text(plain));
});

test('the data for scripts is JSON, and its keys are on record', () => {
  const keys = (value: unknown, path = ''): readonly string[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, one]) => [`${path}${key}`, ...keys(one, `${path}${key}.`)])
      : Array.isArray(value)
        ? value.slice(0, 1).flatMap((one) => keys(one, path))
        : [];
  const data = statusData(status(much));
  expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  const listed = `${keys(data).join('\n')}\n`;
  expect(listed).toBe(onRecord('keys.txt', listed));
  expect(data).toMatchObject({ ok: false, applied: true, nodes: [{ name: 'cp1' }, { reachable: false }, {}] });
  expect(statusData(status(wellCluster()))).toMatchObject({ ok: true, problems: [] });
});
