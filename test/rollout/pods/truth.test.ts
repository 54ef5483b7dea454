import { describe, expect, test } from 'vitest';
import {
  container,
  declared,
  digest,
  FILE,
  JUST_NOW,
  KEPT,
  manifest,
  mirror,
  NEW,
  node,
  OLD,
  POLLS,
  runtimePod,
  shown,
  told,
  truth,
} from './pods-fixtures.ts';

const CALLED = 'default/static-web-cp1';

describe('a pod by file', () => {
  test('that is in place, runs and is shown is well', () => {
    expect(told({})).toEqual({ rows: ['default/static-web in place/running/none'], problems: [] });
    expect(told({ mirrors: shown([CALLED, mirror()]) })).toEqual({
      rows: ['default/static-web in place/running/seen'],
      problems: [],
    });
  });

  test('that was never applied is only declared', () => {
    const bare = node({ revision: undefined, index: new Map(), files: new Map(), manifests: [], pods: [] });
    const { rows, problems } = truth({ nodes: [bare] });
    expect(rows).toMatchObject([{ source: 'not applied', run: { state: 'absent' } }]);
    expect(problems).toEqual([
      {
        code: 'not-applied',
        node: 'cp1',
        pod: 'default/static-web',
        what: 'is declared, but not applied yet',
        todo: '`bootstrap apply --node cp1`',
      },
    ]);
  });

  test('that has changed in the cluster file runs what is on the node, and that is said once', () => {
    const files = new Map([[FILE, 'old']]);
    const older = node({
      index: files,
      files,
      manifests: [manifest({ digest: OLD })],
      pods: [runtimePod({ digest: OLD })],
    });
    expect(told({ nodes: [older] })).toEqual({
      rows: ['default/static-web older/running/none'],
      problems: ['not-applied: has an older manifest on the node: the new one is not applied yet'],
    });
  });

  test('that was changed, or taken away, by hand is told from one that was not applied', () => {
    const edited = node({ files: new Map([[FILE, 'mine']]), manifests: [manifest({ digest: NEW })] });
    expect(told({ nodes: [edited] }).problems).toEqual([`edited: somebody has changed ${FILE} on the node`]);
    const moved = node({ files: new Map(), manifests: [], pods: [] });
    expect(told({ nodes: [moved] })).toEqual({
      rows: ['default/static-web missing/absent/none'],
      problems: ['edited: somebody has taken its file out of /etc/kubernetes/manifests'],
    });
  });

  test('that runs an older manifest than that in its file is the kubelet’s fault', () => {
    const pods = [runtimePod({ digest: OLD })];
    expect(told({ nodes: [node({ pods })] }).problems).toEqual(['older: runs an older manifest than that in its file']);
    expect(told({ nodes: [node({ pods, kubelet: 'inactive' })] }).problems).toEqual([
      'older: runs an older manifest than that in its file: the kubelet is inactive',
    ]);
    // one that is not of ours, from before
    expect(told({ nodes: [node({ pods: [runtimePod({ digest: '' })] })] }).problems).toHaveLength(1);
    // the old one has yet to end
    const both = [runtimePod({ digest: OLD, uid: 'e'.repeat(32), createdAt: JUST_NOW }), runtimePod()];
    expect(told({ nodes: [node({ pods: both })] }).problems).toEqual([]);
  });

  test('that does not run says why, as far as anybody does', () => {
    const absent = (more: Parameters<typeof node>[0]) => told({ nodes: [node({ pods: [], ...more })] }).problems;
    expect(absent({ kubelet: 'failed' })).toEqual(['not-running: does not run: the kubelet is failed']);
    expect(absent({ kubeletSays: new Map([['default/static-web', 'no port left']]) })).toEqual([
      'not-running: does not run: the kubelet says "no port left"',
    ]);
    expect(absent({})).toEqual(['not-running: does not run, though its file is in place']);
    const run = (pod: Parameters<typeof runtimePod>[0], more: Parameters<typeof node>[0] = {}) =>
      told({ nodes: [node({ pods: [runtimePod(pod)], ...more })] });
    const exited = [container({ state: 'exited', restarts: 3 })];
    expect(run({ containers: exited }, { podSays: new Map([['default/static-web', 'no such file']]) })).toEqual({
      rows: ['default/static-web in place/exited/none'],
      problems: ['not-running: its container web has ended (3 restarts): "no such file"'],
    });
    const unpulled = { kubeletSays: new Map([['default/static-web', 'ErrImagePull: nginx']]) };
    expect(run({ containers: [] }, unpulled)).toEqual({
      rows: ['default/static-web in place/waiting/none'],
      problems: ['not-running: its container web has not started: "ErrImagePull: nginx"'],
    });
    expect(run({ ready: false })).toEqual({
      rows: ['default/static-web in place/down/none'],
      problems: ['not-running: its sandbox is down'],
    });
  });

  test('gets the time that a start may take', () => {
    const pods = [runtimePod({ containers: [], createdAt: JUST_NOW })];
    expect(told({ nodes: [node({ pods })], mirrors: shown() })).toEqual({
      rows: ['default/static-web in place/starting/missing'],
      problems: [],
    });
  });

  test('may have init containers that are done, and not one that never gets done', () => {
    const done = container({ name: 'init', state: 'exited' });
    expect(told({ nodes: [node({ pods: [runtimePod({ containers: [done, container()] })] })] }).problems).toEqual([]);
    const failing = container({ name: 'init', state: 'exited', restarts: 4 });
    expect(told({ nodes: [node({ pods: [runtimePod({ containers: [failing] })] })] }).problems).toEqual([
      'not-running: its container init has ended (4 restarts)',
    ]);
  });

  test('is not alone where a second file declares it, or a URL brings it too', () => {
    const stray = manifest({ path: `${FILE}.bak`, digest: undefined });
    expect(told({ nodes: [node({ manifests: [manifest(), stray] })] }).problems).toEqual([
      `two-sources: a second file declares it: ${FILE}.bak; the kubelet takes the last by name`,
    ]);
    const pods = [runtimePod(), runtimePod({ uid: 'e'.repeat(32), configSource: 'http' })];
    expect(told({ nodes: [node({ pods })] }).problems).toEqual(['two-sources: runs twice, by file and by URL']);
  });

  test('is looked at with what cgroups tell, where there is no crictl', () => {
    const pods = [
      {
        ...runtimePod({ digest: '', configSource: undefined }),
        containers: [container({ image: '', startedAt: undefined as never })],
      },
    ];
    const dim = node({ runtime: { source: 'cgroup', pods } });
    expect(told({ nodes: [dim] })).toEqual({ rows: ['default/static-web in place/running/none'], problems: [] });
    expect(truth({ nodes: [dim] }).notes).toEqual([
      'what runs on cp1 is told by cgroups, without its manifest: there is no crictl',
    ]);
    const blind = node({ runtime: { source: 'none', pods: [], problem: 'no such socket' } });
    expect(told({ nodes: [blind] })).toEqual({ rows: ['default/static-web in place/unknown/none'], problems: [] });
    expect(truth({ nodes: [blind] }).notes).toEqual(['what runs on cp1 cannot be seen: crictl says "no such socket"']);
  });
});

