import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SecretText } from '../../../src/base/secret.ts';
import { planServed, publishServed } from '../../../src/deliver/serve/publish.ts';
import { loadSnapshot } from '../../../src/deliver/serve/snapshot.ts';
import { emptyDir, filesOf } from '../../support/cli.ts';
import { loopbackPair, podOf, tokenOf, wantedFor } from './fixtures.ts';

const tls = loopbackPair();
const at = () => join(emptyDir(), 'serve');

describe('what is published for the server', () => {
  test('is whole, closed to others, and holds no token', async () => {
    const dir = at();
    await publishServed(dir, wantedFor(['cp1', 'node01'], tls, { others: ['node02'] }));
    expect(filesOf(dir)).toEqual([
      'index.json',
      'nodes/cp1.json',
      'nodes/node01.json',
      'tls/server.crt',
      'tls/server.key',
    ]);
    for (const file of filesOf(dir)) expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const file of filesOf(dir)) expect(readFileSync(join(dir, file), 'utf8')).not.toContain(tokenOf('cp1'));
    const { nodes } = loadSnapshot(dir);
    expect([...nodes].map(([node, { list }]) => [node, list !== undefined])).toEqual([
      ['cp1', true],
      ['node01', true],
      ['node02', false],
    ]);
  });

  test('is written again only where it differs', async () => {
    const dir = at();
    expect(await publishServed(dir, wantedFor(['cp1'], tls))).toBe(true);
    const before = filesOf(dir).map((file) => statSync(join(dir, file)).ino);
    expect(await publishServed(dir, wantedFor(['cp1'], tls))).toBe(false);
    expect(filesOf(dir).map((file) => statSync(join(dir, file)).ino)).toEqual(before);
  });

  test('says beforehand which pods start, restart and stop', async () => {
    const dir = at();
    const pods = (...list: ReturnType<typeof podOf>[]) => ({ served: [{ node: 'cp1', pods: list }] });
    const [a, b, c] = [podOf('a', 1), podOf('b', 1), podOf('c', 1)];
    expect(planServed(dir, pods(a))).toEqual([
      { node: 'cp1', kind: 'create', pods: [{ name: 'default/a', kind: 'start' }] },
    ]);
    await publishServed(dir, { ...wantedFor(['cp1'], tls), ...pods(a, b) });
    expect(planServed(dir, pods(a, b))).toEqual([]);
    expect(planServed(dir, pods(podOf('a', 2), c))).toEqual([
      {
        node: 'cp1',
        kind: 'change',
        pods: [
          { name: 'default/a', kind: 'restart' },
          { name: 'default/b', kind: 'stop' },
          { name: 'default/c', kind: 'start' },
        ],
      },
    ]);
    expect(planServed(dir, undefined)).toMatchObject([{ node: 'cp1', kind: 'remove' }]);
  });

  test('changes for the chosen nodes alone', async () => {
    const dir = at();
    await publishServed(dir, wantedFor(['cp1', 'cp2'], tls));
    const next = wantedFor(['cp1', 'cp2'], tls, { generation: 2 });
    expect(planServed(dir, next, new Set(['cp2'])).map(({ node }) => node)).toEqual(['cp2']);
    await publishServed(dir, next, new Set(['cp2']));
    const generation = (node: string) =>
      /"generation":"(\d)"/.exec(readFileSync(join(dir, `nodes/${node}.json`), 'utf8'))?.[1];
    expect([generation('cp1'), generation('cp2')]).toEqual(['1', '2']);
  });

  test('loses the list of a node that gets no pods any more, and all where nothing is served', async () => {
    const dir = at();
    await publishServed(dir, wantedFor(['cp1', 'cp2'], tls));
    await publishServed(dir, wantedFor(['cp1'], tls, { others: ['cp2'] }));
    expect(readdirSync(join(dir, 'nodes'))).toEqual(['cp1.json']);
    await publishServed(dir, undefined);
    expect(filesOf(dir)).toEqual([]);
  });

  test('is refused where a kubelet would not read it', async () => {
    const big = podOf('big', 1);
    const wanted = { ...wantedFor(['cp1'], tls), served: [{ node: 'cp1', pods: [{ ...big, x: 'x'.repeat(11e6) }] }] };
    await expect(publishServed(at(), wanted)).rejects.toThrow(
      /cp1: its pods by URL are 110\d+ bytes; the kubelet reads/,
    );
  });
});

describe('a snapshot of it', () => {
  const published = async () => {
    const dir = at();
    await publishServed(dir, wantedFor(['cp1'], tls));
    return dir;
  };
  const spoil = async (file: string, change: (text: string) => string) => {
    const dir = await published();
    writeFileSync(join(dir, file), change(readFileSync(join(dir, file), 'utf8')));
    return dir;
  };

  test.each([
    ['nodes/cp1.json', (text: string) => text.slice(0, -2), 'nodes/cp1.json is not what index.json says'],
    ['nodes/cp1.json', () => '', 'nodes/cp1.json is not what index.json says'],
    ['index.json', (text: string) => text.slice(0, 100), /^index\.json .*JSON/],
    ['index.json', () => '', /^index\.json .*JSON/],
    ['index.json', () => '{"version": 2}', 'index.json is of version 2; this program knows version 1'],
    ['tls/server.key', () => 'PRIVATE', 'tls/server.key is not what index.json says'],
  ])('is none while %s is not whole', async (file, change, why) => {
    const dir = await spoil(file, change);
    expect(() => loadSnapshot(dir)).toThrow(why);
  });

  test('is none where a list ends pods, though its digest is right', async () => {
    for (const body of ['{"kind":"PodList","items":[]}', '', '{}', '{"kind":"PodList","items":[{"kind":"Pod"}]}']) {
      const dir = await published();
      writeFileSync(join(dir, 'nodes/cp1.json'), body);
      const { createHash } = await import('node:crypto');
      const index = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8'));
      index.nodes.cp1.list.sha256 = createHash('sha256').update(body).digest('hex');
      writeFileSync(join(dir, 'index.json'), JSON.stringify(index));
      expect(() => loadSnapshot(dir)).toThrow(/^nodes\/cp1\.json /);
    }
  });

  test('is none where the key is that of another certificate, and a secret is in no message', async () => {
    const dir = at();
    await publishServed(dir, { ...wantedFor(['cp1'], tls), tls: { ...tls, key: loopbackPair().key } });
    expect(() => loadSnapshot(dir)).toThrow('tls/server.key does not belong to tls/server.crt');
  });

  test('is the same as before where nothing has changed', async () => {
    const dir = await published();
    const first = loadSnapshot(dir);
    expect(loadSnapshot(dir, first)).toBe(first);
  });

  test('never shows a token', () => {
    expect(JSON.stringify(new SecretText('abc'))).not.toContain('abc');
  });
});
