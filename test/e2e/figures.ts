import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { FIGURES } from './places.ts';
import { load } from './rig.ts';

interface Figure {
  readonly scenario: string;
  readonly what: string;
  readonly value: string;
  readonly load: string;
}

/** Keeps a measured figure for the table at the end. */
export function figure(scenario: string, what: string, value: number | string, unit = ''): void {
  const text = typeof value === 'number' ? String(Math.round(value * 10) / 10) : value;
  const kept: Figure = { scenario, what, value: unit ? `${text} ${unit}` : text, load: load() };
  appendFileSync(FIGURES, `${JSON.stringify(kept)}\n`);
}

/** All figures as a table. */
export function table(): string {
  if (!existsSync(FIGURES)) return '';
  const head: Figure = { scenario: 'SCENARIO', what: 'FIGURE', value: 'MEASURED', load: 'LOAD (1, 5, 15 min)' };
  const lines = readFileSync(FIGURES, 'utf8').trim().split('\n').filter(Boolean);
  const rows = [head, ...lines.map((line): Figure => JSON.parse(line))];
  const width = (key: keyof Figure) => Math.max(...rows.map((row) => row[key].length));
  const widths = { scenario: width('scenario'), what: width('what'), value: width('value') };
  return rows
    .map(({ scenario, what, value, load }) =>
      [scenario.padEnd(widths.scenario), what.padEnd(widths.what), value.padStart(widths.value), load].join('  '),
    )
    .join('\n');
}
