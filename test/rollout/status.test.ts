import { describe, expect, test } from 'vitest';
import type { ClusterObservation } from '../../src/rollout/status/observe.ts';
import type { Problem } from '../../src/rollout/status/status.ts';
import { statusExit, statusOf } from '../../src/rollout/status/status-of.ts';
import {
  BUNDLES,
  bundleOf,
  CRASHING,
  certificate,
  DAY,
  etcdOf,
  healthWith,
  member,
  NAMES,
  NOW,
  nodeOf,
  pod,
  podsWith,
  REFUSED,
  reached,
  wellCluster,
  withMember,
  withNode,
} from './status-fixtures.ts';

const problemsOf = (observed: ClusterObservation, bundles = BUNDLES) => statusOf(observed, bundles, NOW).problems;
const told = ({ severity, node, component, what }: Problem) =>
  `${severity} ${[node, component].filter(Boolean).join(' ')}: ${what}`;

test('a cluster in which all is well has no problem and exits 0', () => {
  const status = statusOf(wellCluster(), BUNDLES, NOW);
  expect(status.problems).toEqual([]);
  expect(statusExit(status)).toBe(0);
  expect(status.nodes.flatMap(({ components }) => components.map(({ state }) => state))).toEqual(Array(15).fill('ok'));
  expect(status.nodes.map(({ revision }) => [revision.current, revision.wanted])).toEqual(Array(3).fill([4, true]));
  expect(status.etcd).toMatchObject({ voters: 3, healthyVoters: 3, needed: 2, spare: 1, leader: 'cp1' });
});

const etcdDown = withMember('cp3', { healthy: false, lag: undefined, dbSize: undefined });
const apiserverGone = healthWith({ 'kube-apiserver': REFUSED });

