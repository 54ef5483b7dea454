import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { BootstrapError } from '../../../src/base/errors.ts';
import { describeFault } from '../../../src/base/fault.ts';
import {
  type EntryFields,
  type NewEntry,
  withEntry,
  withFields,
  withoutEntry,
} from '../../../src/spec/edit/edit-static-pods.ts';

const named = (text: string) => ({ shown: 'cluster.yaml', text });
const add = (text: string, entry: NewEntry = { source: 'new.yaml', nodes: ['cp1', 'cp2'] }) =>
  withEntry(named(text), entry);
const remove = (text: string, index = 0) => withoutEntry(named(text), index);
const set = (text: string, fields: EntryFields, index = 0) => withFields(named(text), index, fields);
const lines = (...each: readonly string[]) => each.map((line) => `${line}\n`).join('');

/** What is said where a text cannot be changed. */
function refusal(action: () => string): string {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    return [...error.faults.map(describeFault), error.message, error.hint].join('\n');
  }
}

describe('an entry that is added', () => {
  test('comes to the end of the spec where there is no list, behind the comments there', () => {
    const head = lines('# ours', 'spec:', '  nodes:', '    - name: cp1   # one', '', '  # networking: {}');
    expect(add(`${head}# the end\n`)).toBe(
      `${head}${lines('  staticPods:', '    - source: new.yaml', '      nodes: [cp1, cp2]', '# the end')}`,
    );
  });

  test('is indented as other lists are', () => {
    const head = lines('spec:', '  nodes:', '  - name: cp1');
    expect(add(`${head}metadata: {}\n`)).toBe(
      `${head}${lines('  staticPods:', '  - source: new.yaml', '    nodes: [cp1, cp2]', 'metadata: {}')}`,
    );
  });

  test('follows the last one, wherever that ends', () => {
    const head = lines(
      'spec:',
      '  staticPods:',
      '  -  source: a.yaml # a',
      '     # about a',
      '  - manifest:',
      '      x: |',
      '        text',
    );
    expect(add(`${head}\n  nodes: []\n`, { source: 'b.yaml' })).toBe(`${head}  - source: b.yaml\n\n  nodes: []\n`);
    expect(add('spec:\n  staticPods:\n    - source: a', { source: 'b' })).toBe(
      'spec:\n  staticPods:\n    - source: a\n    - source: b',
    );
  });

  test.each(['[]', '', '~', 'null'])('takes the place of an empty list: %j', (empty) => {
    const text = (comment: string) => `spec:\n  staticPods:${empty && ` ${empty}`}${comment}\n  nodes: [a]\n`;
    const wanted = (comment: string) => lines('spec:', `  staticPods:${comment}`, '    - source: b', '  nodes: [a]');
    for (const comment of ['', ' # none yet']) expect(add(text(comment), { source: 'b' })).toBe(wanted(comment));
  });

  test('stands in brackets where the others do', () => {
    expect(add('spec: {nodes: [{name: cp1}] }  # all\n', { source: 'b' })).toBe(
      'spec: {nodes: [{name: cp1}], staticPods: [{source: b}] }  # all\n',
    );
    expect(add('spec: {staticPods: []}\n', { source: 'b' })).toBe('spec: {staticPods: [{source: b}]}\n');
    expect(add('spec: {staticPods: }\n', { source: 'b' })).toBe('spec: {staticPods: [{source: b}] }\n');
    const head = lines('spec:', '  staticPods: [', '    {source: a}, # a');
    expect(add(`${head}  ]\n`, { source: 'b' })).toBe(`${head}    {source: b},\n  ]\n`);
    expect(add('spec:\n  staticPods: [\n    {source: a} # a\n  ]\n', { source: 'b' })).toBe(
      'spec:\n  staticPods: [\n    {source: a}, # a\n    {source: b}\n  ]\n',
    );
  });

  test('is JSON in JSON', () => {
    const text = JSON.stringify({ kind: 'Cluster', spec: { nodes: [{ name: 'cp1' }] } }, null, 2);
    const entry = { source: 'b.yaml', nodes: ['cp1'] };
    expect(JSON.parse(add(text, entry))).toEqual({
      kind: 'Cluster',
      spec: { nodes: [{ name: 'cp1' }], staticPods: [entry] },
    });
  });

  test('keeps byte-order mark and line ends', () => {
    expect(add('\ufeffspec:\r\n  nodes: []\r\n', { source: 'b' })).toBe(
      '\ufeffspec:\r\n  nodes: []\r\n  staticPods:\r\n    - source: b\r\n',
    );
  });

  test('is quoted where YAML would take it for something else', () => {
    for (const source of ['yes', '1.10', 'a b.yaml', 'a: b', '- a', '#a', '*a', 'é.yaml', '.5', "it's", '{a}', 'a,b']) {
      expect(parse(add('spec:\n  nodes: []\n', { source })).spec.staticPods).toEqual([{ source }]);
      expect(parse(add('spec: {nodes: []}\n', { source })).spec.staticPods).toEqual([{ source }]);
    }
  });
});

