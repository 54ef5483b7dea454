import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BootstrapError } from '../../src/base/errors.ts';
import { withNodeLocks } from '../../src/rollout/apply/locks.ts';
import { rollOut } from '../../src/rollout/apply/roll.ts';
import { bringUpTogether } from '../../src/rollout/apply/together.ts';
import { failing, fakeCluster, GOOD, lost } from './apply-fixtures.ts';

beforeEach(
  () =>
    void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'setInterval', 'clearInterval'] }),
);
afterEach(() => void vi.useRealTimers());

/** What came of it, with as much time as it may want. */
async function outcome(work: Promise<unknown>): Promise<BootstrapError | 'done'> {
  let ended: BootstrapError | 'done' | undefined;
  work.then(
    () => {
      ended = 'done';
    },
    (error: BootstrapError) => {
      ended = error;
    },
  );
  while (ended === undefined) await vi.advanceTimersByTimeAsync(500);
  return ended;
}

const textOf = (error: BootstrapError | 'done'): string =>
  error === 'done' ? 'done' : `${error.code}: ${error.message}\n${error.hint}`;

const PLACED = { unfinished: { revision: 2, state: 'placed' }, changes: [] };
const placed = { state: 'placed', to: 2, digest: 'd', from: 1 } as const;
const CRASHING = { ...GOOD, scheduler: 'no answer' };