describe('its mirror', () => {
  const problems = (given: Parameters<typeof told>[0]) => told(given).problems;

  test('may be missing for reasons of the API', () => {
    expect(problems({ mirrors: shown() })).toEqual([
      'no-mirror: runs, but kubectl does not show it: the kubelet does not reach the API, or admission refuses the mirror pod',
    ]);
    const said = node({ kubeletSays: new Map([['default/static-web', 'Failed creating a mirror pod: forbidden']]) });
    expect(problems({ nodes: [said], mirrors: shown() })).toEqual([
      'no-mirror: runs, but kubectl does not show it: "Failed creating a mirror pod: forbidden"',
    ]);
    const mirrors = { kind: 'seen', pods: new Map(), namespaces: new Set<string>() } as const;
    expect(problems({ mirrors })).toEqual([
      'no-mirror: runs, but kubectl does not show it: there is no namespace default',
    ]);
    expect(truth({ mirrors: { kind: 'silent', why: 'no apiserver is ready' } })).toMatchObject({
      problems: [],
      notes: ['mirror pods cannot be seen: no apiserver is ready'],
    });
  });

  test('is stale where it shows what does not run', () => {
    const old = mirror({ configHash: 'e'.repeat(32) });
    expect(told({ mirrors: shown([CALLED, old]) })).toEqual({
      rows: ['default/static-web in place/running/stale'],
      problems: ['stale-mirror: kubectl shows an older manifest than the one that runs'],
    });
    const stopped = declared({ isStopped: true });
    const kept = new Map([[KEPT, 'new']]);
    const at = node({ index: kept, files: kept, manifests: [], pods: [] });
    expect(problems({ pods: [stopped], nodes: [at], mirrors: shown([CALLED, mirror()]) })).toEqual([
      'stale-mirror: kubectl shows it, but it does not run',
    ]);
  });

  test('that is not Ready says so once, and not where the reason is told already', () => {
    const unready = shown([CALLED, mirror({ ready: false })]);
    expect(problems({ mirrors: unready })).toEqual([
      'not-ready: is not Ready: its containers run, and a readiness probe says no',
    ]);
    const pods = [runtimePod({ containers: [container({ state: 'exited', restarts: 1 })] })];
    expect(problems({ nodes: [node({ pods })], mirrors: unready })).toHaveLength(1);
    const blind = node({ runtime: { source: 'none', pods: [] } });
    const pulling = mirror({
      ready: false,
      phase: 'Pending',
      waitingReason: 'ErrImagePull',
      waitingMessage: 'no nginx',
    });
    expect(problems({ nodes: [blind], mirrors: shown([CALLED, pulling]) })).toEqual([
      'not-ready: is not Ready: ErrImagePull: no nginx',
    ]);
  });
});

