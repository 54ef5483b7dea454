import { daysLeft, leftInWords } from '../../pki/list/life.ts';
import type { ListedState } from '../../pki/list/listed.ts';
import type { ForeignCertificate, ServedCertificate } from '../../rollout/certificates/live.ts';
import type { CertificateRow } from '../../rollout/certificates/rows.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { wrap } from '../wrap.ts';
import { detailLines, keyDetailLines } from './list-details.ts';
import type { Overview } from './overview.ts';

export interface ListTextOptions {
  readonly columns: number;
  readonly color: Io['color'];
  /** All that is known of each. */
  readonly verbose: boolean;
}

interface Line {
  readonly cells: readonly string[];
  readonly state: ListedState | undefined;
}

interface Group {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** All certificates for a person: a table by node, then what is wrong with single ones. */
export function listText(found: Overview, options: ListTextOptions): string {
  const { columns, verbose } = options;
  if (verbose) {
    return [
      ...found.rows.flatMap((row) => detailLines(row, found, options)),
      ...keyDetailLines(found.keys, columns),
      ...liveOnly(found, columns),
    ].join('\n');
  }
  return [
    ...table(groupsOf(found), header(found), columns, options.color),
    ...problemLines(found, columns),
    ...restartLines(found, columns),
    ...liveOnly(found, columns),
  ].join('\n');
}

function header({ live }: Overview): readonly string[] {
  return ['', 'ENDS', 'LEFT', 'STATE', ...(live ? ['LIVE'] : ['CA', 'RENEWAL'])];
}

function groupsOf({ rows, keys, now, live, cluster }: Overview): readonly Group[] {
  const line = (row: CertificateRow): Line => {
    const { facts, state } = row;
    const common = [labelOf(row), ...timeCells(facts, now), STATES[state]];
    const last = live
      ? [live.agreements.get(row)?.text ?? '-']
      : row.kind === 'authority'
        ? ['-', 'rotate']
        : [issuerCell(row), renewalCell(row)];
    return { cells: [...common, ...last], state };
  };
  const keyLine: Line = {
    cells: [
      'service-account (key)',
      '-',
      '-',
      keys.problems.length ? 'misfit' : 'ok',
      ...(live ? ['-'] : ['-', 'rotate']),
    ],
    state: keys.problems.length ? 'misfit' : undefined,
  };
  const of = (title: string, some: readonly CertificateRow[], ...more: readonly Line[]): readonly Group[] =>
    some.length + more.length ? [{ title, lines: [...some.map(line), ...more] }] : [];
  const authorities = rows.filter(({ kind }) => kind === 'authority');
  const shared = rows.filter(({ kind, node }) => kind === 'leaf' && node === undefined);
  return [
    ...of('CAs', authorities, keyLine),
    ...of('cluster directory', shared),
    ...allNodes(cluster).flatMap(({ name }) =>
      of(
        name,
        rows.filter(({ node }) => node === name),
      ),
    ),
  ];
}

const STATES: Readonly<Record<ListedState, string>> = {
  ok: 'ok',
  ending: 'ending',
  expired: 'expired',
  'not-yet-valid': 'early',
  misfit: 'misfit',
  missing: 'missing',
};

/** `kubernetes (old)`, `etcd/server`. */
function labelOf({ name, age }: CertificateRow): string {
  return age ? `${name} (${age})` : name;
}

/** The CA is said as the CAs are above; anything else stands in the detail lines. */
function issuerCell({ facts }: CertificateRow): string {
  if (!facts) return '-';
  const known = /^(\S+) CA(?: \((old|new)\))?$/.exec(facts.issuer);
  return known ? [known[1], known[2]].filter(Boolean).join(' ') : 'other';
}

function renewalCell({ change }: CertificateRow): string {
  return change?.kind === 'own' ? 'itself' : (change?.kind ?? '-');
}

function timeCells(facts: CertificateRow['facts'], now: Date): readonly string[] {
  if (!facts) return ['-', '-'];
  return [day(facts.notAfter), `${daysLeft(facts.notAfter, now.getTime())}d`];
}

/** `2027-11-23`. */
function day(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}

/** Only the last column may be longer than there is room for: it goes on below. */
function table(
  groups: readonly Group[],
  header: readonly string[],
  columns: number,
  color: Io['color'],
): readonly string[] {
  const all = [header, ...groups.flatMap(({ lines }) => lines.map(({ cells }) => cells))];
  const widths = header.slice(0, -1).map((_, i) => Math.max(...all.map((cells) => cells[i]?.length ?? 0)));
  const draw = (
    cells: readonly string[],
    state: ListedState | undefined,
    first = cells[0] ?? '',
  ): readonly string[] => {
    const [before, last] = [cells.slice(0, -1), cells.at(-1) ?? ''];
    const left = before
      .map((cell, i) => (i === 0 ? first : cell).padEnd((widths[i] ?? 0) + (i === 0 ? 2 : 0)))
      .join('  ');
    const lines = wrap(last, columns, `${left}  `);
    return state && state !== 'ok' ? lines.map((line) => painted(line, state, color)) : lines;
  };
  return groups.flatMap(({ title, lines }, i) => [
    ...(i === 0 ? draw(header, undefined, title) : [color.bold(title)]),
    ...lines.flatMap(({ cells, state }) => draw(cells, state, `  ${cells[0] ?? ''}`)),
  ]);
}

function painted(line: string, state: ListedState, color: Io['color']): string {
  return state === 'ending' || state === 'misfit' ? color.yellow(line) : color.red(line);
}

function problemLines({ rows, keys }: Overview, columns: number): readonly string[] {
  const told = rows.flatMap((row) => {
    const what = [
      ...row.problems,
      ...(row.state === 'not-yet-valid'
        ? [`is not valid before ${new Date(row.facts?.notBefore ?? 0).toISOString()}`]
        : []),
    ];
    return what.length ? [`${[row.node, labelOf(row)].filter(Boolean).join(' ')}: ${what.join('; ')}`] : [];
  });
  const all = [...told, ...keys.problems.map((text) => `service-account: ${text}`)];
  return all.flatMap((text) => wrap(printable(text), columns, '', 2));
}

/** What starts anew when certificates are renewed; on 1.36 nothing does unless a flag of the user's makes it so. */
function restartLines({ rows }: Overview, columns: number): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const { kind, node, name, change } of rows) {
    if (kind !== 'leaf' || change?.kind !== 'restart') continue;
    const what = change.restarts.join(', ');
    groups.set(what, [...(groups.get(what) ?? []), `${node}\u00a0${name}`]);
  }
  return [...groups].flatMap(([what, names]) => wrap(`to renew ${names.join(', ')} restarts ${what}`, columns, '', 2));
}

