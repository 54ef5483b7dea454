import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BootstrapError } from '../../../src/base/errors.ts';
import { describeFault } from '../../../src/base/fault.ts';
import { parseTemplate } from '../../../src/render/template/compile.ts';
import { kindOf, TEMPLATE_NAMES, type TemplateKind } from '../../../src/render/template/template.ts';

/** `line:column message` of everything that is wrong. */
function problems(source: string, kind: TemplateKind = 'yaml'): readonly string[] {
  try {
    parseTemplate('t.hbs', source, kind);
    return [];
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    return error.faults.map((fault) => describeFault(fault).replace(/^t\.hbs:/, ''));
  }
}

describe('a template', () => {
  it.each(TEMPLATE_NAMES)('of this program breaks no rule: %s', (name) => {
    expect(problems(readFileSync(`templates/${name}.hbs`, 'utf8'), kindOf(name))).toEqual([]);
  });

  it.each([
    ['a: {{yaml x}}\n'],
    ['- {{yaml x}}\n'],
    ['- - {{yaml x}}\n'],
    ['- a: {{yaml x}}\n'],
    ['- {{flag "v" x}}\n'],
    ['{{yaml x}}: {{yaml y}}\n'],
    ['{{#each list}}\n- {{yaml this}}\n- {{yaml ../x}}\n{{/each}}\n'],
    ['{{#if x}}\na: 1\n{{else}}\na: 2\n{{/if}}\n'],
    ['{{!-- a note\n  {{#if x}} --}}\na: 1\n'],
  ])('may place whole values: %j', (source) => {
    expect(problems(source)).toEqual([]);
  });

  it.each([
    ['a: {{x}}\n', '1:4: {{x}} does not quote its value; write {{yaml x}}'],
    ['a: {{{x}}}\n', '1:4: triple braces and "&" are not supported; write {{yaml x}}'],
    ['a: {{&x}}\n', '1:4: triple braces and "&" are not supported; write {{yaml x}}'],
    ['- --f={{yaml x}}\n', '1:7: {{yaml}} must be a whole value: alone after "key: " or "- ", with nothing else in it'],
    ['a: "{{yaml x}}"\n', '1:5: {{yaml}} must be a whole value: alone after "key: " or "- ", with nothing else in it'],
    [
      'a: {{yaml x}} # note\n',
      '1:4: {{yaml}} must be a whole value: alone after "key: " or "- ", with nothing else in it',
    ],
    [
      'a: {{yaml x}}{{yaml y}}\n',
      '1:4: {{yaml}} must be a whole value: alone after "key: " or "- ", with nothing else in it',
    ],
    [
      'a: |\n  text {{yaml x}}\n',
      '2:8: {{yaml}} must be a whole value: alone after "key: " or "- ", with nothing else in it',
    ],
    ['# {{yaml x}}\n', '1:3: {{yaml}} must be a whole value: alone after "key: " or "- ", with nothing else in it'],
    [
      'a: {{flag "v" x}}\n',
      '1:4: {{flag}} must be a whole value: alone after "key: " or "- ", with nothing else in it',
    ],
    ['a: {{~yaml x}}\n', '1:4: "~" is not supported: it joins lines'],
    ['a: {{word x}}\n', '1:4: {{word}} does not quote its value; the helpers are yaml, flag'],
    ['a: {{yaml x y}}\n', '1:4: {{yaml}} takes one value'],
    ['a: {{yaml x of="y"}}\n', '1:4: {{yaml}} takes no options'],
    ['a: {{yaml (flag "a" b)}}\n', '1:11: a helper cannot be used inside another'],
    ['a: {{yaml x.y}}\n', '1:11: "x.y" is not a name'],
    ['a: {{yaml @root}}\n', '1:11: "@root" is not a name'],
    ['{{> other}}\n', '1:1: partials are not supported'],
    ['{{#> other}}\n{{/other}}\n', '1:1: partials are not supported'],
    ['{{* decorator}}\n', '1:1: decorators are not supported'],
    ['{{#with x}}\na: 1\n{{/with}}\n', '1:1: {{#with}} is not known; the blocks are if, unless, each'],
    ['a: {{#if x}}1{{/if}}\n', '1:4: a block tag must stand alone on its line'],
    ['{{#if x}}\na: 1\n{{else}} \nb: 2{{/if}}\n', '4:5: a block tag must stand alone on its line'],
    ['a: 1 {{! note }}\n', '1:6: a comment must stand alone on its lines'],
    ['{{#each list as |item|}}\n- 1\n{{/each}}\n', '1:1: "as |name|" is not supported'],
  ])('may not do this: %j', (source, problem) => {
    expect(problems(source)).toContain(problem);
  });

  it('that Handlebars cannot read is reported with its line', () => {
    expect(problems('a: 1\n{{#if x}}\nb: 2\n')[0]).toMatch(/^\d:\d+: Handlebars: /);
    expect(problems('a: {{yaml x\n')[0]).toMatch(/^[12]:1: Handlebars: /);
  });

  it('of a unit file may place whole words only', () => {
    expect(problems('ExecStart=/x \\\n    {{flag "a" b}} \\\n    {{word c}}\n', 'systemd')).toEqual([]);
    expect(problems('ExecStart=/x --a={{word b}}\n', 'systemd')).toEqual([
      '1:18: {{word}} must be a word of its own, with nothing else in it',
    ]);
    expect(problems('ExecStart=/x {{yaml b}}\n', 'systemd')).toEqual([
      '1:14: {{yaml}} does not quote its value; the helpers are word, flag',
    ]);
  });

  it('tells which flags it sets, in which line, and on which names they depend', () => {
    const { flags } = parseTemplate('t.hbs', '- --a=1\n{{#if x}}\n- {{flag "b" y}}\n- --c=2\n{{/if}}\n', 'yaml');
    expect(flags).toEqual({ a: { line: 1, uses: [] }, b: { line: 3, uses: ['x', 'y'] }, c: { line: 4, uses: ['x'] } });
  });
});
