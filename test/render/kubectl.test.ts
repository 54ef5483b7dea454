import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { clusterKubeconfigs } from '../../src/render/render.ts';
import { needTool } from '../support/tools.ts';
import { clusterOf, fakePki, render, specOf } from './fixtures.ts';

const hasKubectl = needTool('kubectl');

const settings = {
  apiServer: {
    extraArgs: { v: 2 },
    extraEnvs: [
      { name: 'GOGC', value: '80' },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    ],
    extraVolumes: [{ name: 'x', hostPath: '/x', mountPath: '/x', readOnly: true }],
    resources: { limits: { memory: '2Gi' } },
  },
  patches: [
    {
      target: 'kube-apiserver',
      patch: { spec: { dnsPolicy: 'ClusterFirstWithHostNet', tolerations: [{ operator: 'Exists' }] } },
    },
  ],
};

describe.skipIf(!hasKubectl)('kubectl', () => {
  const dir = mkdtempSync(join(tmpdir(), 'kubeconfigs-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  it.each([33, 36, 37])('loses nothing when it reads the manifests of 1.%s into its own types', async (minor) => {
    const { bundles } = await render(specOf(1, { kubernetesVersion: `v1.${minor}.1`, ...settings }));
    const manifests = bundles[0]?.files.filter(({ effect }) => effect.kind === 'manifest') ?? [];
    expect(manifests).toHaveLength(4);
    for (const { content } of manifests) {
      const output = execFileSync('kubectl', ['set', 'env', '--local', '-f', '-', 'ADDED=x', '-o', 'json'], {
        input: content,
        encoding: 'utf8',
      });
      const read = JSON.parse(output) as {
        metadata: { creationTimestamp?: null };
        spec: { containers: { env: { name: string }[] }[] };
        status: object;
      };
      const source = parse(content.toString()) as typeof read;
      const [container] = read.spec.containers;
      const env = container?.env.filter(({ name }) => name !== 'ADDED') ?? [];
      const { status: _, metadata, ...rest } = read;
      const { creationTimestamp: __, ...named } = metadata;
      const containers = read.spec.containers.map(({ env: ___, ...others }) => ({
        ...others,
        ...(env.length && { env }),
      }));
      const volumes = { volumes: withTypes(rest.spec) };
      expect({ ...rest, metadata: named, spec: { ...rest.spec, containers, ...volumes } }).toEqual({
        ...source,
        spec: { ...source.spec, volumes: withTypes(source.spec) },
      });
    }
  });

  it('reads every kubeconfig', async () => {
    const output = await render(specOf(3));
    const cluster = clusterOf(specOf(3));
    const node = output.bundles[0]?.files.filter(({ path }) => /^\/etc\/kubernetes\/[^/]+\.conf$/.test(path)) ?? [];
    const files = [
      ...node.map(({ path, content }) => [path.replace(/.*\//, 'node-'), content] as const),
      ...clusterKubeconfigs(cluster, fakePki(cluster), output.context).map(
        ({ name, content }) => [name, content] as const,
      ),
    ];
    const seen = files.map(([name, content]) => {
      const path = join(dir, name);
      writeFileSync(path, content);
      const template = '{.current-context} {.clusters[0].cluster.server}';
      return `${name} ${execFileSync('kubectl', ['--kubeconfig', path, 'config', 'view', '-o', `jsonpath=${template}`], { encoding: 'utf8' })}`;
    });
    expect(seen).toEqual([
      'node-admin.conf kubernetes-admin@kubernetes https://lb.example.com:6443',
      'node-controller-manager.conf system:kube-controller-manager@kubernetes https://10.0.0.11:6443',
      'node-kubelet.conf system:node:cp1@kubernetes https://10.0.0.11:6443',
      'node-scheduler.conf system:kube-scheduler@kubernetes https://10.0.0.11:6443',
      'admin.conf kubernetes-admin@kubernetes https://lb.example.com:6443',
      'super-admin.conf kubernetes-super-admin@kubernetes https://lb.example.com:6443',
    ]);
  });
});

/** An empty type and none are the same. */
function withTypes(spec: object): unknown {
  const { volumes } = spec as { volumes: { name: string; hostPath: { path: string; type?: string } }[] };
  return volumes.map(({ name, hostPath }) => ({ name, hostPath: { type: '', ...hostPath } }));
}
