import Handlebars from 'handlebars';
import { BootstrapError } from '../../base/errors.ts';
import { errorAt } from '../../base/fault.ts';
import { BLOCKS, EMITTERS } from './helpers.ts';
import { lintTemplate, walk } from './lint.ts';
import { type FlagLine, type TemplateKind, templatePlace } from './template.ts';

/** A template that passed the lint, as Handlebars' own tree, and the flags that it sets. */
export interface ParsedTemplate {
  readonly ast: hbs.AST.Program;
  readonly flags: Readonly<Record<string, FlagLine>>;
}

/** A flag written out: `    - --client-cert-auth=true`, or a line of ExecStart=. */
const LITERAL_FLAG = /^\s*(?:- )?--([a-z0-9][a-z0-9-]*)=/;

/**
 * Parses a template and checks it. The only module that loads Handlebars' compiler.
 * @throws BootstrapError with every problem in the template, each with its place
 */
export function parseTemplate(file: string, source: string, kind: TemplateKind): ParsedTemplate {
  let ast: hbs.AST.Program;
  try {
    ast = Handlebars.parseWithoutProcessing(source);
  } catch (error) {
    throw invalid(file, [parseProblem(error)]);
  }
  const problems = lintTemplate(ast, source, kind);
  if (problems.length) throw invalid(file, problems);
  // Parsed again: this time with the whitespace of standalone tags taken away.
  const processed = Handlebars.parse(source);
  nameParams(processed);
  return { ast: processed, flags: flagLines(processed, source) };
}

export const COMPILE_OPTIONS = (kind: TemplateKind): CompileOptions => ({
  noEscape: true,
  strict: true,
  data: false,
  knownHelpersOnly: true,
  knownHelpers: {
    ...Object.fromEntries([...EMITTERS[kind], ...BLOCKS].map((name) => [name, true])),
    log: false,
    lookup: false,
    with: false,
  } as KnownHelpers,
});

function invalid(file: string, problems: readonly { line: number; column: number; message: string }[]): BootstrapError {
  const faults = problems.map(({ line, column, message }) => errorAt(templatePlace(file, line, column), message));
  return new BootstrapError('cluster-file', `the template ${file} cannot be used`, { faults });
}

/** Handlebars' parser says `Parse error on line 3:`, two lines of picture, and what it expected. */
function parseProblem(error: unknown): { line: number; column: number; message: string } {
  const text = error instanceof Error ? error.message : String(error);
  const [, onLine] = /on line (\d+)/.exec(text) ?? [];
  const [, atLine, atColumn] = / - (\d+):(\d+)$/.exec(text) ?? [];
  const message =
    text
      .split('\n')
      .at(-1)
      ?.replace(/ - \d+:\d+$/, '') ?? text;
  return { line: Number(onLine ?? atLine ?? 1), column: Number(atColumn ?? 0) + 1, message: `Handlebars: ${message}` };
}

/** Adds `of="path"` to every helper call, for messages: a helper sees a value, never the name it came from. */
function nameParams(ast: hbs.AST.Program): void {
  walk(ast, (node) => {
    if (node.type !== 'MustacheStatement' && node.type !== 'BlockStatement') return;
    const call = node as hbs.AST.MustacheStatement | hbs.AST.BlockStatement;
    const param = call.params.at(-1);
    if (param?.type !== 'PathExpression') return;
    const value = {
      type: 'StringLiteral',
      value: (param as hbs.AST.PathExpression).original,
      original: '',
      loc: param.loc,
    };
    const pair = { type: 'HashPair', key: 'of', value, loc: param.loc } as unknown as hbs.AST.HashPair;
    call.hash = { type: 'Hash', pairs: [pair], loc: param.loc } as hbs.AST.Hash;
  });
}

/** Every flag that the template sets, with the names its value and the blocks around it depend on. */
function flagLines(ast: hbs.AST.Program, source: string): Readonly<Record<string, FlagLine>> {
  const lines = source.split('\n');
  const found: Record<string, FlagLine> = {};
  const add = (name: string, line: number, uses: readonly string[]) => {
    found[name] ??= { line, uses: [...new Set(uses)] };
  };
  const visit = (program: hbs.AST.Program | undefined, around: readonly string[]): void => {
    for (const node of program?.body ?? []) {
      if (node.type === 'ContentStatement') {
        for (let line = node.loc.start.line; line <= node.loc.end.line; line++) {
          const name = LITERAL_FLAG.exec(lines[line - 1] ?? '')?.[1];
          if (name) add(name, line, around);
        }
      } else if (node.type === 'MustacheStatement') {
        const { path, params, loc } = node as hbs.AST.MustacheStatement;
        const [name, value] = params;
        if ((path as hbs.AST.PathExpression).original === 'flag' && name?.type === 'StringLiteral') {
          add((name as hbs.AST.StringLiteral).value, loc.start.line, [...around, ...namesIn(value)]);
        }
      } else if (node.type === 'BlockStatement') {
        const block = node as hbs.AST.BlockStatement;
        const inner = [...around, ...namesIn(block.params[0])];
        visit(block.program, inner);
        visit(block.inverse, inner);
      }
    }
  };
  visit(ast, []);
  return found;
}

function namesIn(node: hbs.AST.Expression | undefined): readonly string[] {
  return node?.type === 'PathExpression' ? [(node as hbs.AST.PathExpression).original.replace(/^(?:\.\.\/)+/, '')] : [];
}
