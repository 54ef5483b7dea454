import { isIP } from 'node:net';
import { oneOf } from './finding.ts';
import { isQuantity, parseCsvRecord, parseGoBool, parseGoDuration, parseGoFloat, parseGoInt } from './go-values.ts';

/** Why a flag would not take a value: continues the sentence `"…"`; undefined where it would. */
export interface Problem {
  readonly is: string;
  readonly hint?: string;
}

type Check = (value: string) => Problem | undefined;

const INT32: readonly [bigint, bigint] = [-(2n ** 31n), 2n ** 31n - 1n];
const INT64: readonly [bigint, bigint] = [-(2n ** 63n), 2n ** 63n - 1n];
const UINT32: readonly [bigint, bigint] = [0n, 2n ** 32n - 1n];
const UINT64: readonly [bigint, bigint] = [0n, 2n ** 64n - 1n];

function integer([low, high]: readonly [bigint, bigint]): Check {
  return (value) => {
    const number = parseGoInt(value);
    if (number === undefined) return { is: 'is not an integer' };
    if (low === 0n && /^[+-]/.test(value)) return { is: 'is not an unsigned integer' };
    return number < low || number > high ? { is: `is out of range (${low} to ${high})` } : undefined;
  };
}

const bool: Check = (value) => {
  if (parseGoBool(value) !== undefined) return undefined;
  const meant = /^(yes|on|y)$/i.test(value) ? 'true' : /^(no|off|n)$/i.test(value) ? 'false' : 'true or false';
  return { is: 'is not a boolean', hint: `write ${meant}` };
};

const duration: Check = (value) => {
  if (parseGoDuration(value) !== undefined) return undefined;
  if (/^\d+$/.test(value))
    return { is: 'is not a duration: the unit is missing', hint: `write ${value}s, ${value}m or ${value}h` };
  const days = /^(\d{1,5})d$/.exec(value)?.[1];
  if (days) return { is: 'is not a duration: Go knows no days', hint: `write ${Number(days) * 24}h` };
  return { is: 'is not a duration', hint: 'write it like 1h30m, 45s or 500ms' };
};

export function isGoIp(value: string): boolean {
  // net.ParseIP takes no zone, node does.
  return isIP(value) !== 0 && !value.includes('%');
}

const ip: Check = (value) => (value === '' || isGoIp(value.trim()) ? undefined : { is: 'is not an IP address' });
const float: Check = (value) => (parseGoFloat(value) === undefined ? { is: 'is not a number' } : undefined);
const quantity: Check = (value) =>
  isQuantity(value) ? undefined : { is: 'is not a quantity', hint: 'write it like 512Ki, 100Mi or 1500' };
const csv: Check = (value) =>
  parseCsvRecord(value) ? undefined : { is: 'is not a comma-separated list: check its quotes' };

function eachPair(value: string, check: (pair: string) => Problem | undefined): Problem | undefined {
  for (const pair of value.split(',')) {
    const problem = pair.trim() === '' ? undefined : check(pair.trim());
    if (problem) return problem;
  }
  return undefined;
}

const pairs: Check = (value) =>
  eachPair(value, (pair) => (pair.includes('=') ? undefined : { is: `holds ${show(pair)}, which is not key=value` }));

/** cliflag.LangleSeparatedMapStringString: `memory.available<100Mi,…`. */
const thresholds: Check = (value) =>
  eachPair(value, (pair) =>
    pair.includes('<') ? undefined : { is: `holds ${show(pair)}, which is not signal<threshold` },
  );

const stringToString: Check = (value) =>
  (parseCsvRecord(value) ?? [value]).every((pair) => pair.includes('='))
    ? undefined
    : { is: 'is not a list of key=value' };

const boolPairs: Check = (value) =>
  eachPair(value, (pair) => {
    const [key, word] = splitOnce(pair, '=');
    if (word === undefined) return { is: `holds ${show(pair)}, which is not Name=true or Name=false` };
    return parseGoBool(word.trim()) === undefined
      ? { is: `sets ${show(key.trim())} to ${show(word.trim())}, which is not true or false` }
      : undefined;
  });

const headers: Check = (value) =>
  eachPair(value, (pair) => (pair.includes(':') ? undefined : { is: 'is not a list of name:value' }));

/** cliflag.ColonSeparatedMultimapStringString as --feature-gates uses it: `[component:]Gate=bool,…`. */
const gates: Check = (value) =>
  boolPairs(
    value
      .split(',')
      .map((pair) => pair.replace(/^\s*[^:=,]*:/, ''))
      .join(','),
  );

const portRange: Check = (value) => {
  const range = /^\s*(\d{1,5})(?:([-+])(\d{1,5}))?\s*$/.exec(value);
  if (value.trim() === '') return undefined;
  if (!range) return { is: 'is not a port range', hint: 'write it like 30000-32767' };
  const low = Number(range[1]);
  const high = range[3] === undefined ? low : range[2] === '+' ? low + Number(range[3]) : Number(range[3]);
  if (low > 65535 || high > 65535) return { is: 'holds a port above 65535' };
  return low > high ? { is: 'is a port range that ends before it begins' } : undefined;
};