describe('a stopped pod', () => {
  const pods = [declared({ isStopped: true })];
  const kept = new Map([[KEPT, 'new']]);

  test('lies beside the manifests and does not run', () => {
    const at = node({ index: kept, files: kept, manifests: [], pods: [] });
    expect(told({ pods, nodes: [at] })).toEqual({ rows: ['default/static-web stopped/absent/none'], problems: [] });
  });

  test('still runs where that was not applied, where it has yet to end, and where somebody put it back', () => {
    expect(told({ pods })).toEqual({
      rows: ['default/static-web left/running/none'],
      problems: ['not-applied: is stopped in the cluster file, but that is not applied yet'],
    });
    const ending = node({ index: kept, files: kept, manifests: [] });
    expect(told({ pods, nodes: [ending] }).problems).toEqual(['still-running: is stopped, but still runs']);
    expect(told({ pods, nodes: [{ ...ending, kubelet: 'inactive' }] }).problems).toEqual([
      'still-running: still runs: the kubelet is inactive',
    ]);
    const back = node({ index: kept, files: new Map([...kept, [FILE, 'new']]) });
    expect(told({ pods, nodes: [back] })).toEqual({
      rows: ['default/static-web edited/running/none'],
      problems: [`edited: is stopped, but somebody has put ${FILE} back`],
    });
  });

  test('may be on record for a while after its end', () => {
    const at = node({ index: kept, files: kept, manifests: [], pods: [runtimePod({ ready: false })] });
    expect(told({ pods, nodes: [at] })).toEqual({ rows: ['default/static-web stopped/absent/none'], problems: [] });
    const before = runtimePod({ ready: false, digest: OLD, uid: 'e'.repeat(32) });
    expect(told({ nodes: [node({ pods: [before] })] }).problems).toEqual([
      'not-running: does not run, though its file is in place',
    ]);
  });

  test('that goes on waits for the API, where its kubelet has one that does not answer', () => {
    const ending = node({ index: kept, files: kept, manifests: [] });
    const { problems } = truth({ pods, nodes: [ending], mirrors: { kind: 'silent', why: 'no route' } });
    expect(problems).toMatchObject([
      { todo: 'a kubelet ends no pod before it has reached the API once since its start; bring that up first' },
    ]);
  });

  test('that is to run again waits for apply', () => {
    const at = node({ index: kept, files: kept, manifests: [], pods: [] });
    expect(told({ nodes: [at] })).toEqual({
      rows: ['default/static-web stopped/absent/none'],
      problems: ['not-applied: is to run again by the cluster file, but that was not applied yet'],
    });
  });

  test('may have lost its file', () => {
    const bare = node({ index: new Map(), files: new Map(), manifests: [], pods: [] });
    expect(told({ pods, nodes: [bare] }).problems).toEqual([
      'not-applied: is declared as stopped, but not applied yet',
    ]);
    expect(told({ pods, nodes: [{ ...bare, index: kept }] }).problems).toEqual([
      'edited: somebody has taken its file out of /etc/kubernetes/stopped-pods',
    ]);
  });
});

