import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { answer, podsPath, type ServeState } from '../../../src/deliver/serve/answer.ts';
import { publishServed } from '../../../src/deliver/serve/publish.ts';
import { loadSnapshot } from '../../../src/deliver/serve/snapshot.ts';
import { loopbackPair, tokenOf, wantedFor } from './fixtures.ts';

let state: ServeState;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-answer-'));
  await publishServed(dir, wantedFor(['cp1', 'node01'], loopbackPair(), { others: ['idle'] }));
  state = { kind: 'whole', snapshot: loadSnapshot(dir) };
  rmSync(dir, { recursive: true });
});

const ask = (url: string, authorization?: string, method = 'GET') => answer(state, { url, method, authorization });
const bearer = (node: string) => `Bearer ${tokenOf(node)}`;

describe('the server of static pods answers', () => {
  test('a node with its own list, as JSON', () => {
    const { status, body, headers, node } = ask(podsPath('node01'), bearer('node01'));
    expect({ status, node }).toEqual({ status: 200, node: 'node01' });
    expect(headers['content-type']).toBe('application/json');
    expect(JSON.parse(body.toString()).items.map((pod: { metadata: { name: string } }) => pod.metadata.name)).toEqual([
      'node01-0',
      'node01-1',
    ]);
  });

  test.each([
    ['no token', undefined],
    ['a wrong one', 'Bearer nonsense'],
    ["another node's", bearer('cp1')],
    ['one of another kind', `Basic ${tokenOf('node01')}`],
    ['an empty one', 'Bearer '],
    ['one with something behind it', `${bearer('node01')} x`],
  ])('401 to who shows %s', (_, authorization) => {
    const { status, node, body } = ask(podsPath('node01'), authorization);
    expect({ status, node, body: body.toString() }).toEqual({ status: 401, node: undefined, body: 'unauthorized\n' });
  });

  test('the same to who asks for a node that there is not', () => {
    const [unknown, wrong] = [ask(podsPath('nobody'), bearer('cp1')), ask(podsPath('cp1'), bearer('node01'))];
    expect(unknown).toEqual(wrong);
  });

  test('404 to a node without pods by URL: never with an empty list', () => {
    expect(ask(podsPath('idle'), bearer('idle'))).toMatchObject({ status: 404, node: 'idle' });
    expect(ask(podsPath('idle'), bearer('cp1'))).toMatchObject({ status: 401 });
  });

  test('404 for any other address, and 405 for any other method', () => {
    for (const url of [
      '/',
      '/v1/nodes',
      '/v1/nodes//pods',
      '/v1/nodes/cp1/pods/',
      '/v1/nodes/../cp1/pods',
      `${podsPath('cp1')}?x`,
    ])
      expect(ask(url, bearer('cp1')).status).toBe(404);
    expect(ask(podsPath('cp1'), bearer('cp1'), 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  test('503 to everybody while it is in doubt, and says why only to /healthz', () => {
    const doubt = { kind: 'doubt', why: 'index.json is not there' } as const;
    const said = answer(doubt, { method: 'GET', url: podsPath('cp1'), authorization: bearer('cp1') });
    expect(said).toMatchObject({ status: 503 });
    expect(said.body.toString()).toBe('in doubt\n');
    const health = answer(doubt, { method: 'GET', url: '/healthz', authorization: undefined });
    expect([health.status, health.body.toString()]).toEqual([503, 'index.json is not there\n']);
    expect(ask('/healthz').body.toString()).toBe('ok\n');
  });
});
