import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { carryOutPlain } from '../../../src/rollout/plain/carry-out.ts';
import { planPlain } from '../../../src/rollout/plain/plan-plain.ts';
import { bundleOf, fakeHost, fakeRun, kubeletFile, running, webFile } from './plain-fixtures.ts';

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'setInterval', 'clearInterval'] }),
);
afterEach(() => void vi.useRealTimers());

/** What came of it, with as much time as it may want. */
async function outcome(work: Promise<unknown>): Promise<string> {
  let ended: string | undefined;
  work.then(
    () => {
      ended = 'done';
    },
    (error: BootstrapError) => {
      ended = `${error.code}: ${error.message}\n${error.hint}`;
    },
  );
  while (ended === undefined) await vi.advanceTimersByTimeAsync(500);
  return ended;
}

/** Hosts that run web:1, and are to run web:2. */
function hosts(count: number) {
  return Array.from({ length: count }, (_, i) => {
    const name = `node0${i + 1}`;
    return fakeHost(name, bundleOf(name, webFile('web:2')), bundleOf(name, webFile('web:1')));
  });
}

const crashed = { containers: [running('web', { state: 'exited', restarts: 4 })] };

/** Only the new pod of a host does not work. */
function breaks(host: ReturnType<typeof fakeHost>, how: object | 'gone' = crashed): void {
  host.host.pods.set('default/web', () => (host.host.isUnconfirmed() ? how : {}));
}

async function carriedOut(all: ReturnType<typeof hosts>, run = fakeRun(all)) {
  const plans = await run.plan();
  return { ...run, result: await outcome(carryOutPlain(run.context, plans)) };
}

describe('plain nodes', () => {
  test('are worked on one by itself first, then four at a time', async () => {
    const all = hosts(6);
    const { result, order, told } = await carriedOut(all);
    expect(result).toBe('done');
    expect(order.slice(0, 2)).toEqual(['node01 activate 2 none 600', 'node01 commit 2']);
    expect(order.slice(2, 6)).toEqual(
      ['node02', 'node03', 'node04', 'node05'].map((name) => `${name} activate 2 none 600`),
    );
    expect(all.map(({ host }) => host.revision())).toEqual([2, 2, 2, 2, 2, 2]);
    expect(told[0]).toEqual({ kind: 'plain-order', nodes: all.map(({ node }) => node.name), atOnce: 4 });
    for (const { calls } of all) {
      expect(calls.indexOf('lock')).toBeLessThan(calls.indexOf('stage'));
      expect(calls.at(-1)).toBe('unlock');
    }
  });

  test('that are as they must be are not touched at all', async () => {
    const host = fakeHost('node01', bundleOf('node01', webFile('web:1')), bundleOf('node01', webFile('web:1')));
    const run = fakeRun([host]);
    const plans = await run.plan();
    host.calls.length = 0;
    expect(await outcome(carryOutPlain(run.context, plans))).toBe('done');
    expect(host.calls).toEqual([]);
    expect(run.told).toEqual([]);
  });

  test('are not touched any more once the first one has failed; that goes back, with the last lines of its pod', async () => {
    const all = hosts(3);
    const [first] = all;
    if (first) breaks(first);
    const { result, order, told } = await carriedOut(all);
    expect(result).toBe(
      [
        'failed: revision 2 does not work on node01: default/web: crashes (4 restarts)',
        'last lines of default/web:',
        '  default/web says why',
        'node01 is back at what it had, and well',
        'not touched: node02, node03',
        'mend cluster.yaml and run `bootstrap apply` again',
      ].join('\n'),
    );
    expect(order).toEqual(['node01 activate 2 none 600', 'node01 revert']);
    expect(told.at(-1)).toEqual({ kind: 'reverted', node: 'node01', well: true });
  });

  test('that are under way when another fails are brought to their ends, and no further one is begun', async () => {
    const all = hosts(7);
    const [, second] = all;
    if (second) breaks(second);
    const { result } = await carriedOut(all);
    expect(result).toContain('revision 2 does not work on node02');
    expect(result).toContain('not touched: node06, node07');
    expect(all.map(({ host }) => host.revision())).toEqual([2, 1, 2, 2, 2, 1, 1]);
    expect(all.some(({ host }) => host.isUnconfirmed())).toBe(false);
  });

  test('that cannot be reached any more are a failure like any other', async () => {
    const all = hosts(2);
    all[0]?.host.instead.set('lock', async () => {
      throw new BootstrapError('unreachable', 'node01: no route to host');
    });
    const { result, order } = await carriedOut(all);
    expect(result).toMatch(/^unreachable: node01: no route to host\nnot touched: node02\n/);
    expect(order).toEqual([]);
  });

  test('that somebody has changed since they were planned are left as they are', async () => {
    const [host] = hosts(1);
    if (!host) throw new Error('no host');
    const run = fakeRun([host]);
    const plans = await run.plan();
    host.host.leave(bundleOf('node01', webFile('web:3')));
    expect(await outcome(carryOutPlain(run.context, plans))).toMatch(
      /^refused: node01 has changed since it was planned/,
    );
    expect(run.order).toEqual([]);
  });
});

