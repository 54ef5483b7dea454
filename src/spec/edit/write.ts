import { flowValue, quotedScalar, type YamlValue } from '../../base/yaml-emit.ts';
import type { Json } from '../tree.ts';

/** Nothing that means anything to YAML, also within brackets. */
const PLAIN = /^(?:[A-Za-z]|\.{0,2}\/)[A-Za-z0-9_./@+=-]*$/;
const WORD_WITH_MEANING = /^(?:true|false|yes|no|on|off|y|n|null)$/i;

/** A value on one line. @param quoted as JSON has it, for files that are JSON */
export function flow(value: Json, quoted: boolean): string {
  if (quoted) return flowValue(value as YamlValue);
  if (typeof value === 'string')
    return PLAIN.test(value) && !WORD_WITH_MEANING.test(value) ? value : quotedScalar(value);
  if (Array.isArray(value)) return `[${value.map((item: Json) => flow(item, false)).join(', ')}]`;
  if (value === null || typeof value !== 'object') return String(value);
  return `{${Object.entries(value)
    .map(([key, item]) => field(key, item as Json, false))
    .join(', ')}}`;
}

/** `key: value` on one line. */
export function field(key: string, value: Json, quoted: boolean): string {
  return `${flow(key, quoted)}: ${flow(value, quoted)}`;
}

/** An item of a block list, one line a field. */
export function blockItem(value: Json, indent: string): readonly string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [`${indent}- ${flow(value, false)}`];
  return Object.entries(value).map(([key, item], i) => `${indent}${i ? '  ' : '- '}${field(key, item as Json, false)}`);
}
