import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createColors } from 'picocolors';
import { describe, expect, test } from 'vitest';
import type { Bundle } from '../../src/bundle/bundle.ts';
import { planText } from '../../src/cli/plan-text.ts';
import { ensurePki } from '../../src/pki/ensure.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { generateKey } from '../../src/pki/keys.ts';
import { inMemory, openPkiStore } from '../../src/pki/store.ts';
import { renderCluster } from '../../src/render/render.ts';
import type { EtcdSeen } from '../../src/rollout/plan/order.ts';
import type { Plan } from '../../src/rollout/plan.ts';
import { temporaryDirectory } from '../pki/tools.ts';
import { clusterOf, contextFor, render, specOf } from '../render/fixtures.ts';
import { bareNode, edited, type FakeNode, MANIFESTS, NOW, nodeWith, planOf } from '../rollout/plan-fixtures.ts';

const golden = fileURLToPath(new URL('../golden/plan', import.meta.url));
const DAY = 864e5;

const textOf = (plan: Plan, more: Partial<Parameters<typeof planText>[1]> = {}): string =>
  planText(plan, { color: createColors(false), columns: 80, verbose: false, quiet: false, ...more });

/** The text on record; UPDATE_GOLDEN=1 writes it anew. Fingerprints of secrets are never the same twice. */
function onRecord(name: string, text: string): void {
  const file = join(golden, `${name}.txt`);
  const steady = `${text.replace(/\b[0-9a-f]{64}\b/g, '<SHA-256>').replace(/\b[0-9a-f]{12}\b/g, '<print>')}\n`;
  if (process.env['UPDATE_GOLDEN']) {
    mkdirSync(golden, { recursive: true });
    writeFileSync(file, steady);
  }
  expect(steady, name).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '');
  for (const line of text.split('\n'))
    if (!line.startsWith('      ')) expect(line.length, line).toBeLessThanOrEqual(80);
}

const bundlesOf = async (more: object = {}, masters = 3): Promise<readonly Bundle[]> =>
  (await render(specOf(masters, more))).bundles;
const bundles = await bundlesOf();
const nodes = bundles.map((bundle) => nodeWith(bundle));
const changed = (change: (node: FakeNode, i: number) => FakeNode) => nodes.map(change);
const seen = (answering: readonly string[], healthy = answering, leader = healthy[0]): EtcdSeen => ({
  answering: new Set(answering),
  dead: new Set(['cp1', 'cp2', 'cp3'].filter((node) => !answering.includes(node))),
  healthy: new Set(healthy),
  leader,
});

