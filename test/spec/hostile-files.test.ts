import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { BootstrapError } from '../../src/base/errors.ts';
import { describeFault, type Fault } from '../../src/base/fault.ts';
import { checkCluster, renderCluster } from '../../src/render/render.ts';
import { loadCluster } from '../../src/spec/load.ts';
import { CLUSTER_SCHEMA, resolved, type SchemaNode } from '../../src/spec/schema.ts';
import type { Json } from '../../src/spec/tree.ts';
import { contextFor, fakePki } from '../render/fixtures.ts';

/** Everything that the schema knows, with values of many kinds in every place: right ones, wrong ones, hostile ones. */
const HOSTILE = [
  'x\n        privileged: true',
  '"\n- --authorization-mode=AlwaysAllow',
  'a: b',
  'a #b',
  '{{yaml image}}',
  '${HOME}',
  '%n',
  '&a',
  '*a',
  '!!js',
  '__proto__',
  'constructor',
  'yes',
  'null',
  '0o14',
  '1_000',
  '12:30:45',
  '../../etc/passwd',
  '/etc/kubernetes/manifests/x',
  '10.0.0.999',
  '::',
  '0.0.0.0',
  'a'.repeat(300),
  '\u0000',
  '\ud800',
  '\u2028',
  '',
  ' ',
  '-',
  '--v=4',
]; // prettier-ignore

const GOOD: Readonly<Record<string, readonly string[]>> = {
  ip: ['10.0.0.11', '10.0.0.12', 'fd00::1'],
  'node-name': ['cp1', 'cp2', 'cp3'],
  'kubernetes-version': ['v1.36.2', 'v1.33.0', 'v1.37.1'],
  endpoint: ['api.example.com', '10.0.0.10:6443', '[fd00::9]:443'],
  'cidr-list': ['10.96.0.0/16', '10.244.0.0/16', 'fd00:96::/112'],
  'dns-name': ['cluster.local'],
  path: ['/etc/a', '/var/lib/etcd', '/etc/kubernetes/pki/ca.crt'],
  duration: ['8760h', '1h'],
  mode: ['0600'],
  'etcd-url': ['https://10.1.0.1:2379'],
  'image-repository': ['registry.example.com/k8s'],
  quantity: ['250m', '1Gi'],
  san: ['a.example.com', '10.0.0.9'],
  'label-key': ['example.com/a'],
  owner: ['root:root'],
}; // prettier-ignore

const scalar = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.integer({ min: -10, max: 100_000 }),
  fc.boolean(),
  fc.constant(null),
);

interface Choices {
  readonly const?: Json;
  readonly enum?: readonly Json[];
}

function valueFor(node: SchemaNode, depth: number): fc.Arbitrary<Json> {
  const here = resolved(node);
  const wrong: fc.Arbitrary<Json> = fc.oneof(scalar, fc.constant([]), fc.constant({}));
  const right = rightFor(here as SchemaNode & Choices, depth);
  return fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: wrong });
}

function rightFor(here: SchemaNode & Choices, depth: number): fc.Arbitrary<Json> {
  if (here.const !== undefined) return fc.constant(here.const);
  if (here.enum) return fc.constantFrom(...here.enum);
  if (here.properties && depth < 7) {
    const fields = Object.fromEntries(
      Object.entries(here.properties).map(([key, value]) => [key, valueFor(value, depth + 1)]),
    );
    return fc.record(fields, {
      requiredKeys: Object.keys(fields).filter((key) => ['apiVersion', 'kind', 'spec', 'nodes'].includes(key)),
    }) as fc.Arbitrary<Json>;
  }
  if (here.items) return fc.array(valueFor(here.items, depth + 1), { maxLength: 3 });
  if (typeof here.additionalProperties === 'object') {
    const key = fc.oneof(
      fc.constantFrom('v', 'audit-log-maxage', 'feature-gates', 'secure-port', 'bind-address', 'a.b/c'),
      fc.constantFrom(...HOSTILE),
    );
    return fc.dictionary(key, valueFor(here.additionalProperties, depth + 1), { maxKeys: 4 });
  }
  const good = here.format ? GOOD[here.format] : undefined;
  return good ? fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...good) }, scalar) : scalar;
}

