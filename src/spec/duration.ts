const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/**
 * Reads a Go duration (`8760h`, `6m30s`, `1.5h`; time.ParseDuration), as Kubernetes' own files write them.
 * @returns milliseconds, or undefined where it is none or longer than Go can hold (about 292 years)
 */
export function parseDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (!match) return text === '0' ? 0 : undefined;
  let total = 0;
  for (const [, amount, unit] of (match[2] ?? '').matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  }
  if (total > 292 * 365.25 * 24 * 3.6e6) return undefined;
  return match[1] === '-' ? -total : total;
}
