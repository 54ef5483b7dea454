/** Data as YAML can hold it: what JSON can hold. Keys with the value `undefined` are left out. */
export type YamlValue =
  | string
  | number
  | boolean
  | null
  | readonly YamlValue[]
  | { readonly [key: string]: YamlValue | undefined };

/** Starts with a letter, `/` or `--`; holds nothing that means something to YAML in block context; no trailing colon. */
const PLAIN = /^(?:[A-Za-z]|\/|--[A-Za-z])[A-Za-z0-9_./@+=,*-]*(?::[A-Za-z0-9_./@+=,*-]+)*$/;

/** What YAML 1.1 or 1.2 reads as a boolean or null. Numbers, dates and `<<` cannot match `PLAIN`. */
const WORD_WITH_MEANING = /^(?:true|false|yes|no|on|off|y|n|null)$/i;

/**
 * What JSON leaves as it is but a YAML parser refuses, breaks a line at or drops: DEL, C1 controls, NEL, LS, PS, the
 * byte-order mark and the two non-characters at the end of the BMP (YAML 1.2 section 5.1; go-yaml's reader).
 */
const NOT_PRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Half a surrogate pair cannot be in any UTF-8 text, and go-yaml refuses its escape. */
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Nothing but what JSON and YAML escape alike: nearly every string, and a fast way out. */
const ASCII = /^[\u0000-\u007e]*$/;

/** An implicit key may not be longer than 1024 characters (YAML 1.2 section 7.4). */
const MAX_IMPLICIT_KEY = 1000;

/**
 * A string as a double-quoted scalar that every YAML 1.1 and 1.2 parser reads back unchanged: JSON, with what YAML does
 * not print escaped too. Half a surrogate pair becomes U+FFFD, as it would when encoded as UTF-8.
 */
export function quotedScalar(text: string): string {
  if (ASCII.test(text)) return JSON.stringify(text);
  return JSON.stringify(text.replace(LONE_SURROGATE, '\ufffd')).replace(
    NOT_PRINTABLE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Any value on one line: JSON whose strings are {@link quotedScalar}. */
export function flowValue(value: YamlValue): string {
  if (typeof value === 'string') return quotedScalar(value);
  if (typeof value === 'number') return numberScalar(value);
  if (value === null || typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map(flowValue).join(', ')}]`;
  return `{${entriesOf(value)
    .map(([key, item]) => `${quotedScalar(key)}: ${flowValue(item)}`)
    .join(', ')}}`;
}

/**
 * A document in block style, ending in a newline. Keys are sorted and lists are not indented, as sigs.k8s.io/yaml
 * writes them, so that equal data gives equal bytes. A string is plain only where no YAML 1.1 or 1.2 parser could read
 * it as anything else.
 * @throws RangeError for a number that is not finite
 */
export function emitYaml(value: YamlValue): string {
  const lines: string[] = [];
  if (isInline(value)) lines.push(inline(value));
  else block(value, '', '', lines);
  return `${lines.join('\n')}\n`;
}

/** @param first what the first line begins with: the indent, or the `- ` of the list item that the block is in */
function block(value: YamlValue, first: string, indent: string, lines: string[]): void {
  let start = first;
  if (isList(value)) {
    for (const item of value) {
      if (isInline(item)) lines.push(`${start}- ${inline(item)}`);
      else block(item, `${start}- `, `${indent}  `, lines);
      start = indent;
    }
    return;
  }
  for (const [key, item] of entriesOf(value as { readonly [key: string]: YamlValue })) {
    const name = scalar(key);
    const explicit = name.length > MAX_IMPLICIT_KEY;
    if (explicit) lines.push(`${start}? ${name}`);
    const head = explicit ? `${indent}:` : `${start}${name}:`;
    if (isInline(item)) {
      lines.push(`${head} ${inline(item)}`);
    } else {
      lines.push(head);
      const below = isList(item) && !explicit ? indent : `${indent}  `;
      block(item, below, below, lines);
    }
    start = indent;
  }
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}

function entriesOf(map: { readonly [key: string]: YamlValue | undefined }): readonly (readonly [string, YamlValue])[] {
  return Object.keys(map)
    .sort()
    .flatMap((key) => {
      const value = map[key];
      return value === undefined ? [] : [[key, value] as const];
    });
}

function isInline(value: YamlValue): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (isList(value)) return value.length === 0;
  for (const key in value) if (value[key] !== undefined) return false;
  return true;
}

function inline(value: YamlValue): string {
  return typeof value === 'string' ? scalar(value) : flowValue(value);
}

function scalar(text: string): string {
  return PLAIN.test(text) && !WORD_WITH_MEANING.test(text) ? text : quotedScalar(text);
}

/** Exponents get a fraction: YAML 1.1 reads `1e+21` as a string. */
function numberScalar(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} cannot be written as YAML`);
  const text = String(Object.is(value, -0) ? 0 : value);
  return text.includes('e') && !text.includes('.') ? text.replace('e', '.0e') : text;
}
