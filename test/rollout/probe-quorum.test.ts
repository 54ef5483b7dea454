import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EtcdMember, EtcdStatus } from '../../src/rollout/probe/etcd-client.ts';
import { type MemberReport, silentMember } from '../../src/rollout/probe/etcd-report.ts';
import { mayTakeDown } from '../../src/rollout/probe/may-take-down.ts';
import { etcdView } from '../../src/rollout/probe/quorum.ts';

/** What a member really is, and how it looks from here. */
const STATES = ['healthy', 'dead', 'apart', 'hidden', 'lost', 'learner', 'unstarted'] as const;
type State = (typeof STATES)[number];
// apart: alive without a leader. hidden: a healthy voter that does not answer us. lost: dead, and we cannot tell.

const nameOf = (i: number) => `cp${i + 1}`;

/** The reports that members in these states give. */
function reports(states: readonly State[], change: Partial<EtcdStatus> = {}): readonly MemberReport[] {
  const voters = states.filter((state) => state !== 'learner').length;
  const working = states.filter((state) => state === 'healthy' || state === 'hidden').length;
  const hasQuorum = working >= Math.floor(voters / 2) + 1;
  const leader = hasQuorum ? states.findIndex((state) => state === 'healthy' || state === 'hidden') : -1;
  const members: readonly EtcdMember[] = states.map((state, i) => ({
    id: `${i + 1}`,
    name: state === 'unstarted' ? '' : nameOf(i),
    peerUrls: [`https://10.0.0.${i + 1}:2380`],
    clientUrls: [],
    isLearner: state === 'learner',
  }));
  return states.map((state, i): MemberReport => {
    const silent = silentMember(nameOf(i), 'no answer within 5 s');
    if (state === 'unstarted' || state === 'dead') return { ...silent, isDead: true, problem: 'nobody listens there' };
    if (state === 'hidden' || state === 'lost') return silent;
    const follows = state !== 'apart' && hasQuorum;
    return {
      ...silent,
      status: {
        clusterId: '7',
        memberId: `${i + 1}`,
        leaderId: follows ? `${leader + 1}` : '0',
        isLearner: state === 'learner',
        raftIndex: 5000,
        raftAppliedIndex: 5000,
        raftTerm: 3,
        dbSize: 1,
        dbSizeInUse: 1,
        version: '3.6.8',
        errors: [],
        ...(i === 0 ? change : {}),
      },
      members,
      serves: follows && state === 'healthy',
      problem: follows ? undefined : 'it has no leader',
    };
  });
}

/** Every way that 1 to 7 members can be, up to their order: the first is the one that is to be taken down. */
function* allStates(): Generator<readonly State[]> {
  const more = function* (count: number, from: number): Generator<readonly State[]> {
    if (!count) yield [];
    else
      for (let i = from; i < STATES.length; i++) {
        for (const rest of more(count - 1, i)) yield [STATES[i] ?? 'dead', ...rest];
      }
  };
  for (let members = 1; members <= 7; members++) {
    for (const first of STATES) for (const others of more(members - 1, 0)) yield [first, ...others];
  }
}

const truth = (states: readonly State[]) => ({
  working: states.filter((state) => state === 'healthy' || state === 'hidden').length,
  needed: Math.floor(states.filter((state) => state !== 'learner').length / 2) + 1,
});

