import { days } from '../../pki/fit.ts';
import { timeInWords } from '../../rollout/status/words.ts';
import type { Json } from '../../spec/tree.ts';
import { count } from '../format.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { wrap } from '../wrap.ts';
import type { Finding } from './findings.ts';
import { factsData } from './list-data.ts';
import type { Overview } from './overview.ts';

export interface CheckTextOptions {
  readonly columns: number;
  readonly color: Io['color'];
  /** As the user gave it. */
  readonly within: string | undefined;
}

/** What is not well, a line each, and below each group the command that mends it. */
export function checkText(found: Overview, findings: readonly Finding[], options: CheckTextOptions): string {
  const { columns, color } = options;
  if (!findings.length) return wrap(allWell(found, options.within), columns).join('\n');
  const now = found.now.getTime();
  const label = ({ node, name }: Finding) => [node, name].filter(Boolean).join(' ');
  const width = Math.max(...findings.map((finding) => label(finding).length)) + 4;
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const todo = [...(finding.mend ? [`\`${finding.mend}\``] : []), finding.advice].filter(Boolean).join('; ');
    groups.set(todo, [...(groups.get(todo) ?? []), finding]);
  }
  return [...groups]
    .flatMap(([todo, some]) => [
      ...some.flatMap((finding) => {
        const paint = finding.state === 'ending' ? color.yellow : color.red;
        return wrap(printable(inWords(finding, now)), columns, `  ${label(finding)}`.padEnd(width)).map(paint);
      }),
      ...wrap(`what to do: ${todo}`, columns),
    ])
    .join('\n');
}

function inWords({ state, facts, row, where }: Finding, now: number): string {
  const place = where ? ` (${where})` : '';
  if (!facts) return `${row?.problems.join('; ') || state}${place}`;
  const day = new Date(facts.notAfter).toISOString().slice(0, 10);
  switch (state) {
    case 'expired':
      return `expired ${timeInWords(now - facts.notAfter)} ago, on ${day}${place}`;
    case 'not-yet-valid':
      return `is not valid before ${new Date(facts.notBefore).toISOString()}${place}`;
    default:
      return `ends in ${lifeInWords(facts.notAfter - now)}, on ${day}${place}`;
  }
}

/** Whole days rounded down, so that it never sounds longer than it is. */
function lifeInWords(milliseconds: number): string {
  const days = Math.floor(milliseconds / 864e5);
  return days < 2 ? timeInWords(milliseconds) : `${days} days`;
}

function allWell({ rows, now }: Overview, within: string | undefined): string {
  const [first] = rows
    .flatMap(({ facts, ...row }) => (facts ? [{ ...row, facts }] : []))
    .sort((a, b) => a.facts.notAfter - b.facts.notAfter);
  if (!first) return 'there are no certificates';
  const whose = [first.node, first.name].filter(Boolean).join(' ');
  const end = `the first ends in ${days(first.facts.notAfter - now.getTime())} (${whose})`;
  return `${count(rows.length, 'certificate')}, none of which ends within ${within ?? '30d'}: ${end}`;
}

/** `certs check` for `-o json` and `-o yaml`. */
export function checkData(
  { cluster, now, live }: Overview,
  findings: readonly Finding[],
  within: string | undefined,
): Json {
  return {
    cluster: cluster.name,
    ok: findings.length === 0,
    expiresWithin: within ?? null,
    certificates: findings.map(({ node, name, row, state, facts, where, mend, advice }) => ({
      name,
      node: node ?? null,
      where: where ?? 'in the cluster directory',
      path: row?.path ?? null,
      state,
      problems: row ? [...row.problems] : [],
      ...factsData(facts, now),
      command: mend ?? null,
      advice: advice ?? null,
    })),
    nodes: live
      ? live.nodes.map(({ name, why }) => ({ name, reachable: why === undefined, unreachable: why ?? null }))
      : null,
  };
}