/** Each fault alone, and the one problem that it makes. */
const FAULTS: readonly (readonly [string, ClusterObservation, string | RegExp])[] = [
  [
    'a node that cannot be reached',
    withNode('cp3', { contact: { kind: 'unreachable', why: 'connection timed out' } }, etcdDown),
    'error cp3: it cannot be reached: connection timed out',
  ],
  [
    'a kubelet that was stopped',
    withNode('cp2', { contact: reached({ kubelet: { active: 'inactive', enabled: 'enabled' } }) }),
    'error cp2 kubelet: kubelet.service is inactive',
  ],
  [
    'a kubelet that has failed and taken all pods with it',
    withNode(
      'cp3',
      {
        contact: reached({ kubelet: { active: 'failed', enabled: 'enabled' } }),
        logs: new Map([['kubelet', 'E1123 11:00:00.000000    22 run.go:72] "command failed" err="swap is on"']]),
        health: healthWith({
          'kube-apiserver': REFUSED,
          'kube-controller-manager': REFUSED,
          'kube-scheduler': REFUSED,
        }),
      },
      etcdDown,
    ),
    'error cp3 kubelet: kubelet.service is failed: "command failed: swap is on"; with it: etcd, kube-apiserver, kube-controller-manager and kube-scheduler',
  ],
  [
    'no kubelet at all',
    withNode('cp2', { contact: reached({ kubelet: { active: 'absent', enabled: '' } }) }),
    'error cp2 kubelet: there is no kubelet.service',
  ],
  [
    'a kubelet that starts just now',
    withNode('cp2', { contact: reached({ kubelet: { active: 'activating', enabled: 'enabled' } }) }),
    'warning cp2 kubelet: kubelet.service is activating',
  ],
  [
    'a kubelet that is active, but not well',
    withNode('cp2', {
      health: healthWith({ kubelet: { ok: false, failing: ['syncloop'], seen: 'unhealthy: syncloop' } }),
    }),
    'error cp2 kubelet: not ready: syncloop',
  ],
  [
    'a kubelet that does not start at boot',
    withNode('cp2', { contact: reached({ kubelet: { active: 'active', enabled: 'disabled' } }) }),
    'warning cp2 kubelet: kubelet.service is disabled: it does not start at boot',
  ],
  [
    'an etcd that crashes, and the apiserver with it',
    withNode(
      'cp3',
      {
        pods: podsWith('etcd', CRASHING),
        health: apiserverGone,
        logs: new Map([['etcd', '{"level":"fatal","msg":"failed to list data directory","error":"not a directory"}']]),
      },
      etcdDown,
    ),
    'error cp3 etcd: CrashLoopBackOff, exit 1 (7 restarts): "failed to list data directory: not a directory"; with it: kube-apiserver',
  ],
  [
    'an apiserver with a flag that it does not know: its kubelet cannot even report that',
    withNode('cp2', {
      health: apiserverGone,
      logs: new Map([['kube-apiserver', 'Error: unknown flag: --nonsense\n']]),
    }),
    'error cp2 kube-apiserver: nobody listens there: "Error: unknown flag: --nonsense"',
  ],
  [
    'an apiserver that has lost etcd',
    withNode('cp2', {
      pods: podsWith('kube-apiserver', pod({ ready: false, startedAt: '2026-11-23T11:59:30Z' })),
      health: healthWith({ 'kube-apiserver': { ok: false, failing: ['etcd', 'poststarthook/x'], seen: '' } }),
    }),
    'error cp2 kube-apiserver: not ready: etcd and poststarthook/x',
  ],
  [
    'an apiserver that starts',
    withNode('cp2', {
      pods: podsWith('kube-apiserver', pod({ ready: false, startedAt: '2026-11-23T11:59:30Z' })),
      health: healthWith({ 'kube-apiserver': { ok: false, failing: ['poststarthook/x'], seen: '' } }),
    }),
    'warning cp2 kube-apiserver: not ready yet; not ready: poststarthook/x',
  ],
  [
    'a scheduler that starts',
    withNode('cp2', { pods: podsWith('kube-scheduler', pod({ ready: false, startedAt: '2026-11-23T11:59:30Z' })) }),
    'warning cp2 kube-scheduler: not ready yet',
  ],
  [
    'a scheduler that has been starting for hours',
    withNode('cp2', { pods: podsWith('kube-scheduler', pod({ ready: false, startedAt: '2026-11-23T09:00:00Z' })) }),
    'error cp2 kube-scheduler: not ready long after its start',
  ],
  [
    'an image that is not to be had',
    withNode('cp2', {
      pods: podsWith(
        'kube-scheduler',
        pod({ ready: false, waitingReason: 'ImagePullBackOff', waitingMessage: 'pull of x: not found' }),
      ),
      health: healthWith({ 'kube-scheduler': REFUSED }),
    }),
    'error cp2 kube-scheduler: ImagePullBackOff: "pull of x: not found"',
  ],
  [
    'a pod that is older than the manifest on its node',
    withNode('cp2', {
      pods: podsWith('kube-controller-manager', pod({ annotations: { 'bootstrap/inputs-digest': 'i0' } })),
    }),
    'warning cp2 kube-controller-manager: the kubelet still runs an older manifest than the one on the node',
  ],
  [
    'a manifest that is gone',
    withNode('cp2', {
      contact: reached({ manifests: ['etcd.yaml', 'kube-apiserver.yaml', 'kube-controller-manager.yaml'] }),
      pods: podsWith('kube-scheduler', undefined),
      health: healthWith({ 'kube-scheduler': REFUSED }),
    }),
    'error cp2 kube-scheduler: there is no /etc/kubernetes/manifests/kube-scheduler.yaml',
  ],
  [
    'manifests that are all gone',
    withNode(
      'cp3',
      {
        contact: reached({ manifests: [] }),
        pods: new Map(),
        health: healthWith({
          'kube-apiserver': REFUSED,
          'kube-controller-manager': REFUSED,
          'kube-scheduler': REFUSED,
        }),
      },
      etcdDown,
    ),
    'error cp3: the manifests of etcd, kube-apiserver, kube-controller-manager and kube-scheduler are not there',
  ],
  [
    'a pod that the kubelet does not report',
    withNode('cp2', { pods: podsWith('kube-scheduler', undefined) }),
    'warning cp2 kube-scheduler: answers, but the kubelet has not reported its pod to the API',
  ],
  [
    'an etcd member that is a learner',
    wellCluster(withMember('cp3', { voter: false, learner: true })),
    'warning cp3 etcd: its member is a learner yet, no voter',
  ],
  [
    'an etcd member far behind',
    wellCluster(withMember('cp3', { lag: 5000 })),
    'warning cp3 etcd: its member is 5000 entries behind',
  ],
  [
    'an etcd whose database is full',
    wellCluster(withMember('cp2', { alarms: ['NOSPACE'] })),
    'error cp2 etcd: alarm NOSPACE',
  ],
  [
    'an etcd without a leader',
    wellCluster({ etcd: etcdOf(NAMES.map((name) => member(name, { leader: false }))) }),
    'error etcd: it has no leader: nothing can be written',
  ],
  [
    'etcd members that disagree',
    wellCluster({
      etcd: {
        kind: 'seen',
        view: {
          ...etcdOf(NAMES.map((name) => member(name))).view,
          disagreements: ['the etcd members disagree on the term: cp1 says 4, cp2 says 5'],
        },
      },
    }),
    'warning etcd: the etcd members disagree on the term: cp1 says 4, cp2 says 5',
  ],
  [
    'an etcd member that says why it is not well',
    wellCluster(withMember('cp3', { healthy: false, problem: 'it serves no reads through the quorum' })),
    'error cp3 etcd: its member is not well: it serves no reads through the quorum',
  ],
  [
    'an etcd member of a machine that is gone',
    wellCluster({ etcd: etcdOf([...NAMES, 'old9'].map((name) => member(name))) }),
    'warning etcd: member old9 (8e9e05c521646949) belongs to no node of the cluster file, but counts for the quorum',
  ],
  [
    'an etcd member that was added and never started',
    wellCluster({
      etcd: etcdOf([...NAMES.map((name) => member(name)), member('', { id: 'aa', healthy: false, voter: false })]),
    }),
    'warning etcd: a member that was added has never started (aa), but counts for the quorum',
  ],
  [
    'a certificate that ends soon',
    withNode('cp2', { certificates: [certificate('cp2', 'apiserver', 12)] }),
    'warning cp2: the certificate apiserver ends in 12 days',
  ],
  [
    'a certificate that has expired',
    withNode('cp2', { certificates: [certificate('cp2', 'apiserver', -3)] }),
    'error cp2: the certificate apiserver has expired 2 days ago',
  ],
  [
    'certificates that have expired on several nodes',
    wellCluster({
      nodes: NAMES.map((name, i) =>
        nodeOf(name, {
          certificates: [certificate(name, 'apiserver', i ? -3 : 300), certificate(name, 'etcd/peer', -9)],
        }),
      ),
    }),
    'error : certificates of cp1, cp2 and cp3 have expired, the first 8 days ago: apiserver and etcd/peer',
  ],
  [
    'a certificate that is not valid yet',
    withNode('cp2', { certificates: [certificate('cp2', 'apiserver', 400)] }),
    'error cp2: the certificate apiserver is not valid yet',
  ],
  [
    'a CA that all nodes have and that ends soon',
    wellCluster({ nodes: NAMES.map((name) => nodeOf(name, { certificates: [certificate(name, 'ca', 20)] })) }),
    'warning : the certificate ca ends in 20 days',
  ],
  [
    'a certificate renewed on disk, the old one in memory',
    withNode('cp2', {
      served: [{ ...certificate('cp2', 'apiserver', 3), component: 'kube-apiserver', port: 6443 }],
    }),
    'warning cp2 kube-apiserver: on port 6443 it still shows an old certificate, which ends in 3 days: /etc/kubernetes/pki/apiserver.crt holds another one',
  ],
  [
    'the same where the old one has expired',
    withNode('cp2', {
      served: [{ ...certificate('cp2', 'apiserver', -1.5), component: 'kube-apiserver', port: 6443 }],
    }),
    /^error cp2 kube-apiserver: on port 6443 it still shows an old certificate, which expired 24 hours ago/,
  ],
  [
    'a clock that is ahead',
    withNode('cp2', { contact: reached({ clock: NOW + 5000 }) }),
    "warning cp2: its clock is 5 s ahead of this machine's: etcd's leases and the lives of certificates go by it",
  ],
  [
    'a clock so far behind that new certificates are refused',
    withNode('cp2', { contact: reached({ clock: NOW - 3600_000 }) }),
    "error cp2: its clock is 60 minutes behind this machine's: etcd's leases and the lives of certificates go by it",
  ],
  [
    'the clock of this machine',
    wellCluster({ nodes: NAMES.map((name) => nodeOf(name, { contact: reached({ clock: NOW + 9000 }, name) })) }),
    'warning : the clock of this machine is 9 s behind those of all nodes',
  ],
  [
    'a disk that is nearly full',
    withNode('cp2', { contact: reached({ disk: { freeBytes: 300 * 1024 ** 2, writable: true } }) }),
    'warning cp2: only 300 MiB are free on its disk',
  ],
  [
    'a disk that is full',
    withNode('cp2', { contact: reached({ disk: { freeBytes: 0, writable: true } }) }),
    'error cp2: only 0 bytes are free on its disk',
  ],
  [
    'a file system that is read-only',
    withNode('cp2', { contact: reached({ disk: { freeBytes: 1e10, writable: false } }) }),
    'error cp2: /var/lib/bootstrap cannot be written',
  ],
  [
    'a file changed by hand',
    withNode('cp2', { drift: [{ path: '/etc/kubernetes/a', what: 'mode', detail: 'mode 0644 instead of 0600' }] }),
    'warning cp2: 1 file drifted from revision 4: /etc/kubernetes/a (mode 0644 instead of 0600)',
  ],
  [
    'a stray file among the manifests',
    withNode('cp2', { strays: ['/etc/kubernetes/manifests/notes.txt'] }),
    'warning cp2: 1 stray file among the manifests: /etc/kubernetes/manifests/notes.txt',
  ],
  [
    'a backup of a manifest beside it',
    withNode('cp2', { strays: ['/etc/kubernetes/manifests/kube-apiserver.yaml.bak'] }),
    'error cp2: a copy beside the manifest may win over it: /etc/kubernetes/manifests/kube-apiserver.yaml.bak',
  ],
  [
    'a revision that was never confirmed',
    withNode('cp2', { contact: reached({ transaction: { state: 'placed', to: 5, digest: 'd', from: 4 } }) }),
    'warning cp2: revision 5 was put in place, but never confirmed',
  ],
  [
    'a revision whose placing was interrupted',
    withNode('cp2', { contact: reached({ transaction: { state: 'placing', to: 5, digest: 'd', from: 4 } }) }),
    'warning cp2: putting revision 5 in place was interrupted (placing)',
  ],
  [
    'a revision that the node took back by itself',
    withNode('cp2', {
      contact: reached({
        reverted: { revision: 5, at: '2026-11-22T10:00:00Z', why: 'not confirmed in 600 seconds' },
        revisions: [{ number: 4, digest: 'other', at: '', by: '' }],
      }),
    }),
    'warning cp2: it took revision 5 back by itself at 2026-11-22T10:00:00Z: not confirmed in 600 seconds',
  ],
  [
    'a kubelet newer than the cluster',
    withNode('cp2', { kubeletVersion: 'v1.37.0' }),
    'warning cp2 kubelet: it is v1.37.0 and the cluster v1.36.2: it must not be newer',
  ],
  [
    'a node to which nothing was ever applied',
    withNode(
      'cp3',
      {
        contact: reached({
          current: undefined,
          revisions: [],
          manifests: [],
          kubelet: { active: 'inactive', enabled: 'disabled' },
        }),
        pods: new Map(),
        health: {},
        certificates: [],
      },
      etcdDown,
    ),
    'error cp3: nothing has been applied to it yet',
  ],
  [
    'a node that was brought up by somebody else',
    withNode('cp3', { contact: reached({ current: undefined, revisions: [] }) }),
    'error cp3: etcd, kube-apiserver, kube-controller-manager and kube-scheduler run there, but not by an `apply`: it has no revision',
  ],
];