describe('one master after the other', () => {
  test('each is put in place, proven and committed before the next one is touched', async () => {
    const { context, fleet, stepOf, changes } = fakeCluster();
    expect(
      await outcome(
        rollOut(
          context,
          fleet,
          ['cp1', 'cp2', 'cp3'].map((name) => stepOf(name)),
        ),
      ),
    ).toBe('done');
    expect(changes()).toEqual(['cp1', 'cp2', 'cp3'].flatMap((name) => [`${name} activate 2 600`, `${name} commit 2`]));
  });

  test('a connection that breaks while a revision is put in place, proven or committed ends nothing', async () => {
    const { context, fleet, stepOf, instead, changes } = fakeCluster();
    instead.set('cp1 activate', failing(2, lost('cp1')));
    instead.set('cp1 proofs', failing(3, lost('cp1')));
    instead.set('cp1 commit', failing(2, lost('cp1')));
    expect(await outcome(rollOut(context, fleet, [stepOf('cp1')]))).toBe('done');
    expect(changes().filter((call) => call.includes('revert'))).toEqual([]);
    expect(changes().at(-1)).toBe('cp1 commit 2');
  });

  test('what the connection broke under may still be at work there, and is waited for', async () => {
    const { context, fleet, stepOf, instead } = fakeCluster();
    const errors = [lost('cp1'), new BootstrapError('locked', 'cp1: this node is being changed right now')];
    instead.set('cp1 activate', async () => {
      const error = errors.shift();
      if (error) throw error;
    });
    expect(await outcome(rollOut(context, fleet, [stepOf('cp1')]))).toBe('done');
  });

  test('a node that is gone for good is left to itself, the user is told so, and no other is touched', async () => {
    const { context, fleet, stepOf, instead, changes } = fakeCluster();
    for (const verb of ['proofs', 'revert', 'logs']) instead.set(`cp1 ${verb}`, failing(1000, lost('cp1')));
    const said = textOf(await outcome(rollOut(context, fleet, [stepOf('cp1'), stepOf('cp2')])));
    expect(said).toContain('failed: revision 2 does not work on cp1: the connection broke\n');
    expect(said).toContain('cp1 could not be taken back: the connection broke\nwithin 600 s it goes back by itself');
    expect(said).toContain('not touched: cp2');
    expect(changes().filter((call) => call.startsWith('cp2'))).toEqual([]);
  });

  test('where what works cannot be committed, it says so and what will become of it', async () => {
    const { context, fleet, stepOf, instead, changes } = fakeCluster();
    instead.set('cp1 commit', failing(1000, lost('cp1')));
    const said = textOf(await outcome(rollOut(context, fleet, [stepOf('cp1'), stepOf('cp2')])));
    expect(said).toMatch(
      /^unreachable: revision 2 works on cp1, but that could not be noted there: the connection broke/,
    );
    expect(said).toContain('without it, cp1 goes back to what it had within 600 s');
    expect(changes()).not.toContain('cp1 revert');
    expect(changes().some((call) => call.startsWith('cp2'))).toBe(false);
  });

  test('a lock that was lost in the middle ends it: what another has taken over is not touched again', async () => {
    const { context, fleet, stepOf, instead, changes } = fakeCluster();
    instead.set('cp1 commit', failing(1000, new BootstrapError('locked', 'cp1: the lock of this node was lost')));
    const said = textOf(await outcome(rollOut(context, fleet, [stepOf('cp1'), stepOf('cp2')])));
    expect(said).toMatch(
      /^locked: revision 2 works on cp1, but that could not be noted there: the lock of this node was lost/,
    );
    expect(changes()).toEqual(['cp1 activate 2 600', 'cp1 commit 2']);
  });

  test('a kubelet that could not be told is a reason to take the revision back, not to leave it there', async () => {
    const { context, fleet, stepOf, instead, changes } = fakeCluster();
    instead.set('cp1 activate', failing(1, new BootstrapError('failed', 'cp1: the kubelet was not told')));
    expect(textOf(await outcome(rollOut(context, fleet, [stepOf('cp1')])))).toContain(
      'failed: revision 2 does not work on cp1: the kubelet was not told\ncp1 is back at what it had, and well',
    );
    expect(changes()).toEqual(['cp1 activate 2 600', 'cp1 revert']);
  });

  test('what several nodes have in place since a run that was killed is finished, one after the other', async () => {
    const { context, fleet, stepOf, facts, changes } = fakeCluster();
    for (const name of ['cp1', 'cp3']) facts.set(name, { transaction: placed });
    const steps = [stepOf('cp1', PLACED), stepOf('cp3', PLACED), stepOf('cp2')];
    const ends = {
      ...context,
      tell: (event: Parameters<typeof context.tell>[0]) => {
        if (event.kind === 'committed') facts.delete(event.node);
      },
    };
    expect(await outcome(rollOut(ends, fleet, steps))).toBe('done');
    expect(changes().filter((call) => call.includes('commit'))).toEqual([
      'cp1 commit 2',
      'cp3 commit 2',
      'cp2 commit 2',
    ]);
  });

  test('a revision in flight on a node that is not worked on stops it; files that nothing has touched yet do not', async () => {
    const { context, fleet, stepOf, facts, changes } = fakeCluster();
    facts.set('cp3', { transaction: { ...placed, state: 'preparing' } });
    expect(await outcome(rollOut(context, fleet, [stepOf('cp1')]))).toBe('done');
    facts.set('cp3', { transaction: placed });
    expect(textOf(await outcome(rollOut(context, fleet, [stepOf('cp2')])))).toMatch(
      /^refused: cp2 is left as it is.*revision 2 on cp3 is not confirmed yet/,
    );
    expect(changes().some((call) => call.startsWith('cp2'))).toBe(false);
  });

  test('a node that has just gone back by itself must be well again before another one is touched', async () => {
    const { context, fleet, stepOf, facts, instead, changes } = fakeCluster();
    const reverted = { revision: 2, at: '2029-12-31T23:59:50Z', why: 'nobody confirmed it' };
    facts.set('cp3', { reverted });
    instead.set('cp3 proofs', async () => ({ ...GOOD, etcd: 'no member answers on this node yet' }));
    expect(textOf(await outcome(rollOut(context, fleet, [stepOf('cp2')])))).toContain(
      'cp3 has just taken revision 2 back: etcd: no member answers on this node yet',
    );
    expect(changes()).toEqual([]);
    facts.set('cp3', { reverted: { ...reverted, at: '2029-12-31T23:00:00Z' } });
    expect(await outcome(rollOut(context, fleet, [stepOf('cp2')]))).toBe('done');
  });

  test('the only apiserver that is ready is not taken down, also where the other masters cannot be reached', async () => {
    const { context, fleet, stepOf, view, observer, changes } = fakeCluster();
    const alone = { ...observer, cluster: async () => ({ ...view, readyApis: new Set(['cp1']) }) };
    const reached = { ...fleet, masters: fleet.masters.slice(0, 1) };
    expect(textOf(await outcome(rollOut({ ...context, observer: alone }, reached, [stepOf('cp1')])))).toMatch(
      /^refused: .*the apiserver of cp1 is the only one that is ready/,
    );
    expect(changes()).toEqual([]);
  });

  test('a master that has died meanwhile keeps the next one from being touched', async () => {
    const { context, fleet, stepOf, instead, changes } = fakeCluster();
    instead.set('cp3 facts', failing(1000, lost('cp3')));
    expect(textOf(await outcome(rollOut(context, fleet, [stepOf('cp2')])))).toMatch(/^refused: .*cp3 cannot be asked/);
    expect(changes()).toEqual([]);
  });

  test('what has run on a node for long is not taken back while others depend on it', async () => {
    const { context, fleet, stepOf, view, observer, facts, instead, changes } = fakeCluster();
    facts.set('cp1', { transaction: placed });
    instead.set('cp1 proofs', async () => CRASHING);
    const etcd = { ...view.etcd, mayNotLose: () => ['etcd member cp2 is not healthy'] };
    const needed = { ...observer, cluster: async () => ({ ...view, etcd }) };
    const said = textOf(await outcome(rollOut({ ...context, observer: needed }, fleet, [stepOf('cp1', PLACED)])));
    expect(said).toContain('cp1 could not be taken back: cp1 is left as it is, because now that would endanger');
    expect(changes()).not.toContain('cp1 revert');
  });

  test('a node that had nothing before is never emptied again, neither by this program nor by itself', async () => {
    const { context, fleet, stepOf, instead, changes } = fakeCluster();
    instead.set('cp3 proofs', async () => CRASHING);
    const said = textOf(await outcome(rollOut(context, fleet, [stepOf('cp3', {}, false)])));
    expect(said).toContain('cp3 had nothing good before that it could go back to: it is left to be looked at');
    expect(changes()).toEqual(['cp3 activate 2 0']);
  });

  test('an interruption between two masters says what was not touched', async () => {
    const { context, fleet, stepOf, interrupted, instead } = fakeCluster();
    instead.set('cp1 commit', async () => interrupted.abort());
    const said = textOf(await outcome(rollOut(context, fleet, [stepOf('cp1'), stepOf('cp2'), stepOf('cp3')])));
    expect(said).toBe('failed: interrupted\nnot touched: cp2, cp3\n`bootstrap apply` goes on from here');
  });

  test('pods that must go, and a kubelet that is restarted, are told to who proves it', async () => {
    const { context, fleet, stepOf, began } = fakeCluster();
    const pods = [{ pod: 'etcd', kind: 'stop', why: [] }] as const;
    expect(await outcome(rollOut(context, fleet, [stepOf('cp1', { pods, kubelet: 'restart' })]))).toBe('done');
    expect(began.get('cp1')).toEqual({ stops: ['etcd-cp1'], changed: [], heartbeat: true });
  });
});

