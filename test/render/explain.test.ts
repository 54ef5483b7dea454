import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeOrigin } from '../../src/base/fault.ts';
import { RENDERINGS } from '../../src/render/component-view.ts';
import { explainFlag, type FlagExplanation } from '../../src/render/explain.ts';
import { POD_COMPONENTS, type PodComponent } from '../../src/render/layout.ts';
import { clusterOf, contextFor, specOf } from './fixtures.ts';

async function explain(component: PodComponent | 'kubelet', flag: string, more: object = {}): Promise<FlagExplanation> {
  const cluster = clusterOf(specOf(1, more));
  const [node] = cluster.nodes;
  if (!node) throw new Error('no node');
  return explainFlag(cluster, node, component, flag, await contextFor(cluster));
}

describe('explainFlag', () => {
  it('leads a default to its line in the template and to the fields that it comes from', async () => {
    const { values, origin } = await explain('kube-apiserver', 'service-cluster-ip-range');
    expect(values).toEqual(['10.96.0.0/12']);
    if (origin.kind !== 'template') throw new Error(origin.kind);
    expect(readFileSync(origin.file, 'utf8').split('\n')[origin.line - 1]).toContain(
      '{{flag "service-cluster-ip-range" serviceSubnets}}',
    );
    expect(origin.from.map((at) => `${at.path} ${describeOrigin(at.origin)}`)).toEqual([
      'spec.networking.serviceSubnet default',
    ]);
  });

  it('names of several fields only those that are set', async () => {
    const { origin } = await explain('kube-apiserver', 'etcd-servers');
    expect(origin).toMatchObject({ kind: 'template', from: [{ path: 'spec.nodes[0].addresses[0]' }] });
    const moved = await explain('kube-apiserver', 'etcd-servers', {
      etcd: { local: { extraArgs: { 'advertise-client-urls': 'https://10.0.0.11:2379' } } },
    });
    expect(moved.origin).toMatchObject({
      from: [{ path: 'spec.etcd.local.extraArgs.advertise-client-urls' }, { path: 'spec.nodes[0].addresses[0]' }],
    });
  });

  it("tells the user's values, those of a patch, and what was taken away", async () => {
    expect(await explain('kube-apiserver', 'v', { apiServer: { extraArgs: { v: [1, 2] } } })).toMatchObject({
      values: ['1', '2'],
      origin: { kind: 'user', at: { path: 'spec.apiServer.extraArgs.v' } },
      template: undefined,
    });
    expect(
      await explain('etcd', 'snapshot-count', { etcd: { local: { extraArgs: { 'snapshot-count': null } } } }),
    ).toMatchObject({
      values: [],
      origin: { kind: 'removed' },
      template: { file: 'templates/manifests/etcd.yaml.hbs' },
    });
    const patches = [
      {
        target: 'kube-scheduler',
        type: 'json',
        patch: [{ op: 'add', path: '/spec/containers/0/command/-', value: '--v=3' }],
      },
    ];
    expect(await explain('kube-scheduler', 'v', { patches })).toMatchObject({
      values: ['3'],
      origin: { kind: 'patch', at: { path: 'spec.patches[0].patch' } },
    });
    expect(await explain('kubelet', 'node-ip', { kubelet: { extraArgs: { 'node-ip': '::' } } })).toMatchObject({
      values: ['::'],
      origin: { kind: 'user' },
    });
  });

  it('tells a flag that is not given from one that does not exist', async () => {
    expect((await explain('kube-apiserver', 'audit-log-maxage')).origin).toEqual({ kind: 'unset' });
    expect((await explain('kube-controller-manager', 'cluster-cidr', { networking: {} })).origin).toEqual({
      kind: 'unset',
    });
    expect((await explain('kube-apiserver', 'audit-log-maxagee')).origin).toEqual({
      kind: 'unknown',
      hint: 'did you mean "audit-log-maxage"?',
    });
  });

  it('knows the sources of every name that a template uses for a flag', async () => {
    const cluster = clusterOf(specOf(1));
    const { templates } = await contextFor(cluster);
    for (const component of POD_COMPONENTS) {
      const { template, sources } = RENDERINGS[component];
      const used = Object.values(templates.get(template)?.flags ?? {}).flatMap(({ uses }) => uses);
      expect(used.filter((name) => !(name in sources))).toEqual([]);
    }
  });
});