describe('each fault alone gives exactly its problem:', () => {
  test.each(FAULTS)('%s', (_, observed, expected) => {
    // a node's revision is what is wanted of this very node, whichever the table's facts were made for
    const bundles = BUNDLES.map(({ node }) => ({ ...bundleOf('cp1'), node }));
    const problems = problemsOf(observed, bundles);
    expect(problems.map(told)).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)]);
    expect(problems[0]?.hint).not.toBe('');
    expect(statusExit(statusOf(observed, bundles, NOW))).toBe(2);
  });
});

describe('what is no problem', () => {
  const none = (observed: ClusterObservation) => expect(problemsOf(observed).map(told)).toEqual([]);

  test('a lock that somebody holds just now, with a revision on its way', () => {
    const lock = { token: 't', who: 'bootstrap apply by bob@desk', since: '2026-11-23T11:59:00Z', secondsLeft: 60 };
    none(
      withNode('cp1', { contact: reached({ lock, transaction: { state: 'placing', to: 5, digest: 'd', from: 4 } }) }),
    );
  });
  test('a lock that was left behind', () => {
    none(withNode('cp1', { contact: reached({ lock: { token: 't', who: 'x', since: 'y', secondsLeft: -5 } }) }));
  });
  test('a revision taken back once the cluster file wants the current one again', () => {
    none(withNode('cp1', { contact: reached({ reverted: { revision: 5, at: 'a', why: 'w' } }) }));
  });
  test('a clock that seems off over a way too slow to tell; it is said to be so', () => {
    const contact = {
      kind: 'reached',
      facts: nodeFactsAt(NOW + 1500),
      clock: { sent: NOW - 1000, received: NOW + 1000 },
    } as const;
    const observed = withNode('cp1', { contact });
    none(observed);
    expect(statusOf(observed, BUNDLES, NOW).nodes[0]?.clock).toMatchObject({
      milliseconds: 1500,
      uncertainty: 1000,
      perhapsOff: true,
    });
  });
  test('a round trip counts half on each side: a node read five seconds after the start of a ten-second call is right', () => {
    const contact = {
      kind: 'reached',
      facts: nodeFactsAt(NOW + 5000),
      clock: { sent: NOW, received: NOW + 10_000 },
    } as const;
    expect(statusOf(withNode('cp1', { contact }), BUNDLES, NOW).nodes[0]?.clock?.milliseconds).toBe(0);
  });
  test('what the API says of a pod whose apiserver was away, once the component itself answers', () => {
    none(withNode('cp1', { pods: undefined }));
  });
  test('a certificate that lasts an hour and is minutes old', () => {
    const short = { notBefore: NOW - 5 * 60_000, notAfter: NOW + 55 * 60_000 };
    none(withNode('cp1', { certificates: [{ ...certificate('cp1', 'apiserver'), ...short }] }));
  });
});

