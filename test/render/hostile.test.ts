import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import type { Bundle } from '../../src/bundle/bundle.ts';
import type { RenderContext } from '../../src/render/context.ts';
import { nodeOutput } from '../../src/render/node-bundle.ts';
import { planNode } from '../../src/render/plan-node.ts';
import { readSystemdWord } from '../../src/render/template/systemd-quote.ts';
import type { Cluster, ClusterNode, ComponentSettings, ExtraArg } from '../../src/spec/cluster.ts';
import { needTool } from '../support/tools.ts';
import { clusterOf, contextFor, fakePki, specOf } from './fixtures.ts';

/** Strings that break out of a naive template, a YAML parser or a unit file. */
const ATTACKS = [
  'x\n        privileged: true',
  'nginx\n      securityContext:\n        privileged: true',
  '"\n- --authorization-mode=AlwaysAllow\n- "',
  'a: b',
  'a #b',
  '- a',
  '{{yaml x}}',
  '&a *a !t | >',
  '${HOME} %n $$ ;',
  '"\\" \\n',
  '\u0085\u2028\u2029\ufeff',
  'yes',
  '1e3',
  '\u0000\u0007\u007f',
  '__proto__',
  '\ud800',
]; // prettier-ignore

const text = fc.oneof(
  fc.constantFrom(...ATTACKS),
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.string({ minLength: 1 }),
);

const cluster = clusterOf(specOf(3));
const context: RenderContext = await contextFor(cluster);

/** The cluster with a string from `next` in every place that holds one; what decides about whole blocks stays. */
function withStrings(next: () => string): Cluster {
  const at = { path: '', origin: { kind: 'default', rule: '' } } as const;
  const arg = (name: string): ExtraArg => ({ name, values: [next(), next()], at });
  const settings = (): ComponentSettings => ({
    extraArgs: [arg('v'), arg('new-flag')],
    extraEnvs: [
      { name: `A${next()}`, value: next() },
      { name: `B${next()}`, valueFrom: { fieldRef: { fieldPath: next() } } },
    ],
    extraVolumes: [{ name: `z${next()}`, hostPath: next(), mountPath: next(), readOnly: true, pathType: next(), at }],
    resources: { requests: { cpu: next() }, limits: { memory: next() } },
  });
  const node = (original: ClusterNode): ClusterNode => ({
    ...original,
    name: `n${next()}`,
    hostname: `h${next()}`,
    addresses: [next()],
    labels: { a: next(), 'b.example.com/c': next() },
    apiServer: { ...settings(), bindPort: 6443, certSANs: [] },
    controllerManager: settings(),
    scheduler: settings(),
    etcd: {
      ...settings(),
      dataDir: next(),
      imageRepository: next(),
      imageTag: `3.6.8-0${next()}`,
      serverCertSANs: [],
      peerCertSANs: [],
    },
    kubelet: {
      config: { podCIDR: next(), tlsCipherSuites: [next()] },
      extraArgs: [arg('v')],
      criSocket: next(),
      installUnit: true,
    },
  });
  return {
    ...cluster,
    name: next(),
    endpoint: { host: next(), port: 6443 },
    nodes: cluster.nodes.map(node),
    networking: { serviceSubnets: ['10.96.0.0/12'], podSubnets: [next()], dnsDomain: next() },
    imageRepository: next(),
    hostCACertDirs: [`/a${next()}`],
  };
}

function bundlesOf(hostile: Cluster): readonly Bundle[] {
  const pki = fakePki(hostile);
  return hostile.nodes.map((node) => nodeOutput(planNode({ ...context, cluster: hostile, node }, true), pki).bundle);
}

const isYaml = (path: string) => path.endsWith('.yaml') || path.endsWith('.conf');

/** Keys, lists and the kinds of values, but none of the strings. Keys of the user's own are named by their place. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)]));
}

function shapes(bundles: readonly Bundle[], version: '1.1' | '1.2'): unknown {
  return bundles.map((bundle) =>
    bundle.files
      .filter(({ path }) => isYaml(path) && !path.startsWith('/etc/systemd'))
      .map(({ path, content }) => {
        const document = parseDocument(content.toString(), { version, merge: false, prettyErrors: false });
        expect([path, ...document.errors, ...document.warnings]).toEqual([path]);
        return [path.replace(/^.*\//, ''), shape(document.toJS())];
      }),
  );
}

describe('hostile strings in every field', () => {
  let counter = 0;
  const benign = bundlesOf(withStrings(() => `plain${counter++}`));

  it('never change the structure of a file', () => {
    const [wanted11, wanted12] = [shapes(benign, '1.1'), shapes(benign, '1.2')];
    fc.assert(
      fc.property(fc.array(text, { minLength: 5, maxLength: 40 }), (strings) => {
        let i = 0;
        const bundles = bundlesOf(withStrings(() => strings[i++ % strings.length] ?? 'x'));
        expect(shapes(bundles, '1.2')).toEqual(wanted12);
        expect(shapes(bundles, '1.1')).toEqual(wanted11);
      }),
      { numRuns: 25 },
    );
  });

  it("never change the number of words in the kubelet's command", () => {
    const words = (bundle: Bundle | undefined) => {
      const lines =
        bundle?.files
          .find(({ path }) => path.endsWith('20-bootstrap.conf'))
          ?.content.toString()
          .split('\n') ?? [];
      return lines
        .filter((line) => line.startsWith('    '))
        .map((line) => readSystemdWord(line.trim().replace(/ \\$/, '')).split('=')[0]);
    };
    const wanted = words(benign[0]);
    expect(wanted).toContain('--hostname-override');
    fc.assert(
      fc.property(fc.array(text, { minLength: 5, maxLength: 20 }), (strings) => {
        let i = 0;
        const [bundle] = bundlesOf(withStrings(() => strings[i++ % strings.length] ?? 'x'));
        expect(words(bundle)).toEqual(wanted);
        expect(
          bundle?.files
            .find(({ path }) => path.endsWith('20-bootstrap.conf'))
            ?.content.toString()
            .split('\n').length,
        ).toBe(wanted.length + 5);
      }),
      { numRuns: 50 },
    );
  });

  const hasKubectl = needTool('kubectl');

  /** `kubectl label --local` reads YAML with the parser that the kubelet has, and does not look at the types of fields. */
  const kubectl = (input: string) =>
    JSON.parse(
      execFileSync('kubectl', ['label', '--local', '-f', '-', 'a=b', '-o', 'json'], { input, encoding: 'utf8' }),
    ) as unknown;

  it.skipIf(!hasKubectl)('are read by kubectl as the strings that they are', () => {
    let i = 0;
    const attacks = ATTACKS.filter((attack) => !/\p{Surrogate}/u.test(attack));
    const [bundle] = bundlesOf(withStrings(() => attacks[i++ % attacks.length] ?? 'x'));
    const manifests = bundle?.files.filter(({ path }) => path.startsWith('/etc/kubernetes/manifests/')) ?? [];
    expect(manifests).toHaveLength(4);
    for (const { content } of manifests) {
      expect(kubectl(content.toString())).toEqual(kubectl(JSON.stringify(parseDocument(content.toString()).toJS())));
    }
  });
});
