import { describe, expect, test } from 'vitest';
import type { JsonMap } from '../../../src/render/json.ts';
import { sorted, workloadsOf } from '../../../src/rollout/rotation/finding.ts';
import { podFindings } from '../../../src/rollout/rotation/pod-findings.ts';

const LINE = Date.parse('2026-11-23T10:02:00Z');
const BEFORE = '2026-11-23T10:01:59Z';
const AFTER = '2026-11-23T10:02:01Z';
const ACCESS = {
  name: 'kube-api-access',
  projected: {
    sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'kube-root-ca.crt' } }],
  },
};

interface PodMore {
  readonly owner?: readonly [kind: string, name: string];
  readonly volume?: JsonMap;
  readonly mounts?: boolean;
  readonly phase?: string;
  readonly sidecar?: string;
}

function pod(name: string, startedAt: string, more: PodMore = {}): JsonMap {
  const { owner, volume = ACCESS, mounts = true, phase = 'Running', sidecar } = more;
  const status = (container: string, at: string) => ({ name: container, state: { running: { startedAt: at } } });
  const mount = { volumeMounts: mounts ? [{ name: String(volume['name']) }] : [] };
  return {
    metadata: {
      name,
      namespace: 'apps',
      ...(owner && { ownerReferences: [{ kind: owner[0], name: owner[1], controller: true }] }),
    },
    spec: {
      volumes: [volume],
      containers: [{ name: 'main', ...mount }],
      ...(sidecar && { initContainers: [{ name: 'side', restartPolicy: 'Always', ...mount }] }),
    },
    status: {
      phase,
      containerStatuses: [phase === 'Running' ? status('main', startedAt) : { name: 'main', state: {} }],
      ...(sidecar && { initContainerStatuses: [status('side', sidecar)] }),
    },
  };
}

const replicaSet: JsonMap = {
  metadata: {
    name: 'web-7f',
    namespace: 'apps',
    ownerReferences: [{ kind: 'Deployment', name: 'web', controller: true }],
  },
};

const look = (...pods: readonly JsonMap[]) =>
  sorted(
    podFindings({
      pods,
      replicaSets: [replicaSet],
      tokenSecrets: new Set(['apps/legacy']),
      startedBefore: LINE,
    }),
  );

describe('pods that may know the outgoing CA alone', () => {
  test('are told of by what made them, with how they are started anew', () => {
    const findings = look(
      pod('web-2', BEFORE, { owner: ['ReplicaSet', 'web-7f'] }),
      pod('web-1', BEFORE, { owner: ['ReplicaSet', 'web-7f'] }),
      pod('agent-x', BEFORE, { owner: ['DaemonSet', 'agent'] }),
      pod('run-1', BEFORE, { owner: ['Job', 'run'] }),
      pod('odd-1', BEFORE, { owner: ['Rollout', 'odd'] }),
      pod('lone', BEFORE),
    );
    expect(findings.map(({ object, remedy }) => [object, remedy])).toEqual([
      ['DaemonSet apps/agent', '`kubectl rollout restart daemonset/agent -n apps`'],
      ['Deployment apps/web', '`kubectl rollout restart deployment/web -n apps`'],
      ['Job apps/run', 'wait until it has ended, or `kubectl delete job run -n apps`'],
      ['Pod apps/lone', 'delete it and make it again, since nothing else does: `kubectl delete pod lone -n apps`'],
      ['Rollout apps/odd', '`kubectl delete pod odd-1 -n apps`: Rollout odd makes them anew'],
    ]);
    expect(findings[1]?.what).toMatch(/^2 pods \(web-1 and web-2\) have been running since before/);
    expect(workloadsOf(findings)).toEqual([
      { kind: 'DaemonSet', namespace: 'apps', name: 'agent' },
      { kind: 'Deployment', namespace: 'apps', name: 'web' },
    ]);
  });

  test('are those whose containers have been running since before, however old the pod', () => {
    expect(look(pod('restarted', AFTER))).toEqual([]);
    expect(look(pod('ended', BEFORE, { phase: 'Succeeded' }))).toEqual([]);
    expect(look(pod('sidecar', AFTER, { sidecar: BEFORE }))).toHaveLength(1);
  });

  test('are only those that are given a CA or a token, in whatever way', () => {
    expect(look(pod('no-mount', BEFORE, { mounts: false }))).toEqual([]);
    expect(look(pod('scratch', BEFORE, { volume: { name: 'v', emptyDir: {} } }))).toEqual([]);
    const volumes: readonly JsonMap[] = [
      { name: 'v', configMap: { name: 'kube-root-ca.crt' } },
      { name: 'v', secret: { secretName: 'legacy' } },
      { name: 'v', projected: { sources: [{ secret: { name: 'legacy' } }] } },
    ];
    for (const volume of volumes) expect(look(pod('x', BEFORE, { volume }))).toHaveLength(1);
    expect(look(pod('x', BEFORE, { volume: { name: 'v', secret: { secretName: 'tls' } } }))).toEqual([]);
  });
});