describe('the text of a plan', () => {
  test('of a first boot counts the files', () => {
    const plan = planOf(
      bundles,
      bundles.map(() => bareNode()),
    );
    onRecord('first-boot', textOf(plan));
    expect(textOf(plan, { verbose: true })).toContain('+ /etc/kubernetes/pki/etcd/peer.crt');
  });

  test('of a single master names what the API is away for', async () => {
    const one = await bundlesOf({}, 1);
    const flag = await bundlesOf({ etcd: { local: { extraArgs: { 'quota-backend-bytes': 8589934592 } } } }, 1);
    const had = one.map((bundle) => nodeWith(bundle));
    onRecord('single-first-boot', textOf(planOf(one, [bareNode()])));
    onRecord('single-etcd-flag', textOf(planOf(flag, had)));
  });

  test('of a changed flag says it once for all nodes, with the reason', async () => {
    onRecord('flag', textOf(planOf(await bundlesOf({ apiServer: { extraArgs: { v: 4 } } }), nodes)));
  });

  test('of changes that differ shows each of them once', async () => {
    const wanted = await bundlesOf({
      etcd: { local: { extraArgs: { 'quota-backend-bytes': 8589934592 } } },
      kubelet: { config: { maxPods: 200 } },
      files: [{ path: '/etc/motd', content: 'hello\n' }],
      nodes: [
        { name: 'cp1', addresses: ['10.0.0.11'] },
        { name: 'cp2', addresses: ['10.0.0.12'] },
        { name: 'cp3', addresses: ['10.0.0.13'], scheduler: { extraArgs: { v: 5 } } },
      ],
    });
    const objects = [
      { kind: 'change', object: 'ConfigMap kube-system/kubeadm-config', fields: ['data.ClusterConfiguration'] },
      { kind: 'create', object: 'Deployment kube-system/coredns', fields: [] },
    ] as const;
    const plan = planOf(wanted, nodes, { objects });
    onRecord('several', textOf(plan));
    expect(textOf(plan).match(/quota-backend-bytes=8589934592$/gm)).toHaveLength(1);
  });

  test('of drift, strays and an unwell member warns of all three', () => {
    const odd = changed((node, i) => {
      if (i !== 1) return node;
      const apiserver = `${MANIFESTS}/kube-apiserver.yaml`;
      const content = node.disk.get(apiserver) ?? '';
      let next = edited(node, apiserver, content, 0o644);
      next = edited(next, '/etc/kubernetes/scheduler.conf', 'users: [{user: {token: hunter2}}]\n');
      next = edited(next, '/etc/kubernetes/pki/sa.pub', undefined);
      next = edited(next, `${apiserver}.bak`, content);
      return edited(next, `${MANIFESTS}/debug.yaml`, 'kind: Pod\n');
    });
    onRecord('drift', textOf(planOf(bundles, odd, { etcd: seen(['cp1', 'cp3']) })));
  });

  test('of renewed certificates says how long they are valid, and that nothing restarts', async () => {
    const cluster = clusterOf(specOf(3));
    const context = await contextFor(cluster);
    const [inventory, store] = [pkiInventory(cluster), inMemory(openPkiStore(temporaryDirectory()))];
    const issue = async (now: number, renewBefore: number) => {
      const options = { now: new Date(now), randomBytes, generateKey, renewBefore };
      return renderCluster(cluster, (await ensurePki(inventory, store, options)).pki, context).bundles;
    };
    const old = await issue(NOW - 350 * DAY, DAY);
    const renewed = await issue(NOW, 30 * DAY);
    const plan = planOf(
      renewed,
      old.map((bundle) => nodeWith(bundle)),
    );
    onRecord('renewed', textOf(plan));
    expect(textOf(plan, { verbose: true })).toContain('issued by CN=kubernetes');
  });

  test('of another name in a certificate says which', async () => {
    const dir = inMemory(openPkiStore(temporaryDirectory()));
    const make = async (more: object) => {
      const cluster = clusterOf(specOf(1, more));
      const options = { now: new Date(NOW), randomBytes, generateKey, renewBefore: DAY };
      const { pki } = await ensurePki(pkiInventory(cluster), dir, options);
      return renderCluster(cluster, pki, await contextFor(cluster)).bundles;
    };
    const old = await make({ apiServer: { certSANs: ['old.example.com'] } });
    const now = await make({ apiServer: { certSANs: ['new.example.com'] } });
    const plan = planOf(
      now,
      old.map((bundle) => nodeWith(bundle)),
    );
    onRecord('another-name', textOf(plan));
    expect(textOf(plan, { verbose: true })).toMatch(/\+ {3}for .*new\.example\.com/);
  });

  test('of a revision that nobody has confirmed says so', () => {
    const transaction = { state: 'placed', to: 4, digest: '', from: 3 } as const;
    const odd = changed((node, i) => (i === 2 ? { ...node, facts: { ...node.facts, transaction } } : node));
    onRecord('unconfirmed', textOf(planOf(bundles, odd)));
  });

  test('of a step that would cost the quorum says so', async () => {
    const wanted = await bundlesOf({ etcd: { local: { extraArgs: { 'snapshot-count': 5000 } } } });
    const etcd = seen(['cp1', 'cp2'], ['cp1', 'cp2']);
    const plan = planOf(wanted, nodes, { etcd });
    const worse = { ...plan, quorum: { ...plan.quorum, during: 1 } };
    expect(textOf(worse, { columns: 120 })).toContain('with 1 up meanwhile etcd would lose its quorum');
  });

  test('of nothing is one line', () => {
    expect(textOf(planOf(bundles, nodes))).toBe('nothing to do: 3 nodes are at revision 3, as cluster.yaml says');
    const mixed = bundles.map((bundle, i) => nodeWith(bundle, i === 1 ? 4 : 3));
    expect(textOf(planOf(bundles, mixed), { clusterFile: 'prod.yaml' })).toMatch(
      /^nothing to do: .*cp2 at revision 4.*, as\sprod.yaml says$/s,
    );
  });

  test('of nothing still warns of strays', () => {
    const odd = changed((node, i) => (i ? node : edited(node, `${MANIFESTS}/x.yaml~`, 'x')));
    const text = textOf(planOf(bundles, odd));
    expect(text).toContain("! /etc/kubernetes/manifests/x.yaml~ is not bootstrap's");
    expect(text).toMatch(/\n\nnothing to do: 3 nodes are at revision 3/);
  });

  test('is its last line with --quiet', async () => {
    const plan = planOf(await bundlesOf({ apiServer: { extraArgs: { v: 4 } } }), nodes);
    expect(textOf(plan, { quiet: true, columns: 200 })).toBe(
      '3 nodes change (3 files); restarts: kube-apiserver on each; nothing else stops',
    );
  });

  test('shows nothing that a terminal would obey', () => {
    const evil = '\x1b]0;owned\x07\u202e';
    let [node] = nodes;
    if (!node) throw new Error('no node');
    node = edited(node, '/etc/kubernetes/scheduler.conf', `a: ${evil}\n`);
    node = edited(node, `${MANIFESTS}/${evil}`, 'x');
    const text = textOf(planOf(bundles.slice(0, 1), [node]));
    expect(text).toContain('\\u001b]0;owned');
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  test('has colours only where it is asked for them', async () => {
    const plan = planOf(await bundlesOf({ apiServer: { extraArgs: { v: 4 } } }), nodes);
    const colored = textOf(plan, { color: createColors(true) });
    expect(colored).toContain('\x1b[32m+    - --v=4');
    expect(colored.replace(/\x1b\[\d+m/g, '')).toBe(textOf(plan));
  });
});
