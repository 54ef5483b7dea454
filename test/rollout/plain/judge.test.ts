import { describe, expect, test } from 'vitest';
import { judgePlain, type PlainLook } from '../../../src/rollout/plain/judge.ts';
import { plainPods } from '../../../src/rollout/plain/wanted-pods.ts';
import type { RuntimePod } from '../../../src/rollout/runtime-pods.ts';
import { bundleOf, hex, running, webFile } from './plain-fixtures.ts';

const [WEB] = plainPods(bundleOf('Node01', webFile('web:2')));
if (!WEB) throw new Error('no pod');

/** The pod that `webFile(image)` makes on Node01, as its runtime has it. */
const pod = (image: string, more: Partial<RuntimePod> = {}): RuntimePod => ({
  namespace: 'default',
  name: 'web-node01',
  uid: image,
  configSource: 'file',
  annotations: { 'bootstrap/inputs-digest': hex(''), 'bootstrap/manifest-digest': hex(image) },
  ready: true,
  containers: [running('web')],
  ...more,
});

const judged = (pods: readonly RuntimePod[], more: Partial<PlainLook> = {}) =>
  judgePlain({
    kubelet: undefined,
    pods: [WEB],
    stops: [],
    runtime: { source: 'crictl', pods },
    runs: [],
    before: { pods: [], runs: [] },
    ...more,
  });

describe('a pod that a step starts or replaces', () => {
  test('is what its manifest says, by the digests of its sandbox, and all its containers run', () => {
    expect(judged([pod('web:2')])).toMatchObject({ unmet: [], isHopeless: false, unproven: [] });
    expect(judged([]).unmet).toEqual(['default/web: does not run yet']);
    expect(judged([pod('web:1')]).unmet).toEqual(['default/web: the pod is still the old one']);
    expect(judged([pod('web:2', { ready: false })]).unmet).toEqual(['default/web: its sandbox is not up yet']);
    expect(judged([pod('web:2', { containers: [] })]).unmet).toEqual([
      'default/web: its container web is not there yet',
    ]);
    expect(judged([pod('web:2', { containers: [running('web', { state: 'created' })] })]).unmet).toEqual([
      'default/web: its container web has not started yet',
    ]);
  });

  test('is not proven before the old one has ended', () => {
    expect(judged([pod('web:2'), pod('web:1')]).unmet).toEqual(['default/web: its old pod has not ended yet']);
    const ended = pod('web:1', { ready: false, containers: [running('web', { state: 'exited' })] });
    expect(judged([pod('web:2'), ended]).unmet).toEqual([]);
  });

  test('that ends again and again is hopeless with its third restart', () => {
    const ended = (restarts: number) =>
      judged([pod('web:2', { containers: [running('web', { state: 'exited', restarts })] })]);
    expect(ended(0)).toMatchObject({ unmet: ['default/web: its container web has ended'], isHopeless: false });
    expect(ended(1)).toMatchObject({ unmet: ['default/web: crashes (1 restart)'], isHopeless: false });
    expect(ended(3)).toMatchObject({ unmet: ['default/web: crashes (3 restarts)'], isHopeless: true });
  });

  test('is another sight once it was started again', () => {
    const again = pod('web:2', { containers: [running('web', { restarts: 1 })] });
    expect(judged([again]).signature).not.toBe(judged([pod('web:2')]).signature);
    expect(judged([pod('web:2')]).signature).toBe(judged([pod('web:2')]).signature);
  });

  test('is not the one of the same name that comes by URL', () => {
    expect(judged([pod('web:2', { configSource: 'http' })]).unmet).toEqual(['default/web: does not run yet']);
  });

  test('is known by its UID where only cgroups tell', () => {
    const seen = { namespace: 'default', name: 'web-node01', configSource: undefined, annotations: {}, ready: true };
    const old = { ...seen, uid: 'a', containers: [running('web')] };
    const runtime = (...pods: readonly RuntimePod[]) => ({ runtime: { source: 'cgroup' as const, pods } });
    const before = { pods: [old], runs: [] };
    expect(judged([], { ...runtime(old), before }).unmet).toEqual(['default/web: the pod is still the old one']);
    expect(judged([], { ...runtime({ ...old, uid: 'b' }), before }).unmet).toEqual([]);
    const blind = { ...old, uid: 'b', containers: [running('web', { state: 'unknown' })] };
    expect(judged([], { ...runtime(blind), before })).toMatchObject({
      unmet: [],
      unproven: [
        'default/web: that its container web runs was not seen, only that the pod lives (there is no crictl on the node)',
      ],
    });
  });

  test('has at least written a log where nothing else can be seen', () => {
    const runtime = { source: 'none', pods: [], problem: 'permission denied' } as const;
    const run = (restarts: number, uid = 'a') => ({ pod: 'default/web-node01', uid, restarts });
    const before = { pods: [], runs: [run(0)] };
    expect(judged([], { runtime, before, runs: [run(0)] }).unmet).toEqual(['default/web: has written no log yet']);
    expect(judged([], { runtime, before, runs: [run(0), run(0, 'b')] })).toMatchObject({
      unmet: [],
      unproven: ['default/web: that it runs was not seen, only that it has written a log (crictl: permission denied)'],
    });
    // stopped and started again it has its old UID, and writes its next log
    expect(judged([], { runtime, before, runs: [run(1)] }).unmet).toEqual([]);
    expect(judged([], { runtime, before, runs: [run(3, 'b')] })).toMatchObject({ isHopeless: true });
  });
});

describe('a pod that a step ends', () => {
  const stops = ['default/web-node01'];
  const ends = (...pods: readonly RuntimePod[]) => judged(pods, { pods: [], stops }).unmet;

  test('is gone once none of its containers runs', () => {
    expect(ends(pod('web:1'))).toEqual(['default/web-node01: the pod still runs, but its manifest is gone']);
    expect(ends(pod('web:1', { containers: [running('web', { state: 'exited' })] }))).toEqual([]);
    expect(ends()).toEqual([]);
  });

  test('may come on by URL under the same name', () => {
    expect(ends(pod('web:1', { configSource: 'http' }))).toEqual([]);
  });
});

test('the kubelet must be well, whatever runs', () => {
  expect(judged([pod('web:2')], { kubelet: 'not ready: syncloop' }).unmet).toEqual(['kubelet: not ready: syncloop']);
});

test('of init containers only sidecars go on', () => {
  const text = `kind: Pod
metadata: {name: web}
spec:
  initContainers:
    - {name: setup}
    - {name: mesh, restartPolicy: Always}
  containers:
    - {name: web}
    - {name: log}
`;
  const file = { ...webFile('web:1'), content: Buffer.from(text) };
  expect(plainPods(bundleOf('node01', file))[0]?.containers).toEqual(['mesh', 'web', 'log']);
});
