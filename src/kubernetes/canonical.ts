/** How Kubernetes writes durations and quantities, whatever way they were given to it. */

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** `60s` → `1m0s`, as time.Duration.String writes it; undefined for what is no duration. */
export function canonicalDuration(text: string): string | undefined {
  const [, sign, rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return '0s';
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(rest)) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of rest.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const factor = NANOSECONDS[unit] ?? 0n;
    total += BigInt(whole || '0') * factor + (BigInt(fraction || '0') * factor) / 10n ** BigInt(fraction.length);
  }
  const written = durationText(total);
  return sign === '-' && total !== 0n ? `-${written}` : written;
}

function durationText(total: bigint): string {
  const second = 1_000_000_000n;
  if (total === 0n) return '0s';
  if (total < 1_000n) return `${total}ns`;
  if (total < 1_000_000n) return `${decimal(total, 3)}µs`;
  if (total < second) return `${decimal(total, 6)}ms`;
  const minutes = total / (60n * second);
  const seconds = `${decimal(total % (60n * second), 9)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

function decimal(value: bigint, places: number): string {
  const text = value.toString().padStart(places + 1, '0');
  const fraction = text.slice(-places).replace(/0+$/, '');
  return fraction ? `${text.slice(0, -places)}.${fraction}` : text.slice(0, -places);
}

const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];

/** `0.5` → `500m`, `1024Mi` → `1Gi`, as resource.Quantity writes it; undefined for what is no quantity. */
export function canonicalQuantity(value: string | number): string | undefined {
  const found = /^([+-]?)(\d*)\.?(\d*)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.exec(String(value));
  const [, sign, whole = '', fraction = '', suffix = ''] = found ?? [];
  if (!found || (whole === '' && fraction === '')) return undefined;
  const exponent = /^[eE][+-]?\d/.test(suffix) ? Number(suffix.slice(1)) : undefined;
  // Nobody means more; it keeps the numbers below small.
  if (whole.length + fraction.length > 40 || Math.abs(exponent ?? 0) > 30) return undefined;
  const power = exponent ?? (suffix.endsWith('i') ? 0 : 3 * (DECIMAL.indexOf(suffix) - 3));
  const base = suffix.endsWith('i') ? 1024n ** BigInt(BINARY.indexOf(suffix)) : 1n;
  const nano = roundUp(BigInt(whole + fraction) * base, power + 9 - fraction.length);
  const isBinary = suffix.endsWith('i') && nano >= 1024n * 1_000_000_000n;
  const text = isBinary ? binaryText(nano) : decimalText(nano, exponent !== undefined);
  return sign === '-' && nano !== 0n ? `-${text}` : text;
}

/** `value` · 10^`power`, away from zero where it does not come out even. */
function roundUp(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return (value + divisor - 1n) / divisor;
}

function decimalText(nano: bigint, hasExponent: boolean): string {
  let [value, step] = [nano, 0];
  while (value !== 0n && value % 1000n === 0n && step < DECIMAL.length - 1) [value, step] = [value / 1000n, step + 1];
  if (value === 0n) return '0';
  if (!hasExponent) return `${value}${DECIMAL[step]}`;
  return step === 3 ? `${value}` : `${value}e${3 * (step - 3)}`;
}

function binaryText(nano: bigint): string {
  let [value, step] = [roundUp(nano, -9), 0];
  while (value % 1024n === 0n && step < BINARY.length - 1) [value, step] = [value / 1024n, step + 1];
  return `${value}${BINARY[step]}`;
}
