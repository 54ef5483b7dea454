import { BootstrapError } from '../base/errors.ts';
import type { Origin } from '../base/fault.ts';
import { readYaml } from './read-yaml.ts';
import { childPath, fromJson, type Segment, setAt, type Tree, toJson } from './tree.ts';

const MAX_INDEX = 10_000;

/**
 * Reads a path as messages show it: `spec.nodes[0].labels["a.b/c"]`.
 * @throws BootstrapError `usage`
 */
export function parsePath(text: string): readonly Segment[] {
  const segments: Segment[] = [];
  const part = /\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,5})\]|\[("(?:[^"\\]|\\.)*")\]/y;
  while (part.lastIndex < text.length) {
    const start = part.lastIndex;
    const match = part.exec(text);
    const dotted = text[start] === '.';
    if (!match || (match[1] !== undefined && start > 0 !== dotted)) {
      throw new BootstrapError('usage', `${JSON.stringify(text)} is not a path (character ${start + 1})`, {
        hint: 'write it as in messages: spec.nodes[0].labels["example.com/zone"]',
      });
    }
    if (match[1] !== undefined) segments.push(match[1]);
    else if (match[2] !== undefined) segments.push(Math.min(Number(match[2]), MAX_INDEX));
    else segments.push(JSON.parse(match[3] ?? '""') as string);
  }
  return segments;
}

/** One `--set` option, taken apart. */
export interface SetOption {
  readonly segments: readonly Segment[];
  readonly raw: string;
  /** Whether the value is to be read as YAML, or is a text that YAML would misread (`--set x=a: b`). */
  readonly yaml: boolean;
}

/**
 * Takes `path=value` apart. The value is YAML, so `[a, b]`, `{a: 1}` and `null` mean what they say; text with a colon
 * and a space in it is taken as it stands.
 * @throws BootstrapError `usage`
 */
export function parseSet(option: string): SetOption {
  const text = `--set ${option}`;
  const equals = option.search(/=(?![^[]*\])/);
  if (equals < 1) throw new BootstrapError('usage', `${text}: must be of the form path=value`);
  const segments = parsePath(option.slice(0, equals));
  if (segments[0] !== 'spec' && segments[0] !== 'metadata') {
    throw new BootstrapError('usage', `${text}: the path must begin with "spec." or "metadata."`, {
      hint: `did you mean --set spec.${option}?`,
    });
  }
  const raw = option.slice(equals + 1);
  return { segments, raw, yaml: /^[[{"']/.test(raw) || !/:\s/.test(raw) };
}

/**
 * Lays one `--set path=value` on a document.
 * @throws BootstrapError `usage`
 */
export function applySet(document: Tree, option: string): Tree {
  const { segments, raw, yaml } = parseSet(option);
  const text = `--set ${option}`;
  const origin: Origin = { kind: 'option', text };
  const read = yaml ? readYaml({ file: text, text: raw, origin: () => origin }) : undefined;
  if (read?.faults[0]) throw new BootstrapError('usage', `${text}: the value is ${read.faults[0].message}`);
  checkIndexes(document, segments, text);
  const path = segments.reduce<string>(childPath, '');
  const value = read?.documents[0];
  const tree = value ? moved(value, path, origin) : fromJson(yaml ? null : raw, path, origin);
  return setAt(document, segments, tree);
}

/** The value under its real path; scalars keep their text. */
function moved(value: Tree, path: string, origin: Origin): Tree {
  return value.kind === 'scalar' ? { ...value, path, origin } : fromJson(toJson(value), path, origin);
}

/** A list can be appended to, not left with holes. */
function checkIndexes(document: Tree, segments: readonly Segment[], text: string): void {
  let here: Tree | undefined = document;
  for (const segment of segments) {
    const length: number = here?.kind === 'list' ? here.items.length : 0;
    if (typeof segment === 'number' && segment > length) {
      throw new BootstrapError('usage', `${text}: the list has ${length} entries; index ${segment} would leave a hole`);
    }
    here =
      here?.kind === 'list'
        ? here.items[Number(segment)]
        : here?.kind === 'map'
          ? here.entries.get(String(segment))
          : undefined;
  }
}
