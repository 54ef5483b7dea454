import { BLOCKS, EMITTERS } from './helpers.ts';
import type { TemplateKind } from './template.ts';

/** Something that a template may not do; line and column count from 1. */
export interface LintProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

type Node = hbs.AST.Node;
type Report = (node: Node, message: string) => void;

/** Where a whole YAML scalar may stand: after `- ` and `key: `, where the key may come from a helper as well. */
const YAML_BEFORE = /^ *(?:- )*(?:(?:[\w./-]+|\{\{yaml [^{}]*\}\}): )?$/;
const YAML_AFTER_KEY = /^:(?: |$)/;
const LIST_ITEM = /^ *(?:- )+$/;

/** A name in the view, `this`, or a name of the context around an `each`. */
const PATH = /^(?:this|(?:\.\.\/)*[A-Za-z][A-Za-z0-9]*)$/;

/**
 * Checks that a template can only place whole values: no value may be written bare or inside a scalar, so that it cannot
 * change the structure of what the template becomes (`a: b` in `--f={{x}}` would make a map of a list item).
 * @param ast as Handlebars' `parseWithoutProcessing` gives it
 */
export function lintTemplate(ast: hbs.AST.Program, source: string, kind: TemplateKind): readonly LintProblem[] {
  const problems: LintProblem[] = [];
  const lines = source.split('\n');
  const report: Report = ({ loc }, message) => problems.push({ line: loc.start.line, column: loc.start.column + 1, message });
  walk(ast, (node) => lintNode(node, kind, lines, report));
  const comments = collect(ast, 'CommentStatement');
  lintBlockLines(lines, comments, problems);
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

/** Calls `visit` for every statement, outer ones first. */
export function walk(program: hbs.AST.Program | undefined, visit: (node: Node) => void): void {
  for (const node of program?.body ?? []) {
    visit(node);
    if (node.type !== 'BlockStatement') continue;
    walk((node as hbs.AST.BlockStatement).program, visit);
    walk((node as hbs.AST.BlockStatement).inverse, visit);
  }
}

function collect(program: hbs.AST.Program, type: string): readonly Node[] {
  const found: Node[] = [];
  walk(program, (node) => node.type === type && found.push(node));
  return found;
}

function lintNode(node: Node, kind: TemplateKind, lines: readonly string[], report: Report): void {
  switch (node.type) {
    case 'ContentStatement':
    case 'CommentStatement':
      return;
    case 'MustacheStatement':
      return lintEmitter(node as hbs.AST.MustacheStatement, kind, lines, report);
    case 'BlockStatement':
      return lintBlock(node as hbs.AST.BlockStatement, report);
    case 'PartialStatement':
    case 'PartialBlockStatement':
      return report(node, 'partials are not supported');
    default:
      return report(node, 'decorators are not supported');
  }
}

function nameOf(path: Node): string {
  return 'original' in path ? String(path.original) : path.type;
}

function lintEmitter(node: hbs.AST.MustacheStatement, kind: TemplateKind, lines: readonly string[], report: Report): void {
  const name = nameOf(node.path);
  const emitters = EMITTERS[kind];
  const [first = ''] = emitters;
  if (!node.escaped) return report(node, `triple braces and "&" are not supported; write {{${first} ${name}}}`);
  if (node.strip.open || node.strip.close) report(node, '"~" is not supported: it joins lines');
  if (!emitters.includes(name)) {
    const hint = node.params.length ? `; the helpers are ${emitters.join(', ')}` : `; write {{${first} ${name}}}`;
    return report(node, `{{${name}}} does not quote its value${hint}`);
  }
  lintParams(node, name === 'flag' ? 2 : 1, report);
  if (!isWholeValue(node, name, kind, lines)) {
    const where = kind === 'yaml' ? 'a whole value: alone after "key: " or "- "' : 'a word of its own';
    report(node, `{{${name}}} must be ${where}, with nothing else in it`);
  }
}

function isWholeValue({ loc }: Node, name: string, kind: TemplateKind, lines: readonly string[]): boolean {
  const line = lines[loc.start.line - 1] ?? '';
  if (loc.start.line !== loc.end.line) return false;
  const [before, after] = [line.slice(0, loc.start.column), line.slice(loc.end.column)];
  if (kind === 'systemd') return /(?:^|\s)$/.test(before) && /^(?: \\)?\s*$/.test(after);
  if (name === 'flag') return LIST_ITEM.test(before) && after.trim() === '';
  return YAML_BEFORE.test(before) && (after.trim() === '' || (/^ *(?:- )*$/.test(before) && YAML_AFTER_KEY.test(after)));
}

function lintBlock(node: hbs.AST.BlockStatement, report: Report): void {
  const name = nameOf(node.path);
  if (!BLOCKS.includes(name)) return report(node, `{{#${name}}} is not known; the blocks are ${BLOCKS.join(', ')}`);
  for (const strip of [node.openStrip, node.inverseStrip, node.closeStrip]) {
    if (strip?.open || strip?.close) report(node, '"~" is not supported: it joins lines');
  }
  if (node.program?.blockParams?.length) report(node, '"as |name|" is not supported');
  lintParams(node, 1, report);
}

function lintParams(node: hbs.AST.MustacheStatement | hbs.AST.BlockStatement, count: number, report: Report): void {
  const name = nameOf(node.path);
  if (node.params.length !== count) report(node, `{{${name}}} takes ${count === 1 ? 'one value' : 'a name and a value'}`);
  if (node.hash?.pairs.length) report(node, `{{${name}}} takes no options`);
  for (const param of node.params) {
    if (param.type === 'SubExpression') report(param, 'a helper cannot be used inside another');
    else if (param.type === 'PathExpression' && !PATH.test(nameOf(param))) report(param, `"${nameOf(param)}" is not a name`);
  }
}

/** A block tag that shares its line with text leaves blank lines behind or swallows some. */
function lintBlockLines(lines: readonly string[], comments: readonly Node[], problems: LintProblem[]): void {
  for (const [i, line] of lines.entries()) {
    const inComment = comments.some(({ loc }) => loc.start.line <= i + 1 && loc.end.line >= i + 1);
    const column = line.search(/\{\{~?[#/^]|\{\{~?\s*else\b/);
    if (inComment || column < 0 || /^\s*\{\{[^{}]*\}\}\s*$/.test(line)) continue;
    problems.push({ line: i + 1, column: column + 1, message: 'a block tag must stand alone on its line' });
  }
  for (const { loc } of comments) {
    const before = lines[loc.start.line - 1]?.slice(0, loc.start.column) ?? '';
    const after = lines[loc.end.line - 1]?.slice(loc.end.column) ?? '';
    if (before.trim() || after.trim()) problems.push({ line: loc.start.line, column: loc.start.column + 1, message: 'a comment must stand alone on its lines' });
  }
}