function nodeFactsAt(clock: number) {
  const contact = reached({ clock });
  if (contact.kind !== 'reached') throw new Error('unreachable');
  return contact.facts;
}

test('changes of the cluster file that are not applied are a warning on each node that lacks them', () => {
  const changed = NAMES.map((name) => bundleOf(name, 'b'));
  expect(problemsOf(wellCluster(), changed).map(told)).toEqual(
    NAMES.map((name) => `warning ${name}: the cluster file has changes that are not applied`),
  );
});

test('a lost quorum comes first, then each node with what its member says', () => {
  const down = { healthy: false, leader: false } as const;
  const observed = wellCluster({
    etcd: etcdOf([member('cp1', { leader: false }), member('cp2', down), member('cp3', down)]),
  });
  expect(problemsOf(observed).map(told)).toEqual([
    'error etcd: quorum lost: 1 of 3 members up, 2 needed: nothing can be written',
    'error cp2 etcd: its member is not well',
    'error cp3 etcd: its member is not well',
  ]);
});

test('members on machines that cannot be reached are not called lost', () => {
  const contact = { kind: 'unreachable', why: 'no route' } as const;
  const observed = wellCluster({
    nodes: NAMES.map((name) => nodeOf(name, name === 'cp1' ? {} : { contact })),
    etcd: etcdOf(NAMES.map((name) => member(name, { healthy: name === 'cp1' }))),
  });
  const status = statusOf(observed, BUNDLES, NOW);
  expect(status.problems.map(({ code }) => code)).toEqual(['unreachable', 'unreachable']);
  expect(status.etcd).toMatchObject({ healthyVoters: 1, unseen: 2, needed: 2 });
});