describe('in every state that 1 to 7 members can be in', () => {
  test('a step that is permitted never takes a quorum away, even one that cannot be seen from here', () => {
    let permitted = 0;
    const lost: (readonly State[])[] = [];
    for (const states of allStates()) {
      if (mayTakeDown(etcdView(reports(states)), 'cp1').length) continue;
      permitted++;
      const before = truth(states);
      const after = truth(states).working - Number(states[0] === 'healthy' || states[0] === 'hidden');
      if (before.working >= before.needed && after < before.needed) lost.push(states);
    }
    expect(lost).toEqual([]);
    expect(permitted).toBeGreaterThan(100);
  });

  test('a healthy member is the only one down at a time, and never during a change of the members', () => {
    for (const states of allStates()) {
      const { working, needed } = truth(states);
      // without a quorum nobody is healthy
      if (states[0] !== 'healthy' || working < needed || mayTakeDown(etcdView(reports(states)), 'cp1').length) continue;
      expect(states.every((state) => state === 'healthy')).toBe(true);
      expect(states.length).toBeGreaterThan(2);
    }
  });

  test('a dead member, or one without a leader, may always be worked on', () => {
    const refused: (readonly State[])[] = [];
    for (const states of allStates()) {
      // with no member that says who the members are nothing is permitted at all
      const isKnown = states.some((state) => state === 'healthy' || state === 'apart' || state === 'learner');
      if ((states[0] !== 'dead' && states[0] !== 'apart') || !isKnown) continue;
      if (mayTakeDown(etcdView(reports(states)), 'cp1').length) refused.push(states);
    }
    expect(refused).toEqual([]);
  });

  test('what is counted is what is there, in whatever order the nodes answer', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...STATES), { minLength: 1, maxLength: 7 }),
        fc.infiniteStream(fc.nat()),
        (states, order) => {
          const given = reports(states);
          const shuffled = given
            .map((report) => ({ report, key: order.next().value ?? 0 }))
            .sort((a, b) => a.key - b.key);
          const view = etcdView(shuffled.map(({ report }) => report));
          expect(view).toEqual({
            ...etcdView(given),
            deadNodes: expect.arrayContaining([...etcdView(given).deadNodes]),
          });
          if (!view.members.length) return;
          expect(view.needed).toBe(truth(states).needed);
          expect(view.members.length).toBe(states.length);
          const { working, needed } = truth(states);
          const seen = states.filter((state) => state === 'healthy').length;
          expect(view.healthyVoters).toBe(working >= needed ? seen : 0);
        },
      ),
    );
  });
});