describe('an entry that is removed', () => {
  const text = lines(
    'spec:',
    '  staticPods:   # ours',
    '    # the first',
    '    - source: a.yaml # a',
    '      nodes:',
    '        - cp1',
    '      # of the first',
    '    # the second',
    '    - {source: b.yaml, nodes: [cp1]}',
    '    -',
    '      source: c.yaml',
    '',
    '  nodes: []',
  );

  test('takes its lines with it, and no other', () => {
    const without = (...gone: readonly string[]) =>
      text
        .split('\n')
        .filter((line) => !gone.some((part) => line.includes(part)))
        .join('\n');
    expect(remove(text, 0)).toBe(without('a.yaml', '      nodes:', '- cp1', 'of the first'));
    expect(remove(text, 1)).toBe(without('b.yaml'));
    expect(remove(text, 2)).toBe(text.replace('    -\n      source: c.yaml\n', ''));
  });

  test('takes the list with it where it was the last, but no comment of its own line', () => {
    const one = lines(
      'spec:',
      '  nodes: []',
      '  staticPods:',
      '    # ours',
      '    - source: a',
      '      via: file',
      '# end',
    );
    expect(remove(one)).toBe(lines('spec:', '  nodes: []', '    # ours', '# end'));
    expect(remove('spec:\n  nodes: []\n  staticPods:\n    - source: a')).toBe('spec:\n  nodes: []');
    expect(remove('spec: {staticPods: [{source: a}], nodes: []}\n')).toBe('spec: {nodes: []}\n');
    expect(remove('spec: {nodes: [], staticPods: [{source: a}]}\n')).toBe('spec: {nodes: []}\n');
  });

  test('leaves brackets and commas as they have to be', () => {
    const all = 'spec: {staticPods: [{source: a}, {source: b}, {source: c}]}\n';
    expect([0, 1, 2].map((i) => remove(all, i))).toEqual([
      'spec: {staticPods: [{source: b}, {source: c}]}\n',
      'spec: {staticPods: [{source: a}, {source: c}]}\n',
      'spec: {staticPods: [{source: a}, {source: b}]}\n',
    ]);
    const tall = lines(
      'spec: {',
      '  staticPods: [',
      '    {source: a}, # a',
      '    # on b',
      '    {source: b} # b',
      '  ]',
      '}',
    );
    expect(remove(tall, 0)).toBe(tall.replace('    {source: a}, # a\n', ''));
    expect(remove(tall, 1)).toBe(tall.replace('    {source: b} # b\n', '').replace('},', '}'));
  });
});

describe('a field of an entry', () => {
  test('is set, changed and taken away, and nothing else is', () => {
    const text = lines('spec:', '  staticPods:', '    - source: a.yaml  # a', '      # on a', '    - source: b.yaml');
    const stopped = lines(
      'spec:',
      '  staticPods:',
      '    - source: a.yaml  # a',
      '      # on a',
      '      stopped: true',
      '    - source: b.yaml',
    );
    expect(set(text, { stopped: true })).toBe(stopped);
    expect(set(stopped, { stopped: ['cp1'] })).toBe(stopped.replace('true', '[cp1]'));
    expect(set(stopped, { stopped: undefined })).toBe(text);
    expect(set(text, { stopped: true }, 1)).toBe(`${text}      stopped: true\n`);
  });

  test('that is a list changes by the item', () => {
    const text = lines(
      'spec:',
      '  staticPods:',
      '    - nodes:',
      '        - cp1 # first',
      '        - cp2',
      '      source: a',
    );
    expect(set(text, { nodes: ['cp1', 'cp3'] })).toBe(text.replace('- cp2', '- cp3'));
    expect(set(text, { nodes: ['cp1'] })).toBe(text.replace('        - cp2\n', ''));
    expect(set(text, { nodes: undefined })).toBe(lines('spec:', '  staticPods:', '    - source: a'));
    expect(set('spec: {staticPods: [{nodes: [ a, b ], source: c}]}\n', { nodes: ['b', 'd'] })).toBe(
      'spec: {staticPods: [{nodes: [ b, d ], source: c}]}\n',
    );
  });

  test('that was a list of lines becomes a value', () => {
    const text = lines(
      'spec:',
      '  staticPods:',
      '    - source: a',
      '      stopped:',
      '        - cp1',
      '      nodes: [cp1]',
    );
    expect(set(text, { stopped: true })).toBe(
      lines('spec:', '  staticPods:', '    - source: a', '      nodes: [cp1]', '      stopped: true'),
    );
  });
});

