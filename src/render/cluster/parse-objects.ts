import { BootstrapError } from '../../base/errors.ts';
import { errorAt } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { emitYaml } from '../../base/yaml-emit.ts';
import { API_KINDS, apiKind, apiVersionOf } from '../../kubernetes/api-kinds.ts';
import type { Json } from '../../spec/tree.ts';
import { below, isMap, type JsonMap, mapOf, withEntries } from '../json.ts';
import { parseFilled } from '../parse.ts';
import { type Template, templatePlace } from '../template/template.ts';
import { type ClusterObject, objectName } from './object.ts';

/** Changes one object before its texts are written. */
export type Change = (data: JsonMap) => JsonMap;

/**
 * A filled template as the API objects in it, one after each line `---`. A map in the `data` of a ConfigMap becomes its
 * YAML text, so that a template shows what is in it and no value can change its structure.
 * @throws BootstrapError naming the template where it holds anything else
 */
export function parseObjects(
  text: string,
  template: Template,
  change: Change = (data) => data,
): readonly ClusterObject[] {
  const lines = text.split('\n');
  const starts = lines.flatMap((line, i) => (/^---\s*$/.test(line) ? [i] : []));
  return [0, ...starts.map((i) => i + 1)].flatMap((start, n) => {
    const body = lines.slice(start, starts[n] ?? lines.length);
    if (body.every((line) => /^\s*(?:#.*)?$/.test(line))) return [];
    // empty lines before it, so that lines in messages are those of the whole text
    const data = parseFilled([...Array<string>(start).fill(''), ...body].join('\n'), template);
    return [identified(withTexts(change(data)), template, start + 1)];
  });
}

/** Lays `change` on a map in the `data` of the ConfigMap of that name; every other object is left alone. */
export function changeConfig(name: string, key: string, template: Template, change: (config: JsonMap) => Json): Change {
  return (object) => {
    if (object['kind'] !== 'ConfigMap' || below(object, 'metadata', 'name') !== name) return object;
    const data = object['data'];
    const config = below(data, key);
    if (!isMap(data) || !isMap(config))
      throw invalid(template, 1, `ConfigMap ${name} must have a map at data[${JSON.stringify(key)}]`);
    return withEntries(object, { data: withEntries(data, { [key]: change(config) }) });
  };
}

function withTexts(object: JsonMap): JsonMap {
  const data = object['data'];
  if (object['kind'] !== 'ConfigMap' || !isMap(data)) return object;
  const texts = Object.entries(data).map(([key, value]) => [key, isMap(value) ? emitYaml(value) : value] as const);
  return withEntries(object, { data: mapOf(texts) });
}

function identified(data: JsonMap, template: Template, line: number): ClusterObject {
  const text = (...path: readonly string[]) => {
    const value = below(data, ...path);
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [apiVersion, kind, name] = [text('apiVersion'), text('kind'), text('metadata', 'name')];
  if (apiVersion === undefined || kind === undefined || name === undefined) {
    throw invalid(template, line, 'an object needs apiVersion, kind and metadata.name');
  }
  const known = apiKind(apiVersion, kind);
  if (!known) {
    const version = apiVersionOf(kind);
    const hint = version
      ? `${kind} is known in ${version}`
      : (didYouMean(kind, API_KINDS) ?? `known: ${API_KINDS.join(', ')}`);
    throw invalid(template, line, `${kind} (${apiVersion}) is no kind that can be applied`, hint);
  }
  const namespace = text('metadata', 'namespace');
  if (known.namespaced !== (namespace !== undefined)) {
    const problem = known.namespaced ? 'needs metadata.namespace' : 'lives in no namespace';
    throw invalid(template, line, `${objectName({ kind, namespace, name })} ${problem}`);
  }
  return { apiVersion, kind, namespace, name, data };
}

function invalid({ file, builtin }: Template, line: number, problem: string, hint?: string): BootstrapError {
  const fault = errorAt(templatePlace(file, builtin ? 1 : line, 1), `once filled: ${problem}`, hint);
  const code = builtin ? 'internal' : 'cluster-file';
  return new BootstrapError(code, `the template ${file} cannot be used`, { faults: [fault] });
}
