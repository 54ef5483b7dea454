import { BLOCKS, EMITTERS } from './helpers.ts';
import type { TemplateKind } from './template.ts';

/** Something that a template may not do; line and column count from 1. */
interface LintProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

type Node = hbs.AST.Node;
type Problems = readonly LintProblem[];

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
export function lintTemplate(ast: hbs.AST.Program, source: string, kind: TemplateKind): Problems {
  const lines = source.split('\n');
  const nodes: Node[] = [];
  walk(ast, (node) => nodes.push(node));
  const comments = nodes.filter((node) => node.type === 'CommentStatement');
  const problems = [
    ...nodes.flatMap((node) => lintNode(node, kind, lines)),
    ...lintBlockLines(lines, comments),
    ...comments.flatMap((node) => lintComment(node, lines)),
  ];
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

function at({ loc }: Node, message: string): LintProblem {
  return { line: loc.start.line, column: loc.start.column + 1, message };
}

function lintNode(node: Node, kind: TemplateKind, lines: readonly string[]): Problems {
  switch (node.type) {
    case 'ContentStatement':
    case 'CommentStatement':
      return [];
    case 'MustacheStatement':
      return lintEmitter(node as hbs.AST.MustacheStatement, kind, lines);
    case 'BlockStatement':
      return lintBlock(node as hbs.AST.BlockStatement);
    case 'PartialStatement':
    case 'PartialBlockStatement':
      return [at(node, 'partials are not supported')];
    default:
      return [at(node, 'decorators are not supported')];
  }
}

function nameOf(path: Node): string {
  return 'original' in path ? String(path.original) : path.type;
}

function lintEmitter(node: hbs.AST.MustacheStatement, kind: TemplateKind, lines: readonly string[]): Problems {
  const name = nameOf(node.path);
  const emitters = EMITTERS[kind];
  const [first = ''] = emitters;
  if (!node.escaped) return [at(node, `triple braces and "&" are not supported; write {{${first} ${name}}}`)];
  if (node.strip.open || node.strip.close) return [at(node, '"~" is not supported: it joins lines')];
  if (!emitters.includes(name)) {
    const hint = node.params.length ? `; the helpers are ${emitters.join(', ')}` : `; write {{${first} ${name}}}`;
    return [at(node, `{{${name}}} does not quote its value${hint}`)];
  }
  const problems = lintParams(node, name === 'flag' ? 2 : 1);
  if (isWholeValue(node, name, kind, lines)) return problems;
  const where = kind === 'yaml' ? 'a whole value: alone after "key: " or "- "' : 'a word of its own';
  return [...problems, at(node, `{{${name}}} must be ${where}, with nothing else in it`)];
}

function isWholeValue({ loc }: Node, name: string, kind: TemplateKind, lines: readonly string[]): boolean {
  const line = lines[loc.start.line - 1] ?? '';
  if (loc.start.line !== loc.end.line) return false;
  const [before, after] = [line.slice(0, loc.start.column), line.slice(loc.end.column)];
  if (kind === 'systemd') return /(?:^|\s)$/.test(before) && /^(?: \\)?\s*$/.test(after);
  if (kind === 'corefile') return /(?:^|\s)$/.test(before) && /^(?:\s|$)/.test(after);
  if (name === 'flag') return LIST_ITEM.test(before) && after.trim() === '';
  return (
    YAML_BEFORE.test(before) && (after.trim() === '' || (/^ *(?:- )*$/.test(before) && YAML_AFTER_KEY.test(after)))
  );
}

function lintBlock(node: hbs.AST.BlockStatement): Problems {
  const name = nameOf(node.path);
  if (!BLOCKS.includes(name)) return [at(node, `{{#${name}}} is not known; the blocks are ${BLOCKS.join(', ')}`)];
  const strips = [node.openStrip, node.inverseStrip, node.closeStrip].some((strip) => strip?.open || strip?.close);
  return [
    ...(strips ? [at(node, '"~" is not supported: it joins lines')] : []),
    ...(node.program?.blockParams?.length ? [at(node, '"as |name|" is not supported')] : []),
    ...lintParams(node, 1),
  ];
}

function lintParams(node: hbs.AST.MustacheStatement | hbs.AST.BlockStatement, count: number): Problems {
  const name = nameOf(node.path);
  const arity = count === 1 ? 'one value' : 'a name and a value';
  return [
    ...(node.params.length === count ? [] : [at(node, `{{${name}}} takes ${arity}`)]),
    ...(node.hash?.pairs.length ? [at(node, `{{${name}}} takes no options`)] : []),
    ...node.params.flatMap((param) => {
      if (param.type === 'SubExpression') return [at(param, 'a helper cannot be used inside another')];
      const isName = param.type !== 'PathExpression' || PATH.test(nameOf(param));
      return isName ? [] : [at(param, `"${nameOf(param)}" is not a name`)];
    }),
  ];
}

/** A block tag that shares its line with text leaves blank lines behind or swallows some. */
function lintBlockLines(lines: readonly string[], comments: readonly Node[]): Problems {
  return lines.flatMap((line, i) => {
    const inComment = comments.some(({ loc }) => loc.start.line <= i + 1 && loc.end.line >= i + 1);
    const column = line.search(/\{\{~?[#/^]|\{\{~?\s*else\b/);
    if (inComment || column < 0 || /^\s*\{\{[^{}]*\}\}\s*$/.test(line)) return [];
    return [{ line: i + 1, column: column + 1, message: 'a block tag must stand alone on its line' }];
  });
}

function lintComment(node: Node, lines: readonly string[]): Problems {
  const before = lines[node.loc.start.line - 1]?.slice(0, node.loc.start.column) ?? '';
  const after = lines[node.loc.end.line - 1]?.slice(node.loc.end.column) ?? '';
  return before.trim() || after.trim() ? [at(node, 'a comment must stand alone on its lines')] : [];
}