describe('all masters together', () => {
  test('where one cannot even be begun, the others are not waited for, and all are told of', async () => {
    const { context, stepOf, instead, changes } = fakeCluster();
    instead.set('cp2 activate', failing(1000, new BootstrapError('failed', 'cp2: no space left; nothing was changed')));
    for (const name of ['cp1', 'cp3'])
      instead.set(`${name} proofs`, async () => ({ ...GOOD, etcd: 'it has no leader' }));
    const began = performance.now();
    const steps = ['cp1', 'cp2', 'cp3'].map((name) => stepOf(name, {}, false));
    const said = textOf(await outcome(bringUpTogether(context, steps, 'cold-start')));
    expect(performance.now() - began).toBeLessThan(5000);
    expect(said).toContain(
      'failed: the control plane has not come up\ncp1: etcd: it has no leader\n' +
        'cp2: no space left; nothing was changed\ncp3: etcd: it has no leader',
    );
    expect(changes().some((call) => /commit|revert/.test(call))).toBe(false);
  });

  test('what works is committed also where another node is gone by then', async () => {
    const { context, stepOf, instead, changes } = fakeCluster();
    instead.set('cp1 commit', failing(1000, lost('cp1')));
    const steps = ['cp1', 'cp2', 'cp3'].map((name) => stepOf(name, {}, false));
    expect(textOf(await outcome(bringUpTogether(context, steps, 'cold-start')))).toMatch(
      /^unreachable: revision 2 works on cp1, but/,
    );
    expect(changes()).toEqual(expect.arrayContaining(['cp2 commit 2', 'cp3 commit 2']));
  });
});

