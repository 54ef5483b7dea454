import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPublished } from '../../../src/cli/pods/published.ts';
import { emptyDir } from '../../support/cli.ts';

const SHA = '0'.repeat(64);

test('what is published is read node by node, and what is not whole counts as nothing', () => {
  const dir = emptyDir();
  expect(readPublished(dir)).toBeUndefined();
  mkdirSync(join(dir, 'serve/nodes'), { recursive: true });
  const write = (name: string, data: unknown) => writeFileSync(join(dir, 'serve', name), JSON.stringify(data));
  write('index.json', {
    version: 1,
    cluster: 'c',
    endpoint: 'pods:8443',
    pollSeconds: 20,
    tls: { certificate: SHA, key: SHA },
    nodes: { n1: { token: SHA, list: { sha256: SHA, pods: ['default/web'] } }, n2: { token: SHA } },
  });
  expect(readPublished(dir)).toBeUndefined();
  const annotations = { 'bootstrap/manifest-digest': SHA };
  write('nodes/n1.json', {
    kind: 'PodList',
    items: [{ metadata: { name: 'web', annotations } }, { metadata: { name: 'x', namespace: 'kube-system' } }],
  });
  expect(readPublished(dir)).toEqual(
    new Map([
      [
        'n1',
        new Map([
          ['default/web', SHA],
          ['x', ''],
        ]),
      ],
    ]),
  );
  writeFileSync(join(dir, 'serve/index.json'), '{');
  expect(readPublished(dir)).toBeUndefined();
});
