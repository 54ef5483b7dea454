import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import type { Io } from '../../../src/cli/io.ts';
import { appliedText, plannedText, waitingForApi } from '../../../src/cli/rollout/apply-objects-text.ts';

const io = { columns: 60, color: createColors(false) } as Io;
const CHANGES = [
  { kind: 'create', object: 'ClusterRoleBinding kubeadm:cluster-admins', fields: [] },
  { kind: 'change', object: 'Node cp1', fields: ['spec.taints'] },
] as const;

test('a plan of objects shows them as `plan` does, and whom it waits for', () => {
  const planned = { cluster: 'prod', changes: CHANGES, unregistered: ['cp2', 'cp3'] };
  expect(plannedText(planned, io, false).split('\n')).toEqual([
    'objects',
    '  + ClusterRoleBinding kubeadm:cluster-admins',
    '  ~ Node cp1: spec.taints',
    'masters  cp2, cp3: not registered yet; labels and taints',
    '         once they are',
    '',
    '2 API objects applied; 2 masters waited for',
  ]);
  expect(plannedText(planned, io, true)).toBe('2 API objects applied; 2 masters waited for');
});

test('the first time it says how to ask the cluster, and later just what was done', () => {
  const applied = { cluster: 'prod', objects: ['Node cp1'], unregistered: [] };
  expect(appliedText(applied, undefined)).toBe('1 API object applied');
  expect(appliedText(applied, 'kubectl get nodes')).toBe(
    'The API of prod has what it needs: 1 API object applied\n\nNext\n  Ask it:         kubectl get nodes',
  );
});

test('what it waits for is said once for all addresses at which the same was seen', () => {
  const seen = [
    { name: 'api.example.com:6443', seen: 'nobody listens there' },
    { name: '10.0.0.11:6443 (cp1)', seen: 'not ready: etcd' },
    { name: '10.0.0.12:6443 (cp2)', seen: 'nobody listens there' },
  ];
  expect(waitingForApi(seen, 840)).toBe(
    'waits for an API (14 min left): api.example.com:6443, 10.0.0.12:6443 (cp2): nobody listens there; 10.0.0.11:6443 (cp1): not ready: etcd',
  );
});