const int32s: Check = (value) =>
  value.split(',').every((part) => !integer(INT32)(part.trim())) ? undefined : { is: 'is not a list of integers' };

/** cliflag.NamedCertKey: `certificate,key` or `certificate,key:name,name`. */
const namedCertKey: Check = (value) => {
  const [files] = splitOnce(value, ':');
  const paths = files.split(',').map((path) => path.trim());
  return paths.length === 2 && paths.every(Boolean)
    ? undefined
    : { is: 'is not a certificate and a key', hint: 'write it like /path/tls.crt,/path/tls.key:name.example.com' };
};

const level: Check = (value) =>
  /^\d{1,9}$/.test(value) ? undefined : { is: 'is not a log level', hint: 'write a number from 0 to 10' };

const vmodule: Check = (value) =>
  eachPair(value, (pair) =>
    /^[^=]+=\d{1,9}$/.test(pair) ? undefined : { is: `holds ${show(pair)}, which is not pattern=level` },
  );

const version: Check = (value) =>
  parseGoBool(value) === false || /^v\d+\.\d+\.\d+/.test(value)
    ? undefined
    : { is: 'makes it print its version and end', hint: 'take the flag away' };

const taints: Check = (value) =>
  eachPair(value, (pair) =>
    /^[^=:]+(=[^=:]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$/.test(pair)
      ? undefined
      : { is: `holds ${show(pair)}, which is not key=value:effect` },
  );

const reservedMemory: Check = (value) =>
  value.split(';').every((node) => {
    const [numa, limits] = splitOnce(node, ':');
    return /^\d+$/.test(numa) && limits?.split(',').every((l) => isQuantity(splitOnce(l, '=')[1] ?? ''));
  })
    ? undefined
    : { is: 'is not a list of reserved memory', hint: 'write it like 0:memory=1Gi;1:memory=2Gi' };

/** etcd's types.NewURLs; the empty value and `*` are its exceptions. */
const urls: Check = (value) => {
  if (value === '' || value === '*') return undefined;
  for (const text of value.split(',')) {
    const url = text.trim();
    if (/^unixs?:\/\//.test(url)) continue;
    const parts = /^https?:\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/?#[\]]*):(\d{1,5})(.*)$/.exec(url);
    if (!parts)
      return {
        is: `holds ${show(url)}, which is not a URL with scheme, host and port`,
        hint: 'write it like https://10.0.0.11:2379',
      };
    if (Number(parts[2]) > 65535) return { is: `holds ${show(url)}, whose port is above 65535` };
    if (parts[3]?.startsWith('/')) return { is: `holds ${show(url)}, which has a path` };
    const host = parts[1] ?? '';
    if (host.startsWith('[') && !isIP(host.slice(1, -1)))
      return { is: `holds ${show(url)}, whose host is not an IPv6 address` };
  }
  return undefined;
};

const anything: Check = () => undefined;

/** Every type that occurs in `data/*.json` (`enum(a,b)` apart), and three that `flags.ts` puts in their place. */
const CHECKS: Readonly<Record<string, Check>> = {
  bool,
  duration,
  float32: float,
  float64: float,
  int: integer(INT64),
  int32: integer(INT32),
  int64: integer(INT64),
  uint: integer(UINT64),
  uint32: integer(UINT32),
  uint64: integer(UINT64),
  ip,
  quantity,
  string: anything,
  stringArray: anything,
  stringSlice: csv,
  'strings(comma)': anything,
  stringToString,
  mapStringString: pairs,
  mapStringBool: boolPairs,
  colonSeparatedMultimapStringString: headers,
  featureGates: gates,
  thresholds,
  portRange,
  int32Slice: int32s,
  namedCertKey,
  Level: level,
  'pattern=N,...': vmodule,
  version,
  '[]v1.Taint': taints,
  'reserved-memory': reservedMemory,
  'urls(comma)': urls,
};

/** Types whose flag may be given several times, each time adding to the value (pflag slices and maps). */
const REPEATABLE: ReadonlySet<string> = new Set([
  'stringArray',
  'stringSlice',
  'stringToString',
  'mapStringString',
  'mapStringBool',
  'colonSeparatedMultimapStringString',
  'int32Slice',
  'namedCertKey',
  'pattern=N,...',
  '[]v1.Taint',
  'reserved-memory',
]);

export function isRepeatable(type: string): boolean {
  return REPEATABLE.has(type);
}

/** Whether the type has a check here: a type that is new in the data must not pass unseen. */
export function isKnownType(type: string): boolean {
  return Object.hasOwn(CHECKS, type) || type.startsWith('enum(');
}

/** What is wrong with `value` as a value of the type, as the program itself would find when it starts. */
export function checkType(type: string, value: string): Problem | undefined {
  const words = /^enum\((.*)\)$/.exec(type)?.[1]?.split(',');
  if (words) return words.includes(value) ? undefined : { is: 'is not allowed', hint: `write ${oneOf(words)}` };
  return CHECKS[type]?.(value);
}

export function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** A value as it may stand in a message: quoted, one line, not longer than a line. */
export function show(value: string): string {
  const quoted = JSON.stringify(value);
  return quoted.length > 80 ? `${quoted.slice(0, 76)}…"` : quoted;
}
