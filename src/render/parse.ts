import { parseDocument } from 'yaml';
import { BootstrapError } from '../base/errors.ts';
import { errorAt } from '../base/fault.ts';
import type { Json } from '../spec/tree.ts';
import { isMap, type JsonMap } from './json.ts';
import { readBlockYaml } from './read-block-yaml.ts';
import { type Template, templatePlace } from './template/template.ts';

/**
 * Second step: the filled template as data. One document, a map, no key twice, no aliases and no tags.
 * @throws BootstrapError naming the template where its text is no such YAML
 */
export function parseFilled(text: string, template: Template): JsonMap {
  const data = readBlockYaml(text) ?? parseWithLibrary(text, template);
  if (!isMap(data)) throw invalid(template, 1, 1, 'is not a map');
  return data;
}

function parseWithLibrary(text: string, template: Template): Json {
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    strict: true,
    uniqueKeys: true,
    prettyErrors: true,
  });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const at = problem.linePos?.[0];
    throw invalid(
      template,
      at?.line ?? 1,
      at?.col ?? 1,
      problem.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? '',
    );
  }
  try {
    return document.toJS({ maxAliasCount: 0 }) as Json;
  } catch {
    throw invalid(template, 1, 1, 'holds an alias; write the value out');
  }
}

/** Line and column are those of the filled text: a block that is off, or one that repeats, moves them. */
function invalid({ file, builtin }: Template, line: number, column: number, problem: string): BootstrapError {
  const where = builtin ? { file, line: 1, column: 1 } : { file, line, column };
  const fault = errorAt(
    templatePlace(where.file, where.line, where.column),
    `once filled, this is not usable YAML: ${problem}`,
  );
  return new BootstrapError(builtin ? 'internal' : 'cluster-file', `the template ${file} cannot be used`, {
    faults: [fault],
  });
}