describe('a pod by URL', () => {
  const pods = [declared({ via: 'http' })];
  const byUrl = runtimePod({ configSource: 'http' });
  const polling = (more: Parameters<typeof node>[0] = {}) =>
    node({ index: new Map([[POLLS, 'x']]), files: new Map([[POLLS, 'x']]), manifests: [], pods: [byUrl], ...more });
  const published = { 'default/static-web': NEW };

  test('that is published, polled and runs is well', () => {
    expect(told({ pods, nodes: [polling()], published })).toEqual({
      rows: ['default/static-web by URL/running/none'],
      problems: [],
    });
  });

  test('needs to be published, and the node to know the URL', () => {
    expect(told({ pods, nodes: [polling({ pods: [] })] }).problems).toEqual([
      'not-applied: is declared, but not published for the server yet',
    ]);
    const unaware = polling({ index: new Map(), pods: [] });
    expect(told({ pods, nodes: [unaware], published }).problems).toEqual([
      'not-applied: is published, but the node does not know the URL yet: not applied',
    ]);
    const older = { 'default/static-web': OLD };
    const old = polling({ pods: [{ ...byUrl, ...runtimePod({ digest: OLD, configSource: 'http' }) }] });
    expect(told({ pods, nodes: [old], published: older }).problems).toEqual([
      'not-applied: is published with an older manifest: the new one is not applied yet',
    ]);
    const moving = node({});
    expect(told({ pods, nodes: [moving], published }).problems).toEqual([
      'not-applied: is to come by URL, but its file is still on the node: not applied yet',
    ]);
  });

  test('says which revision the server has and which the node runs', () => {
    const old = polling({ pods: [runtimePod({ digest: OLD, configSource: 'http' })] });
    expect(told({ pods, nodes: [old], published }).problems).toEqual([
      'older: the server has revision aaaaaaaa, the node runs bbbbbbbb',
    ]);
    expect(told({ pods, nodes: [polling({ pods: [] })], published }).problems).toEqual([
      'not-running: the server has revision aaaaaaaa, the node runs none',
    ]);
  });

  test('that is stopped is not served', () => {
    const stopped = [declared({ via: 'http', isStopped: true })];
    expect(told({ pods: stopped, nodes: [polling({ pods: [] })], published: {} })).toEqual({
      rows: ['default/static-web stopped/absent/none'],
      problems: [],
    });
    expect(told({ pods: stopped, nodes: [polling()], published })).toEqual({
      rows: ['default/static-web left/running/none'],
      problems: ['not-applied: is stopped in the cluster file, but still served'],
    });
    expect(told({ pods: stopped, nodes: [polling()], published: {} }).problems).toEqual([
      'still-running: is stopped, but still runs',
    ]);
  });

  test('is not alone where a file declares it too', () => {
    const file = manifest({ path: '/etc/kubernetes/manifests/mine.yaml' });
    const at = polling({ manifests: [file] });
    expect(told({ pods, nodes: [at], published }).problems).toEqual([
      'two-sources: a second file declares it: /etc/kubernetes/manifests/mine.yaml',
    ]);
  });
});

