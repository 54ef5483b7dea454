import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BootstrapError } from '../../src/base/errors.ts';
import type { FileEffect } from '../../src/bundle/bundle.ts';
import { type Expired, NONE_EXPIRED } from '../../src/rollout/plan/expired.ts';
import {
  type EtcdSeen,
  modeOf as modeOfPlans,
  type NodeSituation,
  orderNodes,
  quorumAlong,
  quorumOf,
  type Situation,
} from '../../src/rollout/plan/order.ts';
import type { NodePlan, PodChange } from '../../src/rollout/plan.ts';
import { CHANGE, planNothing } from './apply-fixtures.ts';

interface NodeOptions {
  readonly data?: boolean;
  readonly current?: number | undefined;
  readonly active?: string;
  readonly underWay?: boolean;
  /** A certificate that members of etcd show each other has expired, or another one. */
  readonly expired?: 'etcd' | 'other';
  /** What it shall have has expired as well. */
  readonly wanted?: boolean;
}

const expiredOf = ({ expired, wanted }: NodeOptions): Expired => {
  const path = `/etc/kubernetes/pki/${expired === 'etcd' ? 'etcd/server' : 'scheduler/client'}.crt`;
  return {
    ...NONE_EXPIRED,
    certificates: expired ? [{ path, notAfter: 0 }] : [],
    etcd: expired === 'etcd',
    wanted: wanted ? [path] : [],
  };
};

const node = (
  name: string,
  { data = true, current = 1, active = 'active', underWay, ...certificates }: NodeOptions = {},
) =>
  ({
    node: name,
    facts: {
      kubelet: { active, enabled: 'enabled' },
      hasEtcdData: data,
      current: current || undefined,
      transaction: underWay ? { state: 'placed', to: 1, digest: '', from: 0 } : undefined,
    },
    expired: expiredOf(certificates),
  }) satisfies NodeSituation;

const etcd = (answering: readonly string[], healthy = answering, leader = healthy[0]): EtcdSeen => ({
  answering: new Set(answering),
  dead: new Set(['cp1', 'cp2', 'cp3'].filter((node) => !answering.includes(node))),
  healthy: new Set(healthy),
  leader,
});

const situation = (
  nodes: readonly NodeSituation[],
  seen: EtcdSeen | undefined,
  apis: readonly string[] = [],
): Situation => ({
  nodes,
  etcd: seen,
  readyApis: new Set(apis),
});

const NAMES = ['cp1', 'cp2', 'cp3'] as const;
const three = (...options: readonly NodeOptions[]) => NAMES.map((name, i) => node(name, options[i]));
const modeOf = (seen: Situation, ...plans: readonly NodePlan[]) => modeOfPlans(seen, plans);
const refusal = (seen: Situation, ...plans: readonly NodePlan[]): BootstrapError => {
  try {
    throw new Error(`it was not refused, but ${modeOf(seen, ...plans)}`);
  } catch (error) {
    if (error instanceof BootstrapError) return error;
    throw error;
  }
};

describe('the mode', () => {
  const bare = { data: false, current: 0 };
  const begun = { current: 0, underWay: true };

  test('is a first boot where no node has data of etcd', () => {
    expect(modeOf(situation(three(bare, bare, bare), etcd([])))).toBe('first-boot');
  });

  test('stays a first boot where one was interrupted, at any point', () => {
    expect(modeOf(situation(three(begun, bare, bare), etcd([])))).toBe('first-boot');
    expect(modeOf(situation(three(begun, begun, bare), etcd(['cp1'], [])))).toBe('first-boot');
    expect(modeOf(situation(three(begun, begun, begun), etcd(NAMES, [])))).toBe('first-boot');
  });

  test('is rolling as soon as a founding quorum lives, also where one founder has not been come to', () => {
    expect(modeOf(situation(three(begun, begun, bare), etcd(['cp1', 'cp2'])))).toBe('rolling');
  });

  test('is a cold start where etcd has data and no member answers', () => {
    expect(modeOf(situation(three(), etcd([])))).toBe('cold-start');
  });

  test('is rolling where any member answers, even without a leader: that may be an election', () => {
    expect(modeOf(situation(three(), etcd(NAMES)))).toBe('rolling');
    expect(modeOf(situation(three(), etcd(['cp2'], [])))).toBe('rolling');
  });

  test('is rolling for a cluster that kubeadm has made, also while that elects a leader', () => {
    expect(modeOf(situation(three({ current: 0 }, { current: 0 }, { current: 0 }), etcd(NAMES, [])))).toBe('rolling');
    expect(modeOf(situation(three({ current: 0 }, { current: 0 }, { current: 0 }), etcd(NAMES)))).toBe('rolling');
  });

  test('is none where a member has lost its data beside living ones: that is refused, with what was seen', () => {
    const error = refusal(situation(three({}, {}, { data: false }), etcd(['cp1', 'cp2'])));
    expect(error.code).toBe('refused');
    expect(error.message).toContain('cp3 holds no data of etcd, but cp1, cp2 do (members that answer: cp1, cp2)');
    expect(error.hint).toContain('cannot do');
    expect(refusal(situation(three({}, {}, { data: false }), etcd([]))).code).toBe('refused');
    expect(refusal(situation(three({ current: 0 }, { current: 0 }, bare), etcd(['cp1', 'cp2']))).code).toBe('refused');
  });

  test('asks the API alone with an external etcd', () => {
    expect(modeOf(situation(three(bare, bare, bare), undefined))).toBe('first-boot');
    expect(modeOf(situation(three({ data: false }, {}, {}), undefined, ['cp1']))).toBe('rolling');
    expect(modeOf(situation(three({ data: false }, {}, {}), undefined))).toBe('cold-start');
    expect(modeOf(situation(three(bare, bare, bare), undefined, ['cp2']))).toBe('rolling');
  });
});

