import { describe, expect, it } from 'vitest';
import { convertKubeadm, type KubeadmConversion } from '../../../src/spec/from-kubeadm/convert.ts';
import { type Document, fieldPaths, fullDocument, leaves, type Version, yamlOf } from './full-documents.ts';

const BASE = { nodeRegistration: { name: 'cp1' }, localAPIEndpoint: { advertiseAddress: '10.0.0.11' } };
const init = (version: Version): Document => ({
  apiVersion: `kubeadm.k8s.io/${version}`,
  kind: 'InitConfiguration',
  ...BASE,
});

/** The places that the conversion names, each with what became of it. */
function named({ carried, notCarried }: KubeadmConversion): ReadonlyMap<string, string> {
  return new Map([
    ...notCarried.map(({ at }) => [at.path, 'left'] as const),
    ...carried.map(({ at, to }) => [at.path, to ?? 'asks for nothing'] as const),
  ]);
}

/** Expects each leaf of the document to be named, itself or as part of something named, and carried texts to be there. */
function expectAllNamed(document: Document, conversion: KubeadmConversion): void {
  const places = named(conversion);
  for (const [path, value] of leaves(document)) {
    if (/^(apiVersion|kind)$/.test(path)) continue;
    const owner = [...places.keys()].find(
      (place) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`),
    );
    expect(owner, `${path} is named nowhere`).toBeDefined();
    const fate = places.get(owner ?? '');
    expect(fate, `${path} is set to something`).not.toBe('asks for nothing');
    if (fate === 'left' || path.endsWith('timeAdded')) continue;
    for (const text of [value].flat()) expect(conversion.text, `the value of ${path}`).toContain(String(text));
  }
}

const convert = (...documents: readonly Document[]) =>
  convertKubeadm({ file: 'kubeadm.yaml', text: yamlOf(...documents) });

describe.each<Version>(['v1beta3', 'v1beta4'])('of kubeadm %s', (version) => {
  it.each([
    ['local', /^etcd\.external/],
    ['external', /^etcd\.local/],
  ])('every field of ClusterConfiguration with %s etcd is carried over or named', (_, without) => {
    const document = fullDocument(version, 'ClusterConfiguration', without);
    expect(leaves(document).length).toBeGreaterThan(30);
    expectAllNamed(document, convert(document, init(version)));
  });

  it('every field of InitConfiguration is carried over or named', () => {
    const document = fullDocument(version, 'InitConfiguration');
    const conversion = convert(document);
    expectAllNamed(document, conversion);
    expect(conversion.text).not.toContain('abcdef');
  });

  it('every field of a master’s JoinConfiguration is carried over or named', () => {
    const document = fullDocument(version, 'JoinConfiguration', /^discovery\.file/);
    const third = {
      ...init(version),
      kind: 'JoinConfiguration',
      nodeRegistration: { name: 'cp3' },
      localAPIEndpoint: undefined,
      controlPlane: { localAPIEndpoint: { advertiseAddress: '10.0.0.13' } },
    };
    const endpoint = {
      apiVersion: `kubeadm.k8s.io/${version}`,
      kind: 'ClusterConfiguration',
      controlPlaneEndpoint: 'api:6443',
    };
    const conversion = convert(endpoint, init(version), document, JSON.parse(JSON.stringify(third)) as Document);
    expectAllNamed(document, conversion);
    expect(conversion.text).not.toContain('abcdef');
  });

  it('the table knows exactly the fields of the types', () => {
    for (const kind of ['ClusterConfiguration', 'InitConfiguration', 'JoinConfiguration']) {
      const conversion = [/^etcd\.external|^discovery/, /^etcd\.local|^discovery/].map((without) =>
        convertOf(version, kind, without),
      );
      const unknown = conversion
        .flatMap(({ notCarried }) => notCarried)
        .filter(({ why }) => /is not (a field|one) of/.test(why));
      // a taint's timeAdded is set by the kubelet's master, never by a user
      expect(unknown.map(({ at }) => at.path)).toEqual(unknown.map(() => 'nodeRegistration.taints[0].timeAdded'));
      expect(fieldPaths(version, kind).length).toBeGreaterThan(15);
    }
  });
});

function convertOf(version: Version, kind: string, without: RegExp): KubeadmConversion {
  const document = fullDocument(version, kind, without);
  if (kind === 'ClusterConfiguration') return convert(document, init(version));
  return kind === 'InitConfiguration'
    ? convert(document)
    : convertKubeadm({
        file: 'k.yaml',
        text: yamlOf(init(version), document),
        endpoint: 'api:6443',
        extraNodes: [{ name: 'cp3', addresses: ['10.0.0.13'] }],
      });
}

describe('of the other kinds', () => {
  it.each(['ResetConfiguration', 'UpgradeConfiguration'])('%s is named as a whole', (kind) => {
    const { notCarried } = convert(init('v1beta4'), fullDocument('v1beta4', kind));
    expect(notCarried.map(({ at }) => at.path)).toEqual([kind]);
  });
});
