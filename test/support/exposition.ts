import { expect } from 'vitest';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

/**
 * Reads the text format of Prometheus strictly: HELP and TYPE once and before the samples of a metric, those together,
 * no series twice, a final newline.
 */
export function expectExposition(text: string): ReadonlyMap<string, readonly Sample[]> {
  expect(text.endsWith('\n')).toBe(true);
  const metrics = new Map<string, Sample[]>();
  const helped = new Set<string>();
  const series = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const help = new RegExp(`^# HELP (${NAME}) (\\S.*)$`).exec(line)?.[1];
    const type = new RegExp(`^# TYPE (${NAME}) (?:gauge|counter)$`).exec(line)?.[1];
    const sample = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\d+)$`).exec(line);
    if (help !== undefined) {
      expect(helped.has(help), line).toBe(false);
      helped.add(help);
      current = '';
    } else if (type !== undefined) {
      expect(helped.has(type) && !metrics.has(type), line).toBe(true);
      metrics.set(type, []);
      current = type;
    } else {
      const [, name = '', labels = '', value] = sample ?? [];
      expect(name, line).toBe(current);
      expect(name, line).not.toBe('');
      const key = `${name}{${labels}}`;
      expect(series.has(key), line).toBe(false);
      series.add(key);
      metrics.get(name)?.push({ labels: labelsIn(labels), value: Number(value) });
    }
  }
  return metrics;
}

function labelsIn(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  let at = 0;
  for (LABEL.lastIndex = 0; at < text.length; at = LABEL.lastIndex) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? [];
    expect(name, text).not.toBe('');
    expect(name in labels, text).toBe(false);
    labels[name] = value.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
  }
  return labels;
}
