import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { emitYaml, flowValue, type YamlValue } from '../../src/base/yaml-emit.ts';
import { readBlockYaml } from '../../src/render/read-block-yaml.ts';

const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

function library(text: string): unknown {
  try {
    return plain(parse(text, { version: '1.2', maxAliasCount: 0, logLevel: 'error' }));
  } catch {
    return 'refused';
  }
}

const SIMPLE = [
  '"x"',
  '"x: y"',
  '"\\n"',
  '{"a": 1}',
  '[]',
  'true',
  'null',
  '0',
  '100m',
  '10.0.0.1',
  '--flag=x',
  '/etc',
  'https://x',
  'a.b:c',
];
const TRICKY = [
  '"\\u2028"',
  "'q'",
  '{}',
  '[1, 2]',
  '{a: b}',
  'True',
  'yes',
  '~',
  '1.5',
  '0x1',
  '007',
  '2001-01-01',
  '--flag=a: b',
  '--flag=a #b',
  '# note',
  'x # note',
  'x#y',
  '|',
  '>',
  '&a x',
  '*a',
  '!t x',
  ': ',
  'x:',
  '{"a": 1, "a": 2}',
  '@',
  '`',
  ',',
  ']',
  'a b',
  '12345678901234567890',
  '-1',
  '- x',
  '-',
  '',
  '"a" "b"',
  '"a',
  'é',
  '0.0.0.0.0',
  '1e3',
  '08',
]; // prettier-ignore
const KEYS = ['a', 'b', 'c', 'd.e/f', '"k"', '"l m"', '- a', '- b', '- - c'];
const TRICKY_KEYS = ['on', '1', 'a b', '? a', '-', '%Y', '---', '...', '# x', '"a"'];

const mostly = <T>(common: readonly T[], rare: readonly T[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...common) }, { weight: 1, arbitrary: fc.constantFrom(...rare) });
const key = mostly(KEYS, TRICKY_KEYS);
const scalar = mostly(SIMPLE, TRICKY);
const line = fc.oneof(
  scalar.map((text) => `- ${text}`),
  { weight: 2, arbitrary: fc.tuple(key, scalar).map(([name, text]) => `${name}: ${text}`) },
  { weight: 2, arbitrary: key.map((name) => `${name}:`) },
);

/** Lines that are YAML often enough, and often nearly. */
const document = fc
  .array(fc.tuple(fc.constantFrom(0, 0, 2, 2, 4, 1), mostly([''], [' ', '# note']), line), { maxLength: 5 })
  .map((lines) => lines.map(([indent, before, text]) => `${' '.repeat(indent)}${before}${text}\n`).join(''));

describe('readBlockYaml', () => {
  it('reads what it reads just as the library does, and gives up on the rest', () => {
    let read = 0;
    fc.assert(
      fc.property(document, (text) => {
        const value = readBlockYaml(text);
        if (value === undefined) return;
        read++;
        expect(plain(value)).toEqual(library(text));
      }),
      { numRuns: 10_000 },
    );
    expect(read).toBeGreaterThan(500);
  });

  it('reads every document that the emitter writes, or leaves it to the library', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('--a=b', '/etc', 'x', '100m', 'yes', '1', ''),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
    );
    const value = fc.letrec<{ v: YamlValue }>((tie) => ({
      v: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('v'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b-c', 'd.e/f', 'on', '1', 'x y'), tie('v'), { maxKeys: 3 }),
      ),
    })).v;
    fc.assert(
      fc.property(value, (data) => {
        for (const text of [emitYaml(data), `a: ${flowValue(data)}\n`]) {
          const got = readBlockYaml(text);
          if (got !== undefined) expect(plain(got)).toEqual(library(text));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('keeps a key named __proto__ a key', () => {
    expect(JSON.stringify(readBlockYaml('a: {"__proto__": 1}\n"__proto__": 2\n'))).toBe(
      '{"a":{"__proto__":1},"__proto__":2}',
    );
  });
});
