import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type ScalarTag, type Tags } from 'yaml';
import { BootstrapError } from '../../base/errors.ts';
import { errorAt, type Fault, type Located } from '../../base/fault.ts';
import { childPath, type Json, type Segment } from '../../spec/tree.ts';

export interface OwnYaml {
  readonly data: Readonly<Record<string, Json>>;
  /** Where the value at a path, or else the nearest above it, was written. */
  readonly locate: (path: readonly Segment[]) => Located;
}

/** Bytes (`!!binary`), in base64. */
class Binary {
  readonly base64: string;
  constructor(base64: string) {
    this.base64 = base64;
  }
}

/**
 * Reads the user's cloud-config as cloud-init does, that is as PyYAML's safe loader does, which differs from YAML 1.2 and
 * in parts from 1.1: `no` and `off` are false, `0644` is 420, `12:30` is 750, but `n`, `1e3` and `0o644` are texts.
 * What this program could not hand on exactly is refused.
 * @throws BootstrapError `usage` with a fault, placed, for each thing that is wrong
 */
export function readOwnYaml(file: string, text: string): OwnYaml {
  const lines = new LineCounter();
  const placeAt = (offset: number, path: readonly Segment[] = []): Located => {
    const { line, col } = lines.linePos(offset);
    const place = { file, line: Math.max(line, 1), column: Math.max(col, 1) };
    return { path: path.reduce<string>(childPath, ''), origin: { kind: 'file', place } };
  };
  const refuse = (faults: readonly Fault[]): never => {
    throw new BootstrapError('usage', `${file}: cannot be read as a cloud-config`, { faults });
  };
  const document = parseTolerant(text, lines);
  if (document instanceof Error) return refuse([errorAt(placeAt(0), document.message)]);
  // what the library only warns of, such as a tag that it does not know, is an error to PyYAML
  const wrong = [...document.errors, ...document.warnings].map(({ code, message, pos }) =>
    errorAt(placeAt(pos[0]), yamlMessage(code, message)),
  );
  if (wrong.length) return refuse(wrong.slice(0, 20));
  const locate = (path: readonly Segment[]): Located => {
    let node: unknown = document.contents;
    let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    for (const segment of path) {
      const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === segment) : undefined;
      const next = pair?.value ?? (isSeq(node) && typeof segment === 'number' ? node.items[segment] : undefined);
      const shown = pair?.key ?? next;
      if (!isNode(shown)) break;
      offset = shown.range?.[0] ?? offset;
      node = next;
    }
    return placeAt(offset, path);
  };
  const faults: Fault[] = [];
  const data = asJson(
    valuesOf(document, (message) => refuse([errorAt(placeAt(0), message)])),
    [],
    (path, message, hint) => faults.push(errorAt(locate(path), message, hint)),
  );
  if (faults.length) return refuse(faults);
  if (data === null || typeof data !== 'object' || Array.isArray(data))
    return refuse([errorAt(locate([]), 'a cloud-config is a map, `key: value`')]);
  return { data: data as Readonly<Record<string, Json>>, locate };
}

type Parsed = ReturnType<typeof parseDocument>;

function parseTolerant(text: string, lineCounter: LineCounter): Parsed | Error {
  try {
    return parseDocument(text, {
      version: '1.1',
      schema: 'failsafe',
      customTags: (tags: Tags) => [...PYYAML_TAGS, ...tags],
      merge: true,
      resolveKnownTags: false,
      lineCounter,
      prettyErrors: false,
    });
  } catch (error) {
    // the parser's own recursion
    return error instanceof RangeError ? new Error('is nested too deeply') : (error as Error);
  }
}

function valuesOf(document: Parsed, refuse: (message: string) => never): unknown {
  try {
    return document.toJS({ mapAsMap: true });
  } catch (error) {
    return refuse(error instanceof RangeError ? 'is nested too deeply' : (error as Error).message);
  }
}

type Report = (path: readonly Segment[], message: string, hint?: string) => void;

