import { describe, expect, test } from 'vitest';
import { below, type JsonMap } from '../../../src/render/json.ts';
import type { Workload } from '../../../src/rollout/rotation/finding.ts';
import { restartWorkloads } from '../../../src/rollout/rotation/restart-workloads.ts';
import { rolloutOf } from '../../../src/rollout/rotation/rollout-of.ts';
import { objectsServer } from '../objects-server.ts';

const NOW = Date.parse('2026-11-23T12:00:00.250Z');
const PATH = '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy';
const proxy: Workload = { kind: 'DaemonSet', namespace: 'kube-system', name: 'kube-proxy' };
const daemonSet = (updated: number, annotations: JsonMap = {}): JsonMap => ({
  metadata: { name: 'kube-proxy', generation: 1 },
  spec: { template: { metadata: { annotations } } },
  status: {
    observedGeneration: 1,
    desiredNumberScheduled: 2,
    updatedNumberScheduled: updated,
    numberAvailable: updated,
  },
});
const options = (onUnmet: () => void = () => undefined, seconds = 10) => ({
  seconds,
  pauseMs: 5,
  signal: new AbortController().signal,
  since: NOW - 1000,
  clock: () => NOW,
  onUnmet,
});
const ANNOTATIONS = ['spec', 'template', 'metadata', 'annotations'];

describe('workloads that are restarted', () => {
  test('get the annotation of kubectl, and are waited for', async () => {
    const server = await objectsServer();
    server.put(PATH, daemonSet(0));
    const finish = () => server.edit(PATH, ['status'], daemonSet(2)['status'] ?? null, 'controller');
    expect(await restartWorkloads(server.api, [proxy], options(finish))).toEqual({ restarted: [proxy], unready: [] });
    expect(below(server.stored.get(PATH)?.object, ...ANNOTATIONS)).toEqual({
      'kubectl.kubernetes.io/restartedAt': '2026-11-23T12:00:00Z',
    });
  });

  test('that do not get ready are told of, and what is gone is passed over', async () => {
    const server = await objectsServer();
    server.put(PATH, daemonSet(1));
    const gone: Workload = { kind: 'Deployment', namespace: 'default', name: 'gone' };
    expect(await restartWorkloads(server.api, [gone, proxy], options(undefined, 0))).toEqual({
      restarted: [proxy],
      unready: ['DaemonSet kube-system/kube-proxy has 1 of 2 new pods'],
    });
  });

  test('are not restarted again by a run that goes on', async () => {
    const server = await objectsServer();
    server.put(PATH, daemonSet(2, { 'kubectl.kubernetes.io/restartedAt': '2026-11-23T11:59:59.500Z' }));
    expect((await restartWorkloads(server.api, [proxy], options())).restarted).toEqual([proxy]);
    expect(server.requests.filter((line) => line.startsWith('PATCH'))).toEqual([]);
  });
});

describe('a rollout', () => {
  const unmet = (kind: Workload['kind'], object: JsonMap) => {
    const seen = rolloutOf(kind, object);
    return seen.kind === 'good' ? 'good' : `${seen.kind}: ${seen.unmet.join()}`;
  };
  const deployment = (status: JsonMap, spec: JsonMap = {}) => ({
    metadata: { generation: 2 },
    spec: { replicas: 2, ...spec },
    status: { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2, ...status },
  });

  test('of a Deployment is over when only new pods are left and all are ready', () => {
    expect(unmet('Deployment', deployment({}))).toBe('good');
    expect(unmet('Deployment', deployment({ observedGeneration: 1 }))).toMatch(/^not-yet: has not been looked at/);
    expect(unmet('Deployment', deployment({ updatedReplicas: 1 }))).toBe('not-yet: has 1 of 2 new pods');
    expect(unmet('Deployment', deployment({ replicas: 3 }))).toBe('not-yet: still has 1 old pods');
    expect(unmet('Deployment', deployment({ availableReplicas: 0 }))).toBe('not-yet: has 0 of 2 pods ready');
    const late = { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] };
    expect(unmet('Deployment', deployment(late))).toMatch(/^hopeless: has not got/);
    // that was said of the rollout before
    expect(unmet('Deployment', deployment({ ...late, observedGeneration: 1 }))).toMatch(/^not-yet/);
    expect(unmet('Deployment', deployment({}, { paused: true }))).toMatch(/^hopeless: is paused/);
  });

  test('that nobody carries out is not waited for', () => {
    const onDelete = { metadata: {}, spec: { updateStrategy: { type: 'OnDelete' } }, status: {} };
    expect(unmet('DaemonSet', onDelete)).toMatch(/^hopeless: makes new pods only/);
    const partly = { metadata: {}, spec: { updateStrategy: { rollingUpdate: { partition: 1 } } }, status: {} };
    expect(unmet('StatefulSet', partly)).toMatch(/^hopeless: leaves some/);
  });

  test('of a StatefulSet counts what is ready', () => {
    const set = (status: JsonMap) => ({ metadata: {}, spec: { replicas: 1 }, status });
    expect(unmet('StatefulSet', set({ updatedReplicas: 1, readyReplicas: 1 }))).toBe('good');
    expect(unmet('StatefulSet', set({ updatedReplicas: 1 }))).toBe('not-yet: has 0 of 1 pods ready');
  });
});