test('before any apply there is one problem, with the command', () => {
  const bare = { current: undefined, revisions: [], manifests: [], hasEtcdData: false } as const;
  const observed = wellCluster({
    nodes: NAMES.map((name) =>
      nodeOf(name, {
        contact: reached({ ...bare, kubelet: { active: 'inactive', enabled: 'disabled' } }, name),
        pods: undefined,
        health: { 'kube-apiserver': REFUSED },
        certificates: [],
      }),
    ),
    etcd: { kind: 'silent', why: 'nobody listens there' },
  });
  const status = statusOf(observed, BUNDLES, NOW);
  expect(status.problems.map(told)).toEqual(['error : nothing has been applied to cp1, cp2 and cp3 yet']);
  expect(status.problems[0]?.hint).toContain('`bootstrap apply`');
  expect(statusExit(status)).toBe(2);
});

test('an unreachable node still shows what others know of it', () => {
  const contact = { kind: 'unreachable', why: 'no route' } as const;
  const [cp1] = statusOf(withNode('cp1', { contact, health: {} }), BUNDLES, NOW).nodes;
  expect(cp1?.components.map(({ component, state }) => [component, state])).toEqual([
    ['kubelet', 'unknown'],
    ['etcd', 'ok'],
    ['kube-apiserver', 'unknown'],
    ['kube-controller-manager', 'unknown'],
    ['kube-scheduler', 'unknown'],
  ]);
});

