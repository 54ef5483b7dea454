import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { emitYaml } from '../../src/base/yaml-emit.ts';
import { clusterObjects } from '../../src/render/cluster/cluster-objects.ts';
import { clusterOf, contextFor, fakePki, specOf } from './fixtures.ts';

/** What goes into the API, byte for byte, so that every change of it is seen in review. UPDATE_GOLDEN=1 writes it anew. */
const CLUSTERS = {
  single: {},
  '1.33': { kubernetesVersion: 'v1.33.5' },
  'dual-stack-custom': {
    nodes: [
      {
        name: 'cp1',
        addresses: ['10.0.0.11', 'fd00::11'],
        labels: { zone: 'a' },
        taints: [{ key: 'dedicated', value: 'cp', effect: 'NoExecute' }],
      },
    ],
    networking: { serviceSubnet: '10.96.0.0/16,fd00:96::/112', podSubnet: '10.244.0.0/16,fd00:244::/56' },
    imageRepository: 'registry.example.com/k8s',
    kubelet: { config: { maxPods: 50, evictionHard: { 'memory.available': '5%' } } },
    proxy: { config: { mode: 'ipvs', ipvs: { strictARP: true } } },
    apiServer: { extraArgs: { 'audit-log-maxage': 30 } },
  },
  'no-addons': { dns: { disabled: true }, proxy: { disabled: true } },
};

test.each(Object.entries(CLUSTERS))(
  'the objects of a cluster of kind %s are the ones on record',
  async (name, more) => {
    const cluster = clusterOf(specOf(1, more));
    const { objects, nodes } = clusterObjects(cluster, fakePki(cluster), await contextFor(cluster));
    const text = [...objects.map(({ data }) => emitYaml(data)), `# ${JSON.stringify(nodes)}\n`].join('---\n');
    const file = fileURLToPath(new URL(`../golden/cluster-objects/${name}.yaml`, import.meta.url));
    if (process.env['UPDATE_GOLDEN']) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    expect(text).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '');
  },
);
