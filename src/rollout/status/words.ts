const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `24 MiB`, `1.5 GiB`. */
export function bytesInWords(bytes: number): string {
  let [value, unit] = [bytes / 1024, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  if (bytes < 1024) return `${Math.max(0, Math.round(bytes))} bytes`;
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${UNITS[unit]}`;
}

/** `1 file`, `3 files`. */
export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** `a`, `a and b`, `a, b and 7 more`. */
export function listed(names: readonly string[], most = 3): string {
  if (names.length > most) return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`;
  const last = names.at(-1) ?? '';
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${last}` : last;
}

/** `0.8 s`, `12 s`, `5 minutes`, `3 hours`, `2 days`. */
export function timeInWords(milliseconds: number): string {
  const seconds = Math.abs(milliseconds) / 1000;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} minutes`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} hours`;
  return `${Math.round(seconds / 86_400)} days`;
}

/**
 * Text of others (logs, messages of a node) on one line: no control characters, so that it can do nothing to a terminal,
 * and not longer than `most`.
 */
export function oneLine(text: string, most = 200): string {
  const plain = text
    .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return plain.length > most ? `${[...plain.slice(0, most - 1)].join('').trimEnd()}…` : plain;
}

/** ISO 8601; what lies beyond the times that JavaScript knows becomes the last of them. */
export function isoTime(milliseconds: number): string {
  return new Date(Math.max(-8.64e15, Math.min(8.64e15, milliseconds || 0))).toISOString();
}