function asJson(value: unknown, path: readonly Segment[], report: Report): Json {
  if (Array.isArray(value)) return value.map((item, i) => asJson(item, [...path, i], report));
  if (value instanceof Map) return mapAsJson(value, path, report);
  if (value instanceof Binary) {
    report(path, 'bytes (!!binary) can be handed on only as the content of a file in write_files');
    return null;
  }
  return value as Json;
}

function mapAsJson(map: ReadonlyMap<unknown, unknown>, path: readonly Segment[], report: Report): Json {
  // no prototype, so that no key of the user's can reach one
  const out: Record<string, Json> = Object.create(null);
  for (const [key, value] of withoutBytes(map, path)) {
    if (typeof key === 'string') out[key] = asJson(value, [...path, key], report);
    else report(path, `the key ${JSON.stringify(key)} is no text`, 'write it in quotes');
  }
  return out;
}

/** A file's content given as bytes is the same as in base64 (cloudinit/config/cc_write_files.py, extract_contents). */
function withoutBytes(map: ReadonlyMap<unknown, unknown>, path: readonly Segment[]): ReadonlyMap<unknown, unknown> {
  const content = map.get('content');
  if (path[0] !== 'write_files' || path.length !== 2 || !(content instanceof Binary)) return map;
  const encoding = map.get('encoding') ?? 'text/plain';
  const coded = encoding === 'text/plain' ? 'b64' : encoding === 'gz' || encoding === 'gzip' ? 'gz+b64' : undefined;
  return coded ? new Map([...map, ['content', content.base64], ['encoding', coded]]) : map;
}

function yamlMessage(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice in the same map';
  if (code === 'TAB_AS_INDENT') return 'a tab is used as indentation; YAML allows spaces only';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; cloud-init reads one';
  if (code === 'TAG_RESOLVE_FAILED') return message;
  return `not valid YAML: ${message.replace(/\s+/g, ' ').trim()}`;
}

function plain(name: string, test: RegExp, resolve: ScalarTag['resolve']): ScalarTag {
  return { tag: `tag:yaml.org,2002:${name}`, default: true, test, resolve };
}

/** A plain scalar is what the first of these takes it for, else a text (PyYAML 6.0, yaml/resolver.py and constructor.py). */
const PYYAML_TAGS: readonly ScalarTag[] = [
  plain('null', /^(?:~|null|Null|NULL|)$/, () => null),
  plain('bool', /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/, (text) =>
    /^(?:y|t|on)/i.test(text),
  ),
  plain(
    'int',
    /^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/,
    (text, onError) => {
      const value = integerOf(text);
      if (!Number.isSafeInteger(value))
        onError(`the number ${text} is too large to be handed on exactly; write it in quotes`);
      return value;
    },
  ),
  plain(
    'float',
    /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
    (text, onError) => {
      const value = Number(text.replace(/_/g, ''));
      // 1.0 is 1 here, and in a command line cloud-init writes them differently
      if (!Number.isFinite(value) || Number.isInteger(value))
        onError(`the number ${text} cannot be handed on exactly; write it without a fraction or in quotes`);
      return value;
    },
  ),
  plain(
    'timestamp',
    /^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$/,
    (text, onError) => {
      onError(`cloud-init reads ${text} as a date, not as a text; write it in quotes`);
      return text;
    },
  ),
  plain('value', /^=$/, (text, onError) => {
    onError('cloud-init cannot read a bare =; write it in quotes');
    return text;
  }),
  {
    tag: 'tag:yaml.org,2002:binary',
    default: false,
    resolve(text, onError) {
      const base64 = text.replace(/\s+/g, '');
      if (Buffer.from(base64, 'base64').toString('base64') !== base64) onError('this is not base64');
      return new Binary(base64);
    },
  },
];

function integerOf(text: string): number {
  const digits = text.replace(/_/g, '').replace(/^[-+]/, '');
  const sign = text.startsWith('-') ? -1 : 1;
  if (digits.includes(':')) return sign * digits.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  // Number knows 0b and 0x
  if (/^0[0-7]/.test(digits)) return sign * Number.parseInt(digits, 8);
  return digits === '0' ? 0 : sign * Number(digits);
}