describe('what cannot be changed without changing something else', () => {
  const hint = 'cluster.yaml cannot be changed by itself here\nchange it in an editor, then run `bootstrap apply`';

  test('is refused, with its place', () => {
    const alias = 'x: &pods [{source: a}]\nspec:\n  staticPods: *pods\n';
    for (const action of [() => add(alias), () => remove(alias), () => set(alias, { stopped: true })]) {
      expect(refusal(action)).toBe(`cluster.yaml:3:15: spec.staticPods: the alias *pods stands there\n${hint}`);
    }
    const item = 'x: &pod {source: a}\nspec:\n  staticPods:\n    - *pod\n    - source: b\n';
    expect(refusal(() => set(item, { stopped: true }))).toContain('cluster.yaml:4:7: spec.staticPods: the alias *pod');
    expect(remove(item)).toBe(item.replace('    - *pod\n', ''));
  });

  test('is refused where it would mean something else than was wanted', () => {
    const merged = 'x: &x {staticPods: [{source: a}]}\nspec:\n  <<: *x\n  nodes: []\n';
    expect(refusal(() => add(merged))).toContain('written in a way that this program cannot change safely');
    const anchor = 'spec:\n  staticPods:\n    - &a {source: a}\n    - {source: b}\nother: *a\n';
    expect(refusal(() => remove(anchor))).toContain(hint);
    expect(refusal(() => set(anchor, { stopped: true }))).toContain(hint);
    expect(remove(anchor, 1)).toBe(anchor.replace('    - {source: b}\n', ''));
  });
});

test('whatever the style, adding and removing give back every byte, and no comment is lost', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
  const item = fc.record(
    { source: name, nodes: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), via: fc.constant('file') },
    { requiredKeys: ['source'] },
  );
  const style = fc.record({
    items: fc.array(item, { minLength: 1, maxLength: 4 }),
    options: fc.record({
      indent: fc.constantFrom(2, 4),
      indentSeq: fc.boolean(),
      collectionStyle: fc.constantFrom('any' as const, 'flow' as const, 'block' as const),
      flowCollectionPadding: fc.boolean(),
      lineWidth: fc.constantFrom(0, 30),
      trailingComma: fc.boolean(),
    }),
    isLast: fc.boolean(),
    lineBreak: fc.constantFrom('\n', '\r\n'),
    commented: fc.boolean(),
  });
  fc.assert(
    fc.property(style, fc.nat(), ({ items, options, isLast, lineBreak, commented }, nth) => {
      const nodes = { nodes: [{ name: 'cp1' }] };
      const spec = isLast ? { ...nodes, staticPods: items } : { staticPods: items, ...nodes };
      const plain = stringify({ kind: 'Cluster', spec, after: 1 }, options);
      const text = (commented ? plain.replace(/(?<=[\]},\w])\n/g, (end) => ` # note${end}`) : plain).replace(
        /\n/g,
        lineBreak,
      );
      const index = nth % items.length;
      const added = add(text, { source: 'new' });
      expect(remove(added, items.length)).toBe(text);
      const stopped = set(text, { stopped: true }, index);
      expect(set(stopped, { stopped: undefined }, index)).toBe(text);
      const removed = remove(text, index);
      const rest = items.filter((_, i) => i !== index);
      expect(parse(removed).spec).toEqual(rest.length ? { ...nodes, staticPods: rest } : nodes);
      const kept = new Set(text.split(lineBreak));
      for (const line of added.split(lineBreak)) if (!kept.has(line)) expect(line).toMatch(/new|staticPods|[,[{}\]]/);
    }),
    { numRuns: 150 },
  );
});