describe('a step on a plain node', () => {
  const only = (...args: Parameters<typeof fakeHost>) => {
    const host = fakeHost(...args);
    return { host, run: fakeRun([host]) };
  };
  const take = async ({ run }: ReturnType<typeof only>) => outcome(carryOutPlain(run.context, await run.plan()));

  test('brings up what was never there, with its kubelet, and has nothing to go back to', async () => {
    const it = only('node01', bundleOf('node01', webFile('web:1')));
    expect(await take(it)).toBe('done');
    expect(it.run.order).toEqual(['node01 activate 1 start 0', 'node01 commit 1']);
    const failing = only('node01', bundleOf('node01', webFile('web:1')));
    breaks(failing.host, 'gone');
    expect(await take(failing)).toBe(
      [
        'failed: revision 1 does not work on node01: default/web: does not run yet',
        'last lines of default/web:',
        '  default/web says why',
        'node01 had nothing before that it could go back to: it is left to be looked at',
        'mend cluster.yaml and run `bootstrap apply` again',
      ].join('\n'),
    );
    expect(failing.run.order).toEqual(['node01 activate 1 start 0']);
  });

  test('quotes the kubelet where the pod itself can say nothing', async () => {
    const it = only('node01', bundleOf('node01', webFile('web:2')), bundleOf('node01', webFile('web:1')));
    breaks(it.host, { containers: [] });
    it.host.host.instead.set('logs', async () => undefined);
    it.host.host.kubeletLog = [
      'E0731 pod_workers.go:1324] "Error syncing pod, skipping" err="ErrImagePull: not found" pod="default/web-node01"',
      'I0731 kubelet.go:2405] "SyncLoop ADD" source="file" pods=["default/web-node01"]',
    ].join('\n');
    const said = await take(it);
    expect(said).toContain('default/web: its container web is not there yet');
    expect(said).toContain('the kubelet says of default/web:\n  E0731 pod_workers.go:1324] "Error syncing pod');
    expect(said).not.toContain('SyncLoop');
  });

  test('replaces pods before it restarts the kubelet, and proves both', async () => {
    const changed = [kubeletFile('kind: KubeletConfiguration\nmaxPods: 5\n'), webFile('web:2')];
    const wanted = { ...bundleOf('node01'), files: changed.sort((a, b) => (a.path < b.path ? -1 : 1)) };
    const it = only('node01', wanted, bundleOf('node01', webFile('web:1')));
    expect(await take(it)).toBe('done');
    expect(it.run.order).toEqual([
      'node01 activate 2 restart-later 600',
      'node01 activate 2 restart 600',
      'node01 commit 2',
    ]);
  });

  test('is taken back where the kubelet is not well with its new configuration', async () => {
    const wanted = { ...bundleOf('node01'), files: [kubeletFile('kind: KubeletConfiguration\nmaxPods: x\n')] };
    const it = only('node01', wanted, bundleOf('node01'));
    it.host.host.instead.set('kubelet', async () => (it.host.host.isUnconfirmed() ? 'activating' : undefined));
    expect(await take(it)).toMatch(
      /^failed: revision 2 does not work on node01: kubelet: activating\n[\s\S]*node01 is back at what it had, and well/,
    );
  });

  test('finishes what an earlier run has put in place, under its number', async () => {
    const it = only('node01', bundleOf('node01', webFile('web:2')), bundleOf('node01', webFile('web:1')));
    it.host.host.leave(bundleOf('node01', webFile('web:2')));
    expect(await take(it)).toBe('done');
    expect(it.host.calls).not.toContain('stage');
    expect(it.run.order.at(-1)).toBe('node01 commit 2');
  });

  test('takes back first what an earlier run has left there and nobody wants', async () => {
    const it = only('node01', bundleOf('node01', webFile('web:2')), bundleOf('node01', webFile('web:1')));
    it.host.host.leave(bundleOf('node01', webFile('web:9')), 'placing');
    expect(await take(it)).toBe('done');
    expect(it.run.order).toEqual(['node01 revert', 'node01 activate 2 none 600', 'node01 commit 2']);
    expect(it.run.told).toContainEqual({
      kind: 'reverting',
      node: 'node01',
      why: ['revision 2 was never confirmed and is not what is wanted'],
    });
  });

  test('that is interrupted says who goes back by itself, and touches nobody else', async () => {
    const all = hosts(2);
    const run = fakeRun(all);
    const [first] = all;
    first?.host.pods.set('default/web', () => {
      if (first.host.isUnconfirmed()) run.controller.abort();
      return 'gone';
    });
    const { result, order } = await carriedOut(all, run);
    expect(result).toBe(
      'failed: interrupted while node01 was proving its new revision\nnot touched: node02\n' +
        '`bootstrap apply` goes on from here; without it, node01 goes back to what it had within 600 s',
    );
    expect(order).toEqual(['node01 activate 2 none 600']);
    expect(first?.calls.at(-1)).toBe('unlock');
  });

  test('is not ended by a connection that breaks for a while', async () => {
    const it = only('node01', bundleOf('node01', webFile('web:2')), bundleOf('node01', webFile('web:1')));
    let left = 3;
    const lost = async () => {
      left -= 1;
      if (left >= 0 && it.run.order.length) throw new BootstrapError('unreachable', 'node01: the connection broke');
      return undefined;
    };
    for (const verb of ['activate', 'runtime']) it.host.host.instead.set(verb, lost);
    expect(await take(it)).toBe('done');
    expect(it.host.host.revision()).toBe(2);
  });

  test('says what it could not see where the node has no runtime that can be asked', async () => {
    const it = only('node01', bundleOf('node01', webFile('web:2')), bundleOf('node01', webFile('web:1')));
    it.host.host.source = 'none';
    expect(await take(it)).toBe('done');
    expect(it.run.told).toContainEqual({
      kind: 'unproven',
      node: 'node01',
      what: ['default/web: that it runs was not seen, only that it has written a log (there is no crictl on the node)'],
    });
  });
});