describe('the mode where certificates have expired', () => {
  const gone = { expired: 'etcd' } as const;
  const silent: EtcdSeen = { ...etcd([]), dead: new Set() };
  const files = (effect: FileEffect, rewritten = true): NodePlan => ({
    ...planNothing('cp2'),
    changes: [{ ...CHANGE, path: '/etc/kubernetes/manifests/etcd.yaml', effect, rewritten }],
  });
  const leaf = files({ kind: 'none' });

  test('is a renewal of all masters where no quorum of members with valid ones is to be seen', () => {
    expect(modeOf(situation(three(gone, gone, gone), silent), leaf)).toBe('renewal');
    expect(modeOf(situation(three(gone, gone, gone), etcd([])), leaf)).toBe('renewal');
    expect(modeOf(situation(three({}, gone, gone), silent), leaf)).toBe('renewal');
    expect(modeOf(situation(three({}, gone, gone), etcd(['cp1'], [])), leaf)).toBe('renewal');
  });

  test('is rolling where enough members have valid ones and are well', () => {
    expect(modeOf(situation(three({}, {}, gone), etcd(['cp1', 'cp2'])), leaf)).toBe('rolling');
    expect(modeOf(situation(three({}, {}, gone), etcd(['cp1', 'cp2'])), files({ kind: 'manifest', pod: 'etcd' }))).toBe(
      'rolling',
    );
  });

  test('is what it would be anyway where none of them is one that members of etcd show each other', () => {
    const other = { expired: 'other' } as const;
    expect(modeOf(situation(three(other, other, other), etcd(NAMES)), leaf)).toBe('rolling');
    expect(refusal(situation(three(other, other, other), silent), leaf).message).toContain('no etcd member answers');
  });

  test('is none where a pod would be replaced, unless nothing runs anywhere; a mode or an owner is no reason', () => {
    for (const effect of [
      { kind: 'manifest', pod: 'etcd' },
      { kind: 'pods', pods: ['etcd'] },
      { kind: 'kubelet' },
      { kind: 'kubelet-unit' },
    ] as const) {
      const error = refusal(situation(three(gone, gone, gone), silent), leaf, files(effect));
      expect(error.code).toBe('refused');
      expect(error.message).toBe(
        'certificates of cp1, cp2, cp3 have expired (etcd/server), and more than they would change: cp2: /etc/kubernetes/manifests/etcd.yaml',
      );
      expect(error.hint).toContain('renew them first');
      expect(modeOf(situation(three(gone, gone, gone), silent), files(effect, false))).toBe('renewal');
      expect(modeOf(situation(three(gone, gone, gone), etcd([])), files(effect))).toBe('cold-start');
    }
    const restart: PodChange = { pod: 'etcd', kind: 'restart', why: [] };
    expect(refusal(situation(three(gone, gone, gone), silent), { ...leaf, pods: [restart] }).code).toBe('refused');
    const kubelet = { ...leaf, kubelet: 'restart', kubeletWhy: ['its client certificate has expired'] } as const;
    expect(modeOf(situation(three(gone, gone, gone), silent), kubelet)).toBe('renewal');
  });

  test('stays a renewal where one was interrupted just as all was in place and members have yet to find each other', () => {
    const placed = (digest: string) => {
      const [first, ...rest] = three();
      const transaction = { state: 'placed', to: 2, digest, from: 1 } as const;
      return first ? [{ ...first, facts: { ...first.facts, transaction } }, ...rest] : [];
    };
    const plans = NAMES.map(planNothing);
    expect(modeOf(situation(placed('d'), silent), ...plans)).toBe('renewal');
    expect(modeOf(situation(placed('d'), etcd(NAMES, [])), ...plans)).toBe('rolling');
    expect(refusal(situation(placed('of another'), silent), ...plans).message).toContain('no etcd member answers');
    expect(refusal(situation(placed('d'), silent), ...plans, files({ kind: 'manifest', pod: 'etcd' })).code).toBe(
      'refused',
    );
  });

  test('is none where what they shall have has expired as well', () => {
    const error = refusal(situation(three(gone, { ...gone, wanted: true }, gone), silent), leaf);
    expect(error.message).toContain('what they shall have has expired as well: cp2 (etcd/server)');
  });

  test('is none where a member has lost its data: a kubelet that starts there would start an empty one', () => {
    expect(refusal(situation(three(gone, gone, { ...gone, data: false }), silent), leaf).message).toContain(
      'cp3 holds no data of etcd',
    );
  });
});