describe('what nobody has declared', () => {
  const stray = manifest({ path: '/etc/kubernetes/manifests/mine.yaml', digest: undefined });

  test('is a stray file, or one of an earlier cluster file', () => {
    const at = node({ index: new Map(), files: new Map(), manifests: [stray], pods: [runtimePod({ digest: '' })] });
    expect(told({ pods: [], nodes: [at] })).toEqual({
      rows: ['default/static-web stray/running/none'],
      problems: ['undeclared: runs, but is in no cluster file: stray file /etc/kubernetes/manifests/mine.yaml'],
    });
    expect(told({ pods: [] })).toEqual({
      rows: ['default/static-web left/running/none'],
      problems: ['not-applied: is no longer in the cluster file, but that is not applied yet'],
    });
    const kept = new Map([[KEPT, 'x']]);
    expect(told({ pods: [], nodes: [node({ index: kept, files: kept, manifests: [], pods: [] })] }).problems).toEqual([
      'not-applied: is no longer in the cluster file, but is still kept on the node, stopped',
    ]);
  });

  test('may be no pod, or one of the control plane', () => {
    const odd = manifest({ path: '/etc/kubernetes/manifests/notes.txt', pod: undefined });
    const etcd = manifest({ path: '/etc/kubernetes/manifests/etcd.yaml.bak', pod: 'etcd' });
    const at = node({ index: new Map(), manifests: [etcd, odd], pods: [] });
    expect(told({ pods: [], nodes: [at], others: ['etcd'] })).toEqual({
      rows: [],
      problems: [
        'undeclared (node): /etc/kubernetes/manifests/notes.txt is no pod that the kubelet can read; it runs every file in /etc/kubernetes/manifests that it can',
        'two-sources: a second file declares it: /etc/kubernetes/manifests/etcd.yaml.bak; the kubelet takes the last by name',
      ],
    });
  });

  test('may come from another URL, or run without a file', () => {
    const at = (configSource: 'file' | 'http' | 'api', index = new Map<string, string>()) =>
      node({ index, files: new Map(), manifests: [], pods: [runtimePod({ configSource })] });
    expect(told({ pods: [], nodes: [at('http')] })).toEqual({
      rows: ['default/static-web stray/running/none'],
      problems: ['undeclared: runs by URL, but is in no cluster file'],
    });
    expect(
      told({ pods: [], nodes: [at('http', new Map([[POLLS, 'x']]))], published: { 'default/static-web': NEW } }),
    ).toEqual({
      rows: ['default/static-web left/running/none'],
      problems: ['not-applied: is no longer in the cluster file, but still served'],
    });
    expect(told({ pods: [], nodes: [at('file')] }).problems).toEqual([
      'still-running: still runs, without a file or URL',
    ]);
    expect(told({ pods: [], nodes: [at('api')] })).toEqual({ rows: [], problems: [] });
  });

  test('is told apart from pods of the API by its UID, where only cgroups tell', () => {
    const pods = [
      runtimePod({ configSource: undefined, digest: '' }),
      runtimePod({ configSource: undefined, digest: '', name: 'other-cp1', uid: '1f2e-3d' }),
    ];
    const at = node({ index: new Map(), files: new Map(), manifests: [], runtime: { source: 'cgroup', pods } });
    expect(told({ pods: [], nodes: [at] }).rows).toEqual(['default/static-web missing/running/none']);
  });
});

describe('a node', () => {
  test('that cannot be reached has rows with nothing known, but for what the API shows', () => {
    const { rows, problems } = truth({
      nodes: [node({ contact: { why: 'no route to host', hint: undefined }, pods: [] })],
      mirrors: shown([CALLED, mirror()]),
    });
    expect(rows).toMatchObject([{ source: 'unknown', run: { state: 'unknown' }, mirror: { kind: 'seen' } }]);
    expect(problems).toMatchObject([
      { code: 'unreachable', pod: undefined, what: 'cannot be reached: no route to host' },
    ]);
  });

  test('that is being changed says so', () => {
    expect(truth({ nodes: [node({ isChanging: true })] }).notes).toEqual([
      'cp1: a revision is being put in place, or is not confirmed yet',
    ]);
  });

  test('of another name has pods of its own', () => {
    const pods = [declared(), declared({ node: 'Node01' })];
    const other = node({ node: 'Node01', pods: [runtimePod({ name: 'static-web-node01', digest: digest('c') })] });
    expect(truth({ pods, nodes: [node(), other] }).problems).toMatchObject([{ node: 'Node01', code: 'older' }]);
  });
});
