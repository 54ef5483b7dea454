import { beforeAll, describe, expect, test } from 'vitest';
import { bootstrap } from './bootstrap.ts';
import { anotherFlag, edit, must, NAMES, standing } from './cluster.ts';
import { figure } from './figures.ts';
import { etcdMembers, kubeJson } from './kube.ts';
import type { Watched } from './programs/watcher.ts';
import { inHost } from './rig.ts';
import { watched } from './watched.ts';

/** Applies what was edited while a client writes; what holds for every such change. */
async function roll(scenario: string) {
  const before = await etcdMembers();
  const { did, written, watched: seen } = await watched(async () => must(await bootstrap('apply', '--yes')));
  const order = /One at a time: (.*)/.exec(did.stderr)?.[1]?.split(', ');
  figure(scenario, '`apply`, three masters one after the other', did.seconds, 's');
  for (const [, node, seconds] of did.stderr.matchAll(/^(\S+) +✓ .*\((\S+) s\)$/gm))
    figure(scenario, `  of these ${node}`, Number(seconds), 's');
  figure(scenario, 'writes: sent, retried once, failed', `${written.writes}, ${written.retried}, ${written.failed}`);
  figure(scenario, 'longest gap between two writes that succeeded', written.longestGap, 'ms');
  figure(scenario, 'fewest healthy etcd members at any time', seen.fewestMembers);
  figure(scenario, 'fewest ready apiservers at any time', seen.fewestApis);
  figure(scenario, 'longest absence of an etcd member', longestWithout(seen, 'etcd'), 's');
  figure(scenario, 'longest absence of an apiserver', longestWithout(seen, 'api'), 's');
  expect(written, written.seen.join('\n')).toMatchObject({ failed: 0, kept: written.acknowledged });
  expect(seen.fewestMembers).toBeGreaterThanOrEqual(2);
  expect(seen.mostBroken, JSON.stringify(seen.changes)).toBeLessThanOrEqual(1);
  expect(order?.toSorted()).toEqual([...NAMES]);
  expect(order?.at(-1)).toBe(before.leader);
  expect(await bootstrap('plan', '-q')).toMatchObject({ status: 0 });
  return { ...did, seen };
}

/** Seconds. */
function longestWithout({ changes }: Watched, what: 'etcd' | 'api'): number {
  const stretches = NAMES.flatMap((node) => {
    let gone: number | undefined;
    return changes.flatMap(({ at, nodes }) => {
      const since = gone;
      gone = nodes[node]?.[what] ? undefined : (since ?? at);
      return since !== undefined && gone === undefined ? [at - since] : [];
    });
  });
  return Math.max(0, ...stretches);
}

describe('a change rolls through while a client writes every 50 ms', { timeout: 20 * 60_000 }, () => {
  beforeAll(standing);

  test('a flag of the apiserver', async () => {
    const flag = anotherFlag('apiServer');
    await roll('apiserver flag');
    for (const node of NAMES) {
      expect(await inHost(node, 'tr "\\0" " " < /proc/$(pgrep -xo kube-apiserver)/cmdline')).toContain(flag);
    }
  });

  test('a flag of etcd, whose leader hands over before it goes', async () => {
    edit({ 'spec.etcd.local.extraArgs': { 'snapshot-count': 20_000 } });
    const { stderr, seen } = await roll('etcd flag');
    expect(stderr).toMatch(/leads etcd now/);
    figure('etcd flag', 'looks (of 250 ms) at which no member led', seen.leaderless);
    expect(await etcdMembers()).toMatchObject({ healthy: 3 });
    for (const node of NAMES) {
      expect(await inHost(node, 'tr "\\0" " " < /proc/$(pgrep -xo etcd)/cmdline')).toContain('--snapshot-count=20000');
    }
  });

  test('a field of the kubelet', async () => {
    edit({ 'spec.kubelet.config.maxPods': 100 });
    await roll('kubelet field');
    for (const node of NAMES) {
      const { status } = await kubeJson('get', 'node', node);
      expect(status.capacity.pods).toBe('100');
    }
  });
});