/** What nodes have and show beyond the cluster directory. */
function liveOnly({ live, now }: Overview, columns: number): readonly string[] {
  if (!live) return [];
  const left = ({ facts }: ServedCertificate | ForeignCertificate) =>
    `until ${day(facts.notAfter)}, ${leftInWords(facts.notAfter, now.getTime())}`;
  const lines = [
    ...live.nodes.flatMap(({ name, why }) => (why === undefined ? [] : [`${name}: cannot be looked at: ${why}`])),
    ...live.foreign.map((each) =>
      each.kind === 'own'
        ? `${each.node} kubelet: has its own client certificate, of the ${each.facts.issuer}, ${left(each)}`
        : `${each.node} ${each.path}: trusts ${each.facts.subject} besides (${left(each)}), which the cluster directory does not`,
    ),
    ...live.served
      .filter(({ row }) => !row)
      .map((each) => {
        const by = each.facts.issuer === 'itself' ? 'self-signed' : `of the ${each.facts.issuer}`;
        return `${each.node} ${each.server}: port ${each.port} shows a certificate of its own, ${by}, ${left(each)}`;
      }),
    ...live.silent.map(({ node, server, port, why }) => `${node} ${server}: port ${port} shows no certificate: ${why}`),
  ];
  return lines.flatMap((line) => wrap(printable(line), columns, '', 2));
}