describe('the order', () => {
  const order = (...of: Parameters<typeof situation>) => orderNodes('rolling', situation(...of));

  test('has what is under way first, then a master without its apiserver', () => {
    expect(order(three({ underWay: true }), etcd(NAMES)).nodes).toEqual(['cp1', 'cp2', 'cp3']);
    const { nodes, unwell } = order(three({}, {}, { underWay: true }), etcd(NAMES), ['cp1', 'cp3']);
    expect(nodes).toEqual(['cp3', 'cp2', 'cp1']);
    expect([...unwell]).toEqual([['cp2', 'apiserver not ready']]);
  });

  test('has the leader last and else follows the file', () => {
    expect(order(three(), etcd(NAMES)).nodes).toEqual(['cp2', 'cp3', 'cp1']);
    expect(order(three(), etcd(NAMES, NAMES, 'cp2')).nodes).toEqual(['cp1', 'cp3', 'cp2']);
    expect(order(three(), undefined).nodes).toEqual(['cp1', 'cp2', 'cp3']);
  });

  test('has nodes first where something is wrong, and says what', () => {
    const found = order(three({}, {}, { active: 'failed' }), etcd(NAMES));
    expect(found.nodes).toEqual(['cp3', 'cp2', 'cp1']);
    expect([...found.unwell]).toEqual([['cp3', 'kubelet failed']]);
    expect([...order(three(), etcd(['cp1', 'cp2'])).unwell]).toEqual([['cp3', 'etcd member does not answer']]);
  });

  test('is that of the file where all go together', () => {
    expect(orderNodes('cold-start', situation(three(), etcd([]))).nodes).toEqual([...NAMES]);
  });

  test('always holds every node once', () => {
    fc.assert(
      fc.property(
        fc.subarray([...NAMES]),
        fc.subarray([...NAMES]),
        fc.option(fc.constantFrom(...NAMES)),
        (a, b, leader) => {
          const { nodes } = order(three(), etcd(a, b, leader ?? undefined));
          expect([...nodes].sort()).toEqual([...NAMES]);
          if (leader && b.includes(leader)) expect(nodes.at(-1)).toBe(leader);
        },
      ),
    );
  });
});

describe('the quorum', () => {
  const restart: PodChange = { pod: 'etcd', kind: 'restart', why: [] };
  const plans = (...names: readonly string[]) => names.map((name) => ({ node: name, pods: [restart] }));

  test('takes more than half', () => {
    expect([1, 2, 3, 4, 5].map(quorumOf)).toEqual([1, 2, 2, 3, 3]);
  });

  test('loses one member at a time', () => {
    const numbers = { members: 3, needed: 2, before: 3 };
    expect(quorumAlong('rolling', situation(three(), etcd(NAMES)), plans(...NAMES))).toEqual({ ...numbers, during: 2 });
    const none = NAMES.map((name) => ({ node: name, pods: [] }));
    expect(quorumAlong('rolling', situation(three(), etcd(NAMES)), none)).toEqual({ ...numbers, during: 3 });
  });

  test('does not lose a member that is down already, and counts it once it is back', () => {
    const seen = situation(three(), etcd(['cp1', 'cp2']));
    expect(quorumAlong('rolling', seen, plans('cp3', 'cp2', 'cp1')).during).toBe(2);
    expect(quorumAlong('rolling', seen, plans('cp2', 'cp1')).during).toBe(1);
  });

  test('is nobody’s concern with an external etcd', () => {
    expect(quorumAlong('rolling', situation(three(), undefined), plans('cp1')).members).toBe(0);
  });
});