const folders = [{ path: new URL('../../profiles', import.meta.url).pathname, shown: 'profiles' }];
const PLACED = /^(cluster\.yaml|profiles\/[\w-]+\.yaml):\d+:\d+: \S/s;

function expectPlaced(faults: readonly Fault[]): void {
  for (const fault of faults) {
    const line = describeFault(fault);
    expect(line).toMatch(PLACED);
    expect(line).not.toMatch(/undefined|\[object|NaN/);
  }
}

test('no cluster file, however wrong, crashes anything, and every error has its place', async () => {
  await fc.assert(
    fc.asyncProperty(valueFor(CLUSTER_SCHEMA as SchemaNode, 0), async (data) => {
      const text = stringify(data);
      try {
        const { cluster, warnings } = loadCluster({
          file: '/nowhere/cluster.yaml',
          shown: 'cluster.yaml',
          profileFolders: folders,
          text,
        });
        expectPlaced(warnings);
        const context = await contextFor(cluster);
        const faults = checkCluster(cluster, context);
        expectPlaced(faults.filter((fault) => fault.at?.origin.kind !== 'default'));
        if (faults.some((fault) => fault.severity === 'error')) return;
        renderCluster(cluster, fakePki(cluster), context);
      } catch (error) {
        if (!(error instanceof BootstrapError)) throw error;
        expect(error.code).toBe('cluster-file');
        expect(error.faults.length).toBeGreaterThan(0);
        expectPlaced(error.faults);
      }
    }),
    { numRuns: 900 },
  );
});

/** A good cluster with a place for a hostile string in each kind of field that takes free text. */
const PLACES: readonly ((value: string) => object)[] = [
  (value) => ({ apiServer: { extraArgs: { 'service-account-issuer': value } } }),
  (value) => ({ apiServer: { extraArgs: { 'service-account-issuer': [value, 'https://a.example.com'] } } }),
  (value) => ({ controllerManager: { extraArgs: { 'cluster-name': value } } }),
  (value) => ({ scheduler: { extraEnvs: [{ name: 'A', value }] } }),
  (value) => ({ etcd: { local: { extraArgs: { 'initial-cluster-token': value } } } }),
  (value) => ({ kubelet: { extraArgs: { 'provider-id': value } } }),
  (value) => ({ kubelet: { config: { providerID: value, clusterDomain: value } } }),
  (value) => ({ files: [{ path: '/etc/a', content: value }] }),
  (value) => ({ patches: [{ target: 'etcd', patch: { metadata: { annotations: { [value || 'a']: value } } } }] }),
];

const shape = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(shape)
    : value !== null && typeof value === 'object'
      ? Object.values(value).map(shape)
      : typeof value;

test('a string in a field is that string in the manifest, and changes nothing else of it', async () => {
  const specFor = (more: object) => ({
    apiVersion: 'bootstrap/v1alpha1',
    kind: 'Cluster',
    spec: { nodes: [{ name: 'cp1', addresses: ['10.0.0.11'] }], ...more },
  });
  const manifests = async (more: object) => {
    const { cluster } = loadCluster({
      file: '/nowhere/cluster.yaml',
      shown: 'cluster.yaml',
      profileFolders: [],
      text: JSON.stringify(specFor(more)),
    });
    const context = await contextFor(cluster);
    const { bundles } = renderCluster(cluster, fakePki(cluster), context);
    return (bundles[0]?.files ?? [])
      .filter((file) => file.path.endsWith('.yaml'))
      .map((file) => parse(file.content.toString(), { schema: 'core' }));
  };
  const benign = await Promise.all(PLACES.map(async (place) => shape(await manifests(place('benign')))));
  const text = fc.oneof(
    fc.constantFrom(...HOSTILE.filter((s) => s !== '')),
    fc.string({ unit: 'binary', minLength: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(PLACES.length - 1), text, async (i, value) => {
      try {
        const rendered = await manifests(PLACES[i]?.(value) ?? {});
        expect(shape(rendered)).toEqual(benign[i]);
      } catch (error) {
        // some flags do not take just any text, and say so
        if (!(error instanceof BootstrapError) || error.code !== 'cluster-file') throw error;
      }
    }),
    { numRuns: 400 },
  );
});
