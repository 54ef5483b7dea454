import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadPodSchema, needsPodSchema } from '../../src/render/pod-schema.ts';
import { builtinTemplates } from '../../src/render/template/builtin.ts';
import { clusterOf, render, specOf } from './fixtures.ts';

const external = {
  external: { endpoints: ['https://10.9.9.9:2379'], caFile: '/a/ca.crt', certFile: '/b/c.crt', keyFile: '/c/c.key' },
};
const apiServer = {
  extraArgs: {
    'service-account-issuer': ['https://a', 'https://b'],
    'bind-address': '0.0.0.0',
    'enable-bootstrap-token-auth': null,
  },
  extraEnvs: [{ name: 'A', value: '' }, { name: 'B' }],
  extraVolumes: [
    { name: 'x', hostPath: '/x', mountPath: '/x' },
    { name: 'y', hostPath: '/y', mountPath: '/y', pathType: 'Socket', readOnly: true },
  ],
};
const v6 = {
  nodes: [{ name: 'a.b', addresses: ['fd00::1'], hostname: 'c' }],
  networking: { serviceSubnet: 'fd00:96::/112' },
};

describe('the templates of this program', () => {
  it.each([33, 34, 35, 36, 37])('make Pods of whatever settings have no shape of their own, in 1.%s', async (minor) => {
    const validate = await loadPodSchema();
    for (const more of [
      {},
      { networking: {} },
      { hostCACertDirs: [] },
      { etcd: external },
      { apiServer, controllerManager: { extraVolumes: apiServer.extraVolumes } },
      v6,
    ]) {
      const output = await render(specOf(1, { kubernetesVersion: `v1.${minor}.1`, ...more }));
      expect(output.context.validatePod).toBeUndefined();
      for (const { path, content } of output.bundles[0]?.files ?? []) {
        if (!path.includes('/manifests/')) continue;
        expect([path, validate(parse(content.toString())), validate.errors]).toEqual([path, true, null]);
      }
    }
  });

  it.each([
    ['patches', { patches: [{ target: 'etcd', patch: {} }] }],
    ['resources', { scheduler: { resources: { requests: { cpu: '1' } } } }],
    [
      'valueFrom',
      {
        nodes: [{ name: 'a', addresses: ['10.0.0.1'], etcd: { local: { extraEnvs: [{ name: 'A', valueFrom: {} }] } } }],
      },
    ],
  ])('are checked against the schema with %s', (_, more) => {
    expect(needsPodSchema(clusterOf(specOf(1, more)), builtinTemplates())).toBe(true);
  });
});