test('a machine that still is a master by its files is not made a plain node', async () => {
  const etcd = { ...webFile('etcd'), path: '/etc/kubernetes/manifests/etcd.yaml' };
  const host = fakeHost('cp3', bundleOf('cp3', webFile('web:1')), bundleOf('cp3', etcd));
  const { obstacles } = await planPlain([host.node], { diff: () => '', now: () => Date.UTC(2026, 6, 28, 12) });
  expect(obstacles).toEqual([expect.stringMatching(/^cp3: revision 1 there is a master's, with a member of etcd: /)]);
});

test('a node that goes away while it is planned for is left out, and named', async () => {
  const all = hosts(2);
  all[1]?.host.instead.set('facts', async () => {
    throw new BootstrapError('unreachable', 'node02: the connection broke');
  });
  const planned = await planPlain(
    all.map(({ node }) => node),
    { diff: () => '', now: () => 0 },
  );
  expect(planned.plans.map(({ node }) => node.name)).toEqual(['node01']);
  expect([...planned.unreachable.keys()]).toEqual(['node02']);
});

test('a pod that is started again while it is watched is watched anew', async () => {
  const [host] = hosts(1);
  if (!host) throw new Error('no host');
  let looks = 0;
  host.host.pods.set('default/web', () => {
    if (!host.host.isUnconfirmed()) return {};
    looks += 1;
    return { containers: [running('web', { restarts: looks > 3 ? 1 : 0 })] };
  });
  const run = fakeRun([host]);
  const plans = await run.plan();
  const began = performance.now();
  expect(await outcome(carryOutPlain(run.context, plans))).toBe('done');
  expect(performance.now() - began).toBeGreaterThan(7000);
  expect(host.host.revision()).toBe(2);
});
