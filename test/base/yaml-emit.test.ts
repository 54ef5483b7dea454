import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { emitYaml, flowValue, quotedScalar, type YamlValue } from '../../src/base/yaml-emit.ts';
import { needTool } from '../support/tools.ts';

/** Strings that some YAML parser reads as something else when they stand unquoted, or refuses to read at all. */
const TRAPS = [
  '',
  ' ',
  '~',
  'null',
  'NULL',
  'true',
  'True',
  'yes',
  'No',
  'on',
  'OFF',
  'y',
  'N',
  '<<',
  '=',
  '-',
  '--',
  '---',
  '...',
  '0',
  '007',
  '0o14',
  '0b11',
  '0x1F',
  '1_000',
  '1e3',
  '1.',
  '.5',
  '+1',
  '-0',
  '.inf',
  '.NaN',
  '12:30:45',
  '2001-01-01',
  '10.0.0.11',
  'a: b',
  'a #b',
  'a:',
  ':a',
  '#a',
  '&a',
  '*a',
  '!a',
  '|',
  '>',
  '%a',
  '@a',
  '`a',
  '?',
  '? a',
  '- a',
  '[a',
  '{a',
  'a\nb',
  'a\r\nb',
  '\ta',
  'a\u0085b',
  'a\u2028b',
  '\ufeffa',
  'a\ufffeb',
  '\u0000',
  '\u007f',
  '\u009f',
  '😀',
  'é',
  '"',
  "'",
  '\\',
  '--flag=a b',
  '--flag=x: y',
  '--flag=[::1]',
  'k8s.gcr.io/x:v1',
  'https://10.0.0.1:6443',
  '100m',
  '${x}',
  '{{x}}',
]; // prettier-ignore

/** Half of a surrogate pair is the one thing that no YAML file can hold. */
const text = fc.oneof(
  fc.constantFrom(...TRAPS),
  fc.string({ unit: 'binary' }).filter((s) => !/\p{Surrogate}/u.test(s)),
  fc.array(fc.constantFrom(...TRAPS), { maxLength: 4 }).map((parts) => parts.join('')),
);
const value: fc.Arbitrary<YamlValue> = fc.letrec<{ value: YamlValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3, noNullPrototype: false }),
  ),
})).value;

function read(source: string, version: '1.1' | '1.2'): unknown {
  const document = parseDocument(source, { version, merge: false, prettyErrors: false });
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return document.toJS();
}

/** -0 has no text of its own in JSON either. */
const asJson = (v: YamlValue): unknown => JSON.parse(JSON.stringify(v));

describe('emitYaml', () => {
  it('gives what both YAML 1.1 and YAML 1.2 read back as the same data', () => {
    fc.assert(
      fc.property(value, (data) => {
        const source = emitYaml(data);
        expect(asJson(read(source, '1.2') as YamlValue)).toEqual(asJson(data));
        expect(asJson(read(source, '1.1') as YamlValue)).toEqual(asJson(data));
      }),
      { numRuns: 400 },
    );
  });

  it.each(TRAPS)('keeps %j a string, as a value, a key and a list item', (trap) => {
    for (const version of ['1.1', '1.2'] as const) {
      expect(read(emitYaml({ [trap || 'empty']: [trap, { a: trap }] }), version)).toEqual({
        [trap || 'empty']: [trap, { a: trap }],
      });
    }
  });

  it('writes what kubeadm writes plain without quotes, in sorted keys and lists that are not indented', () => {
    const data = {
      b: ['--allow-privileged=true', '--etcd-servers=https://127.0.0.1:2379'],
      a: { image: 'registry.k8s.io/etcd:3.6.8-0' },
      c: {},
      d: [],
    };
    expect(emitYaml(data)).toBe(
      'a:\n  image: registry.k8s.io/etcd:3.6.8-0\nb:\n- --allow-privileged=true\n- --etcd-servers=https://127.0.0.1:2379\nc: {}\nd: []\n',
    );
  });

  it('quotes what only looks harmless', () => {
    expect(emitYaml({ version: '1.10', port: '6443', on: 'off', address: '10.0.0.11' })).toBe(
      'address: "10.0.0.11"\n"on": "off"\nport: "6443"\nversion: "1.10"\n',
    );
  });

  it('gives the same bytes whatever the order of the keys', () => {
    expect(emitYaml({ b: 1, a: { d: 2, c: 3 } })).toBe(emitYaml({ a: { c: 3, d: 2 }, b: 1 }));
  });

  it('writes a key that is too long for one line as an explicit one', () => {
    const long = 'k'.repeat(1500);
    expect(read(emitYaml([{ [long]: ['a', 'b'], z: { [long]: { x: 1 } } }]), '1.2')).toEqual([
      { [long]: ['a', 'b'], z: { [long]: { x: 1 } } },
    ]);
  });

  it('writes half a surrogate pair as the replacement character, as UTF-8 does', () => {
    expect(quotedScalar('a\ud800b')).toBe('"a\ufffdb"');
  });

  it('refuses a number that is none', () => {
    expect(() => emitYaml({ a: Number.NaN })).toThrow(RangeError);
  });
});

describe('flowValue', () => {
  it('keeps any data on one line that reads back unchanged', () => {
    fc.assert(
      fc.property(value, (data) => {
        const source = flowValue(data);
        expect(source).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
        expect(asJson(read(source, '1.2') as YamlValue)).toEqual(asJson(data));
      }),
      { numRuns: 200 },
    );
  });
});

const hasKubectl = needTool('kubectl');

describe.skipIf(!hasKubectl)('kubectl (the YAML parser of Go)', () => {
  it('reads every hostile string back unchanged', () => {
    const strings = [...TRAPS, ...fc.sample(text, { numRuns: 400, seed: 1 })];
    const data = Object.fromEntries(strings.map((s, i) => [`k${i}`, s]));
    const source = emitYaml({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'x', namespace: 'default' },
      data,
    });
    const json = execFileSync('kubectl', ['annotate', '--local', '-f', '-', 'a=b', '-o', 'json'], {
      input: source,
      encoding: 'utf8',
    });
    expect((JSON.parse(json) as { data: unknown }).data).toEqual(data);
  });
});
