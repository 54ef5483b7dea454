/** How Go programs read values from the command line. Every function gives undefined where Go would refuse. */

const BOOLS = new Map([
  ...['1', 't', 'T', 'TRUE', 'true', 'True'].map((word) => [word, true] as const),
  ...['0', 'f', 'F', 'FALSE', 'false', 'False'].map((word) => [word, false] as const),
]);

/** strconv.ParseBool. */
export function parseGoBool(text: string): boolean | undefined {
  return BOOLS.get(text);
}

const decimal = /^[+-]?(0|[1-9](_?\d)*)$/;
const octal = /^[+-]?0(_?[0-7])+$/;
const prefixed = /^[+-]?0(?:[xX](_?[0-9a-fA-F])+|[oO](_?[0-7])+|[bB](_?[01])+)$/;

/** strconv.ParseInt with base 0: decimal, `0x`, `0o`, `0b`, and a leading zero for octal. */
export function parseGoInt(text: string): bigint | undefined {
  const negative = text.startsWith('-');
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '');
  let value: bigint;
  if (decimal.test(text) || prefixed.test(text)) value = BigInt(digits);
  else if (octal.test(text)) value = BigInt(`0o${digits.slice(1)}`);
  else return undefined;
  return negative ? -value : value;
}

/** strconv.ParseFloat, without its hexadecimal form. */
export function parseGoFloat(text: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return undefined;
}

const SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  μs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};
const durationPart = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** time.ParseDuration, in seconds: `1h30m`, `500ms`, `-1.5h`, `0`. */
export function parseGoDuration(text: string): number | undefined {
  const unsigned = text.replace(/^[+-]/, '');
  if (unsigned === '0') return 0;
  let seconds = 0;
  durationPart.lastIndex = 0;
  do {
    const part = durationPart.exec(unsigned);
    if (!part) return undefined;
    seconds += Number(part[1]) * (SECONDS[part[2] ?? ''] ?? 0);
  } while (durationPart.lastIndex < unsigned.length);
  // time.Duration counts nanoseconds in 64 bits: about 292 years.
  if (seconds > 9_223_372_036) return undefined;
  return text.startsWith('-') ? -seconds : seconds;
}

/** Whether resource.ParseQuantity takes the text: `100Mi`, `0.5`, `250m`, `1e3`. */
export function isQuantity(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(text);
}

/** The fields of one CSV record as encoding/csv reads it, which is how pflag splits comma lists; undefined if broken. */
export function parseCsvRecord(text: string): readonly string[] | undefined {
  if (text === '') return [];
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  let end = false;
  while (!end) {
    const found = field.exec(text);
    if (!found) return undefined;
    fields.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    end = found[3] === '';
  }
  return fields;
}
