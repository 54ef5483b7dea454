import { expect, test } from 'vitest';
import type { BootstrapError } from '../../src/base/errors.ts';
import { carryOut, planAll, type Undertaking } from '../../src/rollout/apply/apply.ts';
import type { ClusterView } from '../../src/rollout/apply/observer.ts';
import { fakeCluster } from './apply-fixtures.ts';

const NAMES = ['cp1', 'cp2', 'cp3'];

/** Three masters on which etcd has run, and a run that is to bring them something. */
function site() {
  const cluster = fakeCluster(NAMES);
  for (const { node } of cluster.masters) Object.assign(node, { etcd: { dataDir: '/var/lib/etcd' } });
  let view: ClusterView = cluster.view;
  const observer = { ...cluster.observer, cluster: async () => view };
  const undertaking: Undertaking = {
    cluster: 'kubernetes',
    masters: cluster.masters,
    nodes: NAMES,
    hasOwnEtcd: true,
    chosen: new Set(NAMES),
    diff: () => '',
    objectChanges: async () => [],
    now: () => 0,
    bring: async () => 2,
  };
  const dead: ClusterView = {
    readyApis: new Set(),
    etcd: { ...cluster.view.etcd, answering: new Set(), healthy: new Set(), dead: new Set(NAMES) },
  };
  return {
    ...cluster,
    context: { ...cluster.context, observer },
    observer,
    undertaking,
    dead,
    see: (seen: ClusterView) => {
      view = seen;
    },
  };
}

const failure = (work: Promise<void>): Promise<string> =>
  work.then(
    () => 'done',
    (error: BootstrapError) => `${error.code}: ${error.message}`,
  );

test('masters that were dead when it was planned are restarted together, if they are dead still', async () => {
  const { undertaking, observer, context, see, dead, changes } = site();
  see(dead);
  const planned = await planAll(undertaking, observer);
  expect(planned.plan.mode).toBe('cold-start');
  expect(await failure(carryOut(context, undertaking, planned))).toBe('done');
  expect(changes().filter((call) => call.includes('activate'))).toHaveLength(3);
});

test('masters that came to life while the question waited for its answer are not restarted all at once', async () => {
  const { undertaking, observer, context, see, dead, view, changes } = site();
  see(dead);
  const planned = await planAll(undertaking, observer);
  see(view);
  expect(await failure(carryOut(context, undertaking, planned))).toBe(
    'refused: the control plane has come to life since this was planned: its masters are not restarted all at once',
  );
  expect(changes()).toEqual([]);
});

test('machines that were changed while the question waited for its answer are planned for anew', async () => {
  const { undertaking, observer, context, see, dead, facts, changes } = site();
  see(dead);
  const planned = await planAll(undertaking, observer);
  facts.set('cp2', { manifests: ['etcd.yaml', 'by-hand.yaml'] });
  expect(await failure(carryOut(context, undertaking, planned))).toBe('refused: cp2 changed since this was planned');
  expect(changes()).toEqual([]);
});

test('what is in place and never confirmed is taken back before anything else, and its pods seen to be back', async () => {
  const { undertaking, observer, context, facts, calls, instead, changes } = site();
  facts.set('cp2', { transaction: { state: 'placed', to: 7, digest: 'of another', from: 1 } });
  instead.set('cp2 revert', async () => void facts.delete('cp2'));
  const planned = await planAll(undertaking, observer);
  calls.length = 0;
  expect(await failure(carryOut(context, undertaking, planned))).toBe('done');
  expect(changes()[0]).toBe('cp2 revert');
  const [reverted, proven, begun] = ['cp2 revert', 'cp2 proofs', 'cp1 activate 2 600'].map((call) =>
    calls.indexOf(call),
  );
  expect([reverted, proven, begun].every((index) => index !== undefined && index >= 0)).toBe(true);
  expect([reverted, proven, begun]).toEqual([reverted, proven, begun].sort((a = 0, b = 0) => a - b));
});

test('what is in place already is finished under the number that it has there', async () => {
  const { undertaking, observer, context, facts, instead, changes } = site();
  facts.set('cp3', { transaction: { state: 'placed', to: 7, digest: 'd', from: 1 } });
  instead.set('cp3 commit', async () => void facts.delete('cp3'));
  const planned = await planAll(undertaking, observer);
  expect(await failure(carryOut(context, undertaking, planned))).toBe('done');
  expect(changes().slice(0, 3)).toEqual(['cp3 activate 7 600', 'cp3 commit 7', 'cp1 activate 2 600']);
});
