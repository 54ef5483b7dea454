import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { renderCluster } from '../../src/render/render.ts';
import { contextFor, fakePki } from '../render/fixtures.ts';
import { clusterOf, file, THREE } from '../support/spec.ts';

/**
 * What is rendered, byte for byte, so that every change of it is seen in review. UPDATE_GOLDEN=1 writes it anew.
 * Files with certificates or keys are left out: they are fake here.
 */
const here = fileURLToPath(new URL('.', import.meta.url));
const SHOWN =
  /\/(manifests\/.*|controller-manager\.conf|scheduler\.conf|kubelet\.conf|config\.yaml|20-bootstrap\.conf|kubelet\.service)$/;

const CLUSTERS: Readonly<Record<string, { readonly spec: string; readonly nodes: readonly string[] }>> = {
  single: { spec: 'profiles: [single]\nnodes: [{name: cp1, addresses: [10.0.0.11]}]', nodes: ['cp1'] },
  ha: { spec: `profiles: [ha]\n${THREE}\nnetworking: {podSubnet: 10.244.0.0/16}`, nodes: ['cp1', 'cp3'] },
  'ha-external-etcd': {
    spec: `profiles: [ha-external-etcd]\n${THREE}\netcd: {external: {endpoints: ["https://10.1.0.1:2379"], caFile: /etc/etcd/ca.crt, certFile: /etc/etcd/c.crt, keyFile: /etc/etcd/c.key}}`,
    nodes: ['cp1'],
  },
  'ha-rhel-small': { spec: `profiles: [ha, rhel, small]\n${THREE}`, nodes: ['cp1'] },
  'dual-stack': {
    spec: 'nodes: [{name: cp1, hostname: cp1.example.com, addresses: [10.0.0.11, "fd00::11"], labels: {zone: a}}]\nnetworking: {serviceSubnet: "10.96.0.0/16,fd00:96::/112", podSubnet: "10.244.0.0/16,fd00:244::/56"}\nkubelet: {installUnit: true}',
    nodes: ['cp1'],
  },
  'ipv6-1.33': {
    spec: 'kubernetesVersion: v1.33.0\nnodes: [{name: cp1, addresses: ["fd00::11"]}]\nnetworking: {serviceSubnet: "fd00:96::/112"}',
    nodes: ['cp1'],
  },
  '1.37': { spec: 'kubernetesVersion: v1.37.1\nnodes: [{name: cp1, addresses: [10.0.0.11]}]', nodes: ['cp1'] },
};

describe.each(Object.entries(CLUSTERS))('the files of a cluster of kind %s', (name, { spec, nodes }) => {
  test('are the ones on record', async () => {
    const cluster = clusterOf(
      file(`${spec.includes('kubernetesVersion') ? '' : 'kubernetesVersion: v1.36.2\n'}${spec}`),
    );
    const { bundles } = renderCluster(cluster, fakePki(cluster), await contextFor(cluster));
    const rendered = new Map(
      bundles
        .filter((bundle) => nodes.includes(bundle.node))
        .flatMap((bundle) =>
          bundle.files
            .filter(({ path }) => SHOWN.test(path))
            .map(({ path, content }) => [`${bundle.node}${path}`, content.toString()] as const),
        ),
    );
    const root = join(here, name);
    if (process.env['UPDATE_GOLDEN']) {
      rmSync(root, { recursive: true, force: true });
      for (const [path, text] of rendered) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), text);
      }
    }
    const recorded = existsSync(root)
      ? readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      : [];
    const onRecord = new Map(
      recorded.map(({ parentPath, name: base }) => [
        join(parentPath, base).slice(root.length + 1),
        readFileSync(join(parentPath, base), 'utf8'),
      ]),
    );
    expect([...rendered.keys()].sort()).toEqual([...onRecord.keys()].sort());
    for (const [path, text] of rendered) expect(text, path).toBe(onRecord.get(path));
  });
});