test('with an external etcd there is no such component and no table of members', () => {
  const status = statusOf(wellCluster({ etcd: { kind: 'external' } }), BUNDLES, NOW);
  expect(status.etcd).toBeUndefined();
  expect(status.nodes[0]?.components.map(({ component }) => component)).not.toContain('etcd');
  expect(status.problems).toEqual([]);
});

test('an apiserver that is absent in the API only because no API answers is judged by what it says itself', () => {
  const observed = wellCluster({
    nodes: NAMES.map((name) =>
      nodeOf(name, {
        pods: undefined,
        health: healthWith({ 'kube-apiserver': { ok: false, failing: ['etcd'], seen: 'not ready: etcd' } }),
      }),
    ),
  });
  expect(problemsOf(observed).map(told)).toEqual(NAMES.map((name) => `error ${name} kube-apiserver: not ready: etcd`));
});

test('certificates are listed with the first to end first, and a CA that all nodes share once', () => {
  const { certificates } = statusOf(wellCluster(), BUNDLES, NOW);
  expect(certificates.map(({ name, nodes, daysLeft }) => [name, nodes.join(), daysLeft])).toEqual([
    ['apiserver', 'cp1', 364],
    ['etcd/server', 'cp1', 364],
    ['apiserver', 'cp2', 364],
    ['etcd/server', 'cp2', 364],
    ['apiserver', 'cp3', 364],
    ['etcd/server', 'cp3', 364],
    ['ca', 'cp1,cp2,cp3', 3649],
  ]);
  expect(certificates[0]?.notAfter).toBe(new Date(NOW + 364.5 * DAY).toISOString());
});
