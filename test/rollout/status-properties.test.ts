import fc from 'fast-check';
import { createColors } from 'picocolors';
import { expect, test } from 'vitest';
import { statusData } from '../../src/cli/status-data.ts';
import { statusText } from '../../src/cli/status-text.ts';
import { POD_COMPONENTS, type PodComponent } from '../../src/render/layout.ts';
import type {
  CertificateSeen,
  ClusterObservation,
  EtcdObservation,
  HealthSeen,
  NodeComponent,
  NodeObservation,
  PodSeen,
} from '../../src/rollout/status/observe.ts';
import { statusExit, statusOf } from '../../src/rollout/status/status-of.ts';
import { bundleOf, facts, NOW } from './status-fixtures.ts';

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const some = <T>(value: T, ...others: readonly T[]) => fc.constantFrom(value, ...others);
/** Words of others: with spaces, quotes, control characters, and long. */
const text = fc.oneof(
  fc.string({ maxLength: 30, unit: 'binary' }),
  fc.string({ maxLength: 300 }),
  some('/etc/kubernetes/manifests/kube-apiserver.yaml.bak', '`', '``a b` c', '\x1b[31m', '{"msg":"m","level":"fatal"}'),
);
const component = fc.constantFrom<PodComponent>(...POD_COMPONENTS);
const anyComponent = fc.constantFrom<NodeComponent>('kubelet', ...POD_COMPONENTS);
const pod: fc.Arbitrary<PodSeen> = fc.record({
  uid: text,
  annotations: fc.dictionary(some('bootstrap/inputs-digest', 'bootstrap/manifest-digest'), some('i1', 'm1', 'x')),
  ready: fc.boolean(),
  phase: some('Running', 'Pending', 'Failed', 'Succeeded', 'Unknown', ''),
  restarts: fc.nat(),
  waitingReason: maybe(some('CrashLoopBackOff', 'ContainerCreating', 'ErrImagePull', '')),
  waitingMessage: maybe(text),
  lastTermination: maybe(fc.record({ exitCode: fc.integer(), reason: maybe(text), message: maybe(text) })),
  startedAt: maybe(some('2026-11-23T11:59:00Z', '2026-11-20T00:00:00Z', 'nonsense')),
});
const health: fc.Arbitrary<HealthSeen> = fc.record({
  ok: fc.boolean(),
  failing: fc.array(text, { maxLength: 5 }),
  seen: text,
});
const moment = fc.oneof(fc.integer({ min: NOW - 4e10, max: NOW + 4e10 }), some(0, 8.64e15, -1e18, NOW));
const certificate: fc.Arbitrary<CertificateSeen> = fc.record({
  path: fc.oneof(some('/etc/kubernetes/pki/apiserver.crt', '/etc/kubernetes/pki/ca.crt'), text),
  notBefore: moment,
  notAfter: moment,
  fingerprint: some('a', 'b', 'c', 'd'),
});
const nodeFacts = fc
  .record({
    clock: moment,
    kubelet: fc.record({
      active: some('active', 'inactive', 'failed', 'activating', 'absent', 'unknown', ''),
      enabled: some('enabled', 'disabled', 'masked', ''),
    }),
    disk: fc.record({ freeBytes: fc.double({ min: 0, max: 1e15, noNaN: true }), writable: fc.boolean() }),
    manifests: fc.subarray(POD_COMPONENTS.map((name) => `${name}.yaml`)),
    current: maybe(some(3, 4, 99)),
    transaction: maybe(
      fc.record({
        state: fc.constantFrom('preparing' as const, 'placing' as const, 'placed' as const),
        to: fc.nat(999),
        digest: text,
        from: fc.nat(999),
      }),
    ),
    lock: maybe(fc.record({ token: text, who: text, since: text, secondsLeft: fc.integer({ min: -99, max: 99 }) })),
    reverted: maybe(fc.record({ revision: fc.nat(999), at: text, why: text })),
  })
  .map((change) => facts('cp1', change));
