import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { describeFault } from '../../src/base/fault.ts';
import type { EnsuredPki } from '../../src/pki/ensure.ts';
import { pkiInventory } from '../../src/pki/inventory.ts';
import { availablePki } from '../../src/pki/list/available.ts';
import { readPki } from '../../src/pki/read.ts';
import { inMemory, openPkiStore } from '../../src/pki/store.ts';
import { testCluster } from './clusters.ts';
import { contents, ensure, modes, refusal, temporaryDirectory } from './tools.ts';

const inventory = pkiInventory(testCluster({ nodes: {}, plainNodes: ['node01', 'node02'], serve: 'pods.example.com' }));
const FILE = 'nodes/node01/static-pod-url.token';

let dir: string;
const pki = (path = '') => join(dir, 'pki', path);
const tokenOf = (made: EnsuredPki, node = 'node01') => made.pki.serve?.tokens.get(node)?.reveal();

beforeEach(() => {
  dir = temporaryDirectory();
});

describe('tokens for static pods by URL', () => {
  test('are 256 random bits for each node, in files for their owner only', async () => {
    const made = await ensure(inventory, dir);
    const tokens = ['node01', 'node02'].map((node) => tokenOf(made, node));
    for (const token of tokens) {
      expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(Buffer.from(token ?? '', 'base64url')).toHaveLength(32);
    }
    expect(new Set(tokens).size).toBe(2);
    expect(readFileSync(pki(FILE), 'utf8')).toBe(`${tokens[0]}\n`);
    expect(modes(pki())[FILE]).toBe('600');
    expect(modes(pki())['nodes/node01']).toBe('700');
    expect(made.changes).toContainEqual({ kind: 'created', path: `pki/${FILE}`, reasons: [] });
  });

  test('come from the randomness that is handed in', async () => {
    const randomBytes = (size: number) => Buffer.alloc(size, 0xfb);
    const made = await ensure(inventory, dir, { randomBytes });
    expect(tokenOf(made)).toBe(Buffer.alloc(32, 0xfb).toString('base64url'));
  });

  test('are kept, and read by whoever only reads', async () => {
    const first = await ensure(inventory, dir);
    const before = contents(dir);
    const second = await ensure(inventory, dir);
    expect(second.changes).toEqual([]);
    expect(contents(dir)).toEqual(before);
    expect(tokenOf(second)).toBe(tokenOf(first));
    const store = openPkiStore(dir);
    expect(readPki(inventory, store).pki.serve?.tokens.get('node02')?.reveal()).toBe(tokenOf(first, 'node02'));
    expect(availablePki(inventory, store).serve?.tokens.get('node02')?.reveal()).toBe(tokenOf(first, 'node02'));
  });

  test('one whose file was removed is made anew, and no other', async () => {
    const first = await ensure(inventory, dir);
    rmSync(pki(FILE));
    const second = await ensure(inventory, dir);
    expect(second.changes).toEqual([{ kind: 'created', path: `pki/${FILE}`, reasons: [] }]);
    expect(tokenOf(second)).not.toBe(tokenOf(first));
    expect(tokenOf(second, 'node02')).toBe(tokenOf(first, 'node02'));
  });

  test('a further node gets one beside the others', async () => {
    const first = await ensure(inventory, dir);
    const more = testCluster({ nodes: {}, plainNodes: ['node01', 'node02', 'node03'], serve: 'pods.example.com' });
    const second = await ensure(pkiInventory(more), dir);
    expect(second.changes.map(({ path }) => path)).toEqual(['pki/nodes/node03/static-pod-url.token']);
    expect(tokenOf(second)).toBe(tokenOf(first));
  });

  test('a dry run makes them and writes nothing', async () => {
    const made = await ensure(inventory, dir, {}, inMemory(openPkiStore(dir)));
    expect(tokenOf(made)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(contents(dir)).toEqual({});
  });

  test('are there with and without a line feed at the end', async () => {
    const first = await ensure(inventory, dir);
    for (const end of ['', '\n', '\r\n']) {
      writeFileSync(pki(FILE), `${tokenOf(first)}${end}`);
      expect(tokenOf(await ensure(inventory, dir))).toBe(tokenOf(first));
    }
  });

  test.each([
    ['empty', ''],
    ['cut off', 'abc\n'],
    ['too long', `${'a'.repeat(44)}\n`],
    ['of other characters', `${'a'.repeat(42)}=\n`],
    ['two of them', `${'a'.repeat(43)}\n${'b'.repeat(43)}\n`],
  ])('a damaged one (%s) is named with the way out, and left as it is', async (_, text) => {
    await ensure(inventory, dir);
    writeFileSync(pki(FILE), text);
    const before = contents(dir);
    const said = await refusal(ensure(inventory, dir));
    expect(said).toContain(`${pki(FILE)}: is not a token`);
    expect(said).toContain('or remove it: a new one is made, and `bootstrap apply` brings it to node01');
    if (text.length > 3) expect(said).not.toContain(text.trim());
    expect(contents(dir)).toEqual(before);
  });

  test('one that others may read is warned of', async () => {
    await ensure(inventory, dir);
    chmodSync(pki(FILE), 0o644);
    const { warnings } = await ensure(inventory, dir);
    expect(warnings.map(describeFault)).toEqual([
      `${pki(FILE)}: others may read this token (mode 0644); chmod 600 ${pki(FILE)}`,
    ]);
  });

  test('one that is missing is said to be by whoever only reads', async () => {
    await ensure(inventory, dir);
    rmSync(pki(FILE));
    const read = async () => readPki(inventory, openPkiStore(dir));
    expect(await refusal(read())).toContain(`${pki(FILE)}: is missing`);
  });

  test('are not shown by whoever prints them', async () => {
    const made = await ensure(inventory, dir);
    const token = tokenOf(made) ?? '';
    const tokens = made.pki.serve?.tokens;
    for (const shown of [
      inspect(made, { depth: null }),
      JSON.stringify([...(tokens ?? [])]),
      `${tokens?.get('node01')}`,
    ])
      expect(shown).not.toContain(token);
  });
});
