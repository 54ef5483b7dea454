import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { BootstrapError } from '../../../src/base/errors.ts';
import { describeFault } from '../../../src/base/fault.ts';
import type { Cluster, ComponentSettings } from '../../../src/spec/cluster.ts';
import { convertKubeadm } from '../../../src/spec/from-kubeadm/convert.ts';
import { clusterOf } from '../../support/spec.ts';
import { fullDocument, yamlOf } from './full-documents.ts';

type Json = Record<string, unknown>;

/** Leaves out what is undefined, as YAML has no word for it. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
/** Any text, also such as would break out of YAML or of a line. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom(
    '',
    'yes',
    '~',
    '1.10',
    '0x1F',
    ': ',
    '# x',
    '- a',
    '{{x}}',
    '"\n  evil: 1',
    '\u0085',
    '\ufeff',
    '\u2028',
    '\0',
    '---',
    '!!js x',
    '&a',
    '*a',
    '%YAML',
  ),
);

const arg = fc.record({ name: fc.oneof(word, fc.constant('__proto__')), value: hostile });
const component = fc.record({
  extraArgs: optional(fc.array(arg, { maxLength: 5 })),
  extraEnvs: optional(
    fc.uniqueArray(fc.record({ name: fc.stringMatching(/^[A-Z_]{1,8}$/), value: hostile }), {
      selector: ({ name }) => name,
      maxLength: 3,
    }),
  ),
  extraVolumes: optional(
    fc.uniqueArray(
      fc.record({
        name: word,
        hostPath: word.map((w) => `/${w}`),
        mountPath: word.map((w) => `/m/${w}`),
        readOnly: fc.boolean(),
      }),
      { selector: ({ name }) => name, maxLength: 3 },
    ),
  ),
});
const cluster = fc.record({
  apiVersion: fc.constant('kubeadm.k8s.io/v1beta4'),
  kind: fc.constant('ClusterConfiguration'),
  clusterName: optional(word),
  controlPlaneEndpoint: fc.constantFrom('api.example.com', 'api.example.com:6443', '203.0.113.5:8443'),
  kubernetesVersion: optional(fc.constantFrom('v1.36.2', '1.35.1', 'stable-1', 'v1.33.0')),
  networking: optional(
    fc.record({
      serviceSubnet: optional(fc.constantFrom('10.96.0.0/16', '10.96.0.0/16,fd00:96::/112')),
      podSubnet: optional(fc.constant('10.244.0.0/16,fd00:244::/56')),
      dnsDomain: optional(word),
    }),
  ),
  apiServer: optional(component),
  controllerManager: optional(component),
  scheduler: optional(component),
  etcd: optional(
    fc.oneof(
      fc.record({
        local: fc.record({ dataDir: word.map((w) => `/${w}`), extraArgs: fc.array(arg, { maxLength: 3 }) }),
      }),
      fc.record({
        external: fc.constant({ endpoints: ['https://e:2379'], caFile: '/ca', certFile: '/c', keyFile: '/k' }),
      }),
    ),
  ),
  encryptionAlgorithm: optional(fc.constantFrom('RSA-2048', 'RSA-4096', 'ECDSA-P256', 'ECDSA-P384')),
  dns: optional(
    fc.record({
      disabled: optional(fc.boolean()),
      imageTag: optional(fc.constantFrom('v1.14.2', '1.2.3-a_b')),
      imageRepository: optional(fc.constantFrom('registry.k8s.io', 'r.example.com:5000/x')),
    }),
  ),
  proxy: optional(fc.record({ disabled: optional(fc.boolean()) })),
  certificatesDir: optional(fc.constantFrom('/pki', '/etc/kubernetes/pki')),
});
const registration = fc.record({
  taints: optional(
    fc.oneof(fc.constant(null), fc.constant([]), fc.constant([{ key: 'a.b/c', value: 'x', effect: 'NoExecute' }])),
  ),
  kubeletExtraArgs: optional(fc.array(arg, { maxLength: 3 })),
  criSocket: optional(fc.constantFrom('unix:///run/crio/crio.sock', 'unix:///var/run/containerd/containerd.sock')),
  imagePullPolicy: optional(fc.constantFrom('Always', 'IfNotPresent')),
});
const kubelet = fc.record({
  maxPods: optional(fc.nat(200)),
  failSwapOn: optional(fc.boolean()),
  evictionHard: optional(fc.dictionary(word, hostile, { maxKeys: 3 })),
  clusterDomain: optional(hostile),
  providerID: optional(hostile),
});

/** A kubeadm configuration of one or three masters that `kubeadm config validate` has nothing against. */
const configuration = fc
  .record({
    cluster,
    registrations: fc.oneof(fc.tuple(registration), fc.tuple(registration, registration, registration)),
    bindPort: fc.constantFrom(undefined, 6443, 7443),
    kubelet: optional(kubelet),
  })
  .map(({ cluster, registrations, bindPort, kubelet }): readonly Json[] => [
    cluster,
    ...registrations.map((fields, i): Json => {
      const nodeRegistration = { ...fields, name: `cp${i + 1}` };
      const localAPIEndpoint = { advertiseAddress: `10.0.0.1${i}`, bindPort };
      const apiVersion = 'kubeadm.k8s.io/v1beta4';
      if (i === 0) return { apiVersion, kind: 'InitConfiguration', nodeRegistration, localAPIEndpoint };
      return {
        apiVersion,
        kind: 'JoinConfiguration',
        nodeRegistration,
        discovery: {
          bootstrapToken: {
            token: 'abcdef.0123456789abcdef',
            apiServerEndpoint: 'api:6443',
            unsafeSkipCAVerification: true,
          },
        },
        controlPlane: { localAPIEndpoint },
      };
    }),
    ...(kubelet ? [{ apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', ...kubelet }] : []),
  ])
  .map(plain);

/** The flags of a block as kubeadm would pass them, each name's in their order. */
function flags(block: unknown): Readonly<Record<string, readonly string[]>> {
  const args = (block as { extraArgs?: readonly { name: string; value: string }[] } | undefined)?.extraArgs ?? [];
  const out = new Map<string, string[]>();
  for (const { name, value } of args) out.set(name, [...(out.get(name) ?? []), value]);
  return Object.fromEntries([...out].map(([name, values]) => [`--${name}`, values]));
}

const rendered = ({ extraArgs }: Pick<ComponentSettings, 'extraArgs'>) =>
  Object.fromEntries(extraArgs.map(({ name, values }) => [`--${name}`, values]));

function expectSame(made: Cluster, documents: readonly Json[]): void {
  const [config, ...others] = documents as readonly [Json, ...Json[]];
  const masters = others.filter(({ kind }) => kind !== 'KubeletConfiguration');
  expect(made.nodes.map(({ name }) => name)).toEqual(masters.map((_, i) => `cp${i + 1}`));
  expect(made.pki.algorithm).toBe(config['encryptionAlgorithm'] ?? 'RSA-2048');
  const { disabled: noDns = false, ...dns } = (config['dns'] ?? {}) as { readonly disabled?: boolean };
  expect(made.dns).toMatchObject({ disabled: noDns, ...dns });
  expect(made.proxy.disabled).toBe((config['proxy'] as Json | undefined)?.['disabled'] ?? false);
  expect(made.pki.serviceAccountAlgorithm).toBe(made.pki.algorithm);
  expect(made.etcd.kind).toBe((config['etcd'] as Json | undefined)?.['external'] ? 'external' : 'local');
  for (const [i, node] of made.nodes.entries()) {
    for (const block of ['apiServer', 'controllerManager', 'scheduler'] as const) {
      expect(rendered(node[block])).toEqual(flags(config[block]));
      expect(node[block].extraEnvs).toEqual((config[block] as Json | undefined)?.['extraEnvs'] ?? []);
    }
    const registered = masters[i]?.['nodeRegistration'] as Json;
    expect(rendered(node.kubelet)).toEqual(flags({ extraArgs: registered['kubeletExtraArgs'] }));
    expect(node.kubelet.criSocket).toBe(registered['criSocket'] ?? 'unix:///var/run/containerd/containerd.sock');
    expect(node.taints).toEqual(
      registered['taints'] ?? [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
    );
  }
}

describe('any valid kubeadm configuration', () => {
  it('becomes a cluster file that is accepted and means the same', () => {
    fc.assert(
      fc.property(configuration, (documents) => {
        const { text } = convertKubeadm({
          file: 'kubeadm.yaml',
          text: documents.map((document) => JSON.stringify(document)).join('\n---\n'),
        });
        expectSame(clusterOf(text), documents);
      }),
      { numRuns: 150 },
    );
  });

  it('gives the same text again', () => {
    fc.assert(
      fc.property(configuration, (documents) => {
        const input = { file: 'kubeadm.yaml', text: documents.map((document) => stringify(document)).join('---\n') };
        expect(convertKubeadm(input)).toEqual(convertKubeadm(input));
      }),
      { numRuns: 30 },
    );
  });
});

describe('any other file', () => {
  const whole = (['v1beta3', 'v1beta4'] as const).map((version) =>
    yamlOf(
      fullDocument(version, 'ClusterConfiguration', /^etcd\.external/),
      fullDocument(version, 'InitConfiguration'),
      fullDocument(version, 'JoinConfiguration'),
    ),
  );
  const junk: fc.Arbitrary<unknown> = fc.oneof(
    hostile,
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.constant([]),
    fc.constant({}),
    fc.constant([null]),
    fc.constant({ a: [{}] }),
    fc.constant([[1]]),
  );

  /** Puts a value somewhere into the documents. */
  function spoil(text: string, where: number, value: unknown): string {
    const documents = parseAllDocuments(text).map((document) => document.toJS() as Json);
    const places: [Json, string][] = [];
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, below] of Object.entries(node)) {
        places.push([node as Json, key]);
        visit(below);
      }
    };
    visit(documents);
    const [owner, key] = places[where % places.length] ?? [{}, ''];
    owner[key] = value;
    return documents.map((document) => stringify(document)).join('---\n');
  }

  const outcome = (text: string): string => {
    try {
      const conversion = convertKubeadm({
        file: 'k.yaml',
        text,
        endpoint: 'api:6443',
        extraNodes: [{ name: 'third', addresses: ['172.17.0.1'] }],
      });
      clusterOf(conversion.text);
      return 'accepted';
    } catch (error) {
      if (!(error instanceof BootstrapError)) throw error;
      expect(error.code).toBe('cluster-file');
      expect(error.faults.length).toBeGreaterThan(0);
      for (const fault of error.faults) expect(describeFault(fault)).toMatch(/^(k\.yaml:\d+:\d+|--(endpoint|node)) ?/);
      return 'refused';
    }
  };

  it('is refused with placed faults or becomes a file that is accepted, wherever it is spoilt', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.nat(), junk, (text, where, value) => {
        seen.add(outcome(spoil(text, where, value)));
      }),
      { numRuns: 200 },
    );
    expect([...seen].sort()).toEqual(['accepted', 'refused']);
  });

  it('is refused with placed faults where its text is cut or mixed up', () => {
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.nat(), hostile, (text, where, value) => {
        const at = where % text.length;
        outcome(text.slice(0, at) + value + text.slice(at));
        outcome(text.slice(0, at));
      }),
      { numRuns: 100 },
    );
  });
});