const node = (name: string): fc.Arbitrary<NodeObservation> =>
  fc.record({
    node: fc.constant(name),
    contact: fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('reached' as const),
          facts: nodeFacts,
          clock: fc.record({ sent: moment, received: moment }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('unreachable' as const), why: text }) },
    ),
    pods: maybe(fc.uniqueArray(fc.tuple(component, pod), { maxLength: 4 }).map((entries) => new Map(entries))),
    health: fc.record(
      { kubelet: health, 'kube-apiserver': health, 'kube-controller-manager': health, 'kube-scheduler': health },
      { requiredKeys: [] },
    ),
    manifests: fc
      .array(fc.tuple(component, fc.record({ inputs: maybe(some('i1')), manifest: maybe(some('m1')) })), {
        maxLength: 4,
      })
      .map((entries) => new Map(entries)),
    logs: fc.array(fc.tuple(anyComponent, text), { maxLength: 3 }).map((entries) => new Map(entries)),
    certificates: fc.array(certificate, { maxLength: 4 }),
    served: fc.array(
      fc
        .tuple(certificate, anyComponent, fc.nat(65_535), fc.boolean())
        .map(([seen, by, port, filed]) => ({ ...seen, component: by, port, path: filed ? seen.path : undefined })),
      { maxLength: 2 },
    ),
    drift: fc.array(
      fc.record({ path: text, what: fc.constantFrom('changed' as const, 'mode' as const), detail: text }),
      { maxLength: 3 },
    ),
    strays: fc.array(text, { maxLength: 3 }),
    kubeletVersion: maybe(fc.oneof(some('v1.36.2', 'v1.37.0', 'v1.30.1'), text)),
  });
const etcd: fc.Arbitrary<EtcdObservation> = fc.oneof(
  fc.constant({ kind: 'external' as const }),
  fc.record({ kind: fc.constant('silent' as const), why: text }),
  fc.record({
    kind: fc.constant('seen' as const),
    view: fc.record({
      members: fc.array(
        fc.record({
          name: fc.oneof(some('cp1', 'cp2', 'cp3', ''), text),
          id: text,
          healthy: fc.boolean(),
          voter: fc.boolean(),
          learner: fc.boolean(),
          leader: fc.boolean(),
          lag: maybe(fc.nat()),
          dbSize: maybe(fc.nat()),
          alarms: fc.array(text, { maxLength: 2 }),
        }),
        { maxLength: 5 },
      ),
      needed: fc.nat(5),
      healthyVoters: fc.nat(5),
      leader: maybe(fc.oneof(some('cp1', 'cp2'), text)),
    }),
  }),
);
const cluster: fc.Arbitrary<ClusterObservation> = fc.nat(4).chain((n) =>
  fc.record({
    name: some('prod', 'kubernetes'),
    kubernetesVersion: fc.constant('v1.36.2'),
    endpoint: maybe(some('api.prod.example.com:6443', '[fd00:1111:2222:3333:4444:5555:6666:7777]:6443')),
    nodes: fc.tuple(...Array.from({ length: n }, (_, i) => node(`cp${i + 1}`))),
    members: fc.constant(['cp1', 'cp2', 'cp3', 'cp4']),
    etcd,
  }),
);

test('whatever was seen and not seen: no exception, no line too long, nothing that moves a cursor, and no fault untold', () => {
  fc.assert(
    fc.property(
      cluster,
      fc.integer({ min: 60, max: 140 }),
      fc.boolean(),
      some('a', 'b'),
      (observed, columns, verbose, wanted) => {
        const bundles = observed.nodes.map(({ node: name }) => ({ ...bundleOf('cp1', wanted), node: name }));
        const status = statusOf(observed, bundles, NOW);
        const printed = statusText(status, { columns, color: createColors(false), verbose });
        expect(printed.split('\n').filter((line) => line.length > columns)).toEqual([]);
        expect(printed).not.toMatch(/[^\P{Cc}\n]/u);
        expect(JSON.parse(JSON.stringify(statusData(status)))).toEqual(statusData(status));
        for (const each of status.nodes) {
          if (each.components.every(({ state }) => state === 'ok')) continue;
          expect(status.problems.some(({ node: name, code }) => name === each.node || code === 'nothing-applied')).toBe(
            true,
          );
        }
        expect(statusExit(status)).toBe(status.problems.length ? 2 : 0);
        expect(printed.includes('All is well.')).toBe(!status.problems.length);
        for (const { what, hint } of status.problems) expect(what && hint).toBeTruthy();
        const severities = status.problems.map(({ severity }) => severity);
        expect(severities).toEqual([...severities].sort());
      },
    ),
    { numRuns: 200 },
  );
});
