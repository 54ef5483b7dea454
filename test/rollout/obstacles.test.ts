import { describe, expect, test } from 'vitest';
import { makeBundle } from '../../src/bundle/bundle.ts';
import type { NodeFacts } from '../../src/rollout/node-facts.ts';
import { obstaclesOn } from '../../src/rollout/obstacles.ts';
import { bareNode } from './plan-fixtures.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const bare = makeBundle('cp1', [], []);
const withUnit = makeBundle(
  'cp1',
  [],
  [
    {
      path: '/etc/systemd/system/kubelet.service',
      content: Buffer.from(''),
      mode: 0o644,
      owner: 'root:root',
      sensitive: false,
      effect: { kind: 'kubelet-unit' },
    },
  ],
);

const facts = (more: Partial<NodeFacts> = {}): NodeFacts => bareNode({ clock: NOW, ...more }).facts;

describe('what stands in the way on a machine', () => {
  test('is nothing where there is a kubelet, room and a clock that is right', () => {
    expect(obstaclesOn(facts(), bare, NOW)).toEqual([]);
  });

  test('is a missing kubelet, unless its unit is part of what is brought', () => {
    const none = facts({ kubelet: { active: 'absent', enabled: 'absent' } });
    expect(obstaclesOn(none, bare, NOW)).toEqual([
      'there is no kubelet.service: install the kubelet there, or set spec.kubelet.installUnit',
    ]);
    expect(obstaclesOn(none, withUnit, NOW)).toEqual([]);
  });

  test('is a disk that is read-only or has no room for what etcd writes first', () => {
    expect(obstaclesOn(facts({ disk: { freeBytes: 0, writable: false } }), bare, NOW)).toEqual([
      '/var/lib/bootstrap cannot be written: is its file system read-only?',
    ]);
    expect(obstaclesOn(facts({ disk: { freeBytes: 3 << 20, writable: true } }), bare, NOW)[0]).toContain('only 3 MiB');
  });

  test('is a clock at which the certificates are not valid yet', () => {
    expect(obstaclesOn(facts({ clock: NOW - 7_200_000 }), bare, NOW)[0]).toBe(
      "its clock is 7200 s behind this machine's: certificates and etcd go by it",
    );
    expect(obstaclesOn(facts({ clock: NOW + 60_000 }), bare, NOW)).toEqual([]);
  });
});