describe('masters whose certificates have expired', () => {
  const restarted = { kubelet: 'restart', kubeletWhy: ['its client certificate has expired'] } as const;

  test('get new ones together and for good; a kubelet that has got one by itself gives that up, and must be heard of', async () => {
    const { context, stepOf, changes, began, told } = fakeCluster();
    const steps = [stepOf('cp1'), stepOf('cp2', { ...restarted, givesUpIdentity: true }), stepOf('cp3', restarted)];
    expect(await outcome(bringUpTogether(context, steps, 'renewal'))).toBe('done');
    expect(changes().slice().sort()).toEqual(
      ['cp1', 'cp2', 'cp3']
        .flatMap((name) => [`${name} activate 2 0`, `${name} commit 2`])
        .concat('cp2 renew-kubelet')
        .sort(),
    );
    expect(changes().indexOf('cp2 renew-kubelet')).toBeGreaterThan(changes().indexOf('cp2 activate 2 0'));
    expect([...began].map(([name, { heartbeat }]) => [name, heartbeat])).toEqual([
      ['cp1', false],
      ['cp2', true],
      ['cp3', true],
    ]);
    expect(told.flatMap((event) => (event.kind === 'activated' ? [[event.node, event.kubelet]] : [])).sort()).toEqual([
      ['cp1', 'none'],
      ['cp2', 'restart'],
      ['cp3', 'restart'],
    ]);
  });

  test('do not go back to expired ones: what is well is committed, of the rest it is said', async () => {
    const { context, stepOf, instead, changes } = fakeCluster();
    instead.set('cp3 proofs', async () => ({ ...GOOD, apiServer: 'no answer' }));
    const steps = ['cp1', 'cp2', 'cp3'].map((name) => stepOf(name));
    const said = textOf(await outcome(bringUpTogether(context, steps, 'renewal')));
    expect(said).toBe(
      'failed: the new certificates are in place, but the control plane is not well\ncp3: kube-apiserver: no answer\n' +
        'nothing is taken back, for what was there before has expired: `bootstrap status` shows more, `bootstrap apply` goes on from here',
    );
    expect(
      changes()
        .filter((call) => /commit|revert/.test(call))
        .sort(),
    ).toEqual(['cp1 commit 2', 'cp2 commit 2']);
  });

  test('one that cannot be reached any more does not keep the others from being proven', async () => {
    const { context, stepOf, instead, changes } = fakeCluster();
    instead.set('cp1 activate', failing(1000, new BootstrapError('failed', 'cp1: no space left')));
    const steps = ['cp1', 'cp2', 'cp3'].map((name) => stepOf(name));
    expect(textOf(await outcome(bringUpTogether(context, steps, 'renewal')))).toContain('cp1: no space left');
    expect(changes()).toEqual(expect.arrayContaining(['cp2 commit 2', 'cp3 commit 2']));
  });
});

describe('the locks of the nodes', () => {
  test('are taken in the order of the names, renewed while it works, and given back whatever happens', async () => {
    const { masters, calls } = fakeCluster();
    const agents = masters.map(({ agent }) => agent).reverse();
    const work = () => new Promise<never>((_, reject) => setTimeout(() => reject(new Error('x')), 31_000));
    await outcome(withNodeLocks(agents, 'bootstrap apply', work));
    expect(calls.filter((call) => call.endsWith(' lock'))).toEqual(['cp1 lock', 'cp2 lock', 'cp3 lock']);
    expect(calls.filter((call) => call === 'cp2 keep')).toHaveLength(2);
    expect(calls.slice(-3)).toEqual(['cp1 unlock', 'cp2 unlock', 'cp3 unlock']);
  });

  test('also of a node whose answer was lost: it may have been taken there', async () => {
    const { masters, calls, instead } = fakeCluster();
    instead.set('cp2 lock', failing(1, lost('cp2')));
    expect(
      textOf(
        await outcome(
          withNodeLocks(
            masters.map(({ agent }) => agent),
            'bootstrap apply',
            async () => {},
          ),
        ),
      ),
    ).toContain('unreachable: cp2: the connection broke');
    expect(calls).toEqual(['cp1 lock', 'cp2 lock', 'cp1 unlock', 'cp2 unlock']);
  });
});
