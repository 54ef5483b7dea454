import type { Json } from '../../spec/tree.ts';

const FACTORS: ReadonlyMap<string, readonly [bigint, bigint]> = new Map(
  [...'numkMGTPE'].map((_, i, all) => [
    all[i] ?? '',
    i < 3 ? ([1n, 1000n ** BigInt(3 - i)] as const) : ([1000n ** BigInt(i - 2), 1n] as const),
  ]),
);

/** k8s.io/apimachinery/pkg/api/resource: sign, digits with a point somewhere, and one suffix or an exponent. */
const QUANTITY = /^([+-]?)(\d+\.?\d*|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?$/;

/** Longer ones would only keep this busy; Kubernetes has no use for more than 64 bits. */
const MAX_LENGTH = 64;

export function isQuantity(value: Json | undefined): boolean {
  return parse(value) !== undefined;
}

export function isWhole(value: Json | undefined): boolean {
  const fraction = parse(value);
  return fraction !== undefined && fraction.over % fraction.under === 0n;
}

/** -1, 0 or 1 as `a` is less than, equal to or more than `b`; undefined where one of them is no quantity. */
export function compareQuantities(a: Json | undefined, b: Json | undefined): number | undefined {
  const [x, y] = [parse(a), parse(b)];
  if (!x || !y) return undefined;
  const difference = x.over * y.under - y.over * x.under;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** A fraction, exact. */
interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

function parse(value: Json | undefined): Fraction | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  const match = text.length <= MAX_LENGTH ? QUANTITY.exec(text) : null;
  if (!match) return undefined;
  const [, sign = '', digits = '', suffix, exponent] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const amount = BigInt(`${whole}${fraction}` || '0') * (sign === '-' ? -1n : 1n);
  const [over, under] = suffix !== undefined ? factorOf(suffix) : powerOfTen(Number(exponent ?? 0));
  return { over: amount * over, under: under * 10n ** BigInt(fraction.length) };
}

function factorOf(suffix: string): readonly [bigint, bigint] {
  if (suffix.endsWith('i')) return [1024n ** BigInt('KMGTPE'.indexOf(suffix.charAt(0)) + 1), 1n];
  return FACTORS.get(suffix) ?? [1n, 1n];
}

function powerOfTen(exponent: number): readonly [bigint, bigint] {
  return exponent < 0 ? [1n, 10n ** BigInt(-exponent)] : [10n ** BigInt(exponent), 1n];
}