describe('three members', () => {
  const reasons = (states: readonly State[], change?: Partial<EtcdStatus>, name = 'cp1', options = {}) =>
    mayTakeDown(etcdView(reports(states, change)), name, options);

  test('all well: any of them may go, the leader is known', () => {
    const view = etcdView(reports(['healthy', 'healthy', 'healthy']));
    expect(view).toMatchObject({ needed: 2, healthyVoters: 3, leader: 'cp1', agreed: true });
    expect(view.members.map(({ name, leader, lag, endpointNode }) => ({ name, leader, lag, endpointNode }))).toEqual([
      { name: 'cp1', leader: true, lag: 0, endpointNode: 'cp1' },
      { name: 'cp2', leader: false, lag: 0, endpointNode: 'cp2' },
      { name: 'cp3', leader: false, lag: 0, endpointNode: 'cp3' },
    ]);
    for (const name of ['cp1', 'cp2', 'cp3']) expect(mayTakeDown(view, name)).toEqual([]);
  });

  test('one dead: it may be worked on, the others not, and the reason is said', () => {
    const states = ['healthy', 'healthy', 'dead'] as const;
    expect(reasons(states, {}, 'cp3')).toEqual([]);
    expect(reasons(states, {}, 'cp2')).toEqual([
      'etcd member cp3 is not healthy: nobody listens there',
      'without etcd member cp2 there are 1 healthy members, and 2 are needed',
    ]);
  });

  test('one that does not answer us may be part of the quorum of another one that is down', () => {
    expect(reasons(['hidden', 'healthy', 'dead'])).toEqual([
      expect.stringMatching(
        /^etcd member cp1 is not healthy: no answer within 5 s; it may still be part of the quorum/,
      ),
    ]);
    expect(reasons(['hidden', 'healthy', 'healthy'])).toEqual([]);
  });

  test.each<[string, Partial<EtcdStatus>, RegExp]>([
    ['lag', { raftAppliedIndex: 3000 }, /^etcd member cp1 is 2000 entries behind \(1000 at most\)$/],
    ['terms', { raftTerm: 4 }, /disagree on the term: cp1 says 4, cp2 says 3, cp3 says 3/],
    ['leaders', { leaderId: '3' }, /disagree on the leader: cp1 says cp3, cp2 says cp1/],
    ['clusters', { clusterId: '8' }, /disagree on which cluster it is/],
    ['strangers', { memberId: '99' }, /the etcd on cp1 is not a member of the cluster/],
  ])('%s that differ are a reason against it', (_, change, expected) => {
    const all = reasons(['healthy', 'healthy', 'healthy'], change, 'cp2');
    expect(all).toContainEqual(expect.stringMatching(expected));
  });

  test('a leader that says of itself that it has none is not healthy', () => {
    const view = etcdView(reports(['healthy', 'healthy', 'healthy'], { leaderId: '0' }));
    expect(view.members[0]).toMatchObject({ name: 'cp1', healthy: false, out: true });
    expect(view.agreed).toBe(false);
  });

  test('an alarm is a reason against it', () => {
    const given = reports(['healthy', 'healthy', 'healthy']).map((report) => ({
      ...report,
      alarms: [{ memberId: '2', alarm: 'NOSPACE' }],
    }));
    expect(mayTakeDown(etcdView(given), 'cp1')).toEqual(['etcd member cp2 has raised the alarm NOSPACE']);
  });

  test('a learner or a member that was added and never started is a reason against it', () => {
    expect(reasons(['healthy', 'healthy', 'healthy', 'learner'])).toEqual(['etcd member cp4 is still a learner']);
    expect(reasons(['healthy', 'healthy', 'healthy', 'unstarted'])).toEqual([
      'etcd member https://10.0.0.4:2380 is not healthy: it has never started',
      'without etcd member cp1 there are 2 healthy members, and 3 are needed',
    ]);
    expect(reasons(['learner', 'healthy', 'healthy', 'healthy'])).toEqual(['etcd member cp1 is still a learner']);
  });

  test('a node that is no member is only worked on where nothing listens', () => {
    const view = etcdView([
      ...reports(['healthy', 'healthy', 'healthy']),
      { ...silentMember('cp8', 'x'), isDead: true },
      silentMember('cp9', 'y'),
    ]);
    expect(mayTakeDown(view, 'cp8')).toEqual([]);
    expect(mayTakeDown(view, 'cp9')).toEqual(['etcd has no member that is known to run on cp9']);
  });

  test('a member that is called otherwise than its node is known by its id, or by the name it was given', () => {
    const given = reports(['healthy', 'healthy', 'dead']).map((report, i) => ({ ...report, node: `node${i}` }));
    const view = etcdView(given);
    expect(view.members.map(({ endpointNode }) => endpointNode)).toEqual(['node0', 'node1', 'node2']);
    expect(mayTakeDown(view, 'node2')).toEqual([]);
  });

  test('with nobody to say who the members are nothing may be taken down', () => {
    expect(reasons(['dead', 'dead', 'dead'])).toEqual([expect.stringMatching(/the quorum is not known/)]);
    expect(etcdView([])).toMatchObject({ members: [], needed: 0, leader: undefined, agreed: false });
  });
});

describe('one or two members', () => {
  test.each([[['healthy']], [['healthy', 'healthy']]] as const)(
    '%j cannot lose one, unless that is meant',
    (states) => {
      const view = etcdView(reports(states));
      expect(mayTakeDown(view, 'cp1')).toEqual([expect.stringMatching(/^without etcd member cp1 there are/)]);
      expect(mayTakeDown(view, 'cp1', { acceptOutage: true })).toEqual([]);
    },
  );

  test('an outage that is meant is no licence for more', () => {
    const accept = { acceptOutage: true };
    expect(mayTakeDown(etcdView(reports(['healthy', 'healthy', 'dead'])), 'cp1', accept)).toHaveLength(2);
    expect(mayTakeDown(etcdView(reports(['healthy'], { raftAppliedIndex: 1 })), 'cp1', accept)).toHaveLength(1);
  });
});
