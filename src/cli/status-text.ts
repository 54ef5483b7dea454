import { skewInWords } from '../rollout/status/clock.ts';
import type { CertificateStatus, EtcdStatus, NodeStatus, Status } from '../rollout/status/status.ts';
import { bytesInWords, listed } from '../rollout/status/words.ts';
import { count, table } from './format.ts';
import type { Io } from './io.ts';
import { problemLines } from './status-problems.ts';
import { statusTable } from './status-table.ts';
import { wrap } from './wrap.ts';

export interface StatusTextOptions {
  readonly columns: number;
  readonly color: Io['color'];
  /** Also etcd's members, every certificate and what is behind each word of the table. */
  readonly verbose?: boolean;
  /** Options that commands in hints have to repeat, e.g. ` --dir prod`. */
  readonly within?: string;
}

/** The whole status for a person: a table, a few lines on what is shared, then what is wrong and what to do. */
export function statusText(status: Status, options: StatusTextOptions): string {
  const { columns, color, verbose = false, within = '' } = options;
  const lines = (text: string, label: string) => wrap(text, columns, label ? `${label}  ` : '', 2);
  const only = status.problems[0];
  if (!status.applied && status.problems.length === 1 && only) {
    const todo = only.hint.replaceAll(/`bootstrap ([^`]+)`/g, `\`bootstrap $1${within}\``);
    return wrap(`${status.cluster.name}: ${only.what}; ${todo}`, columns).join('\n');
  }
  return [
    ...lines(header(status), status.cluster.name),
    ...(status.applied ? statusTable(status, columns, color) : []),
    ...(verbose ? detailLines(status.nodes).flatMap((line) => wrap(line, columns, '  ', 4)) : []),
    ...(status.etcd ? lines(etcdLine(status.etcd), 'etcd') : []),
    ...(verbose && status.etcd ? memberTable(status.etcd, columns) : []),
    ...certificateLines(status.certificates, status.nodes.length, verbose).flatMap((line, i) =>
      i ? wrap(line, columns, '  ', 4) : lines(line, 'certificates'),
    ),
    ...clockLines(status.nodes, verbose).flatMap((line) => lines(line, 'clocks')),
    ...lockLines(status.nodes).flatMap((line) => lines(line, 'locks')),
    ...(status.problems.length ? problemLines(status.problems, columns, color, within) : [color.green('All is well.')]),
  ].join('\n');
}

function header({ cluster, nodes }: Status): string {
  const etcd = cluster.etcd === 'external' ? ', external etcd' : '';
  const [masters, plain] = (['master', 'node'] as const).map(
    (role) => nodes.filter((node) => node.role === role).length,
  );
  const machines = [
    ...(masters || !plain ? [count(masters ?? 0, 'master')] : []),
    ...(plain ? [count(plain, 'node')] : []),
  ].join(', ');
  const endpoint = cluster.endpoint === undefined ? '' : `, endpoint ${cluster.endpoint}`;
  return `Kubernetes ${cluster.kubernetesVersion}, ${machines}${etcd}${endpoint}`;
}

function etcdLine({ members, voters, healthyVoters, unseen, needed, spare, silent }: EtcdStatus): string {
  if (silent !== undefined) return `no member answers: ${silent}`;
  const up = `${healthyVoters} of ${count(voters, 'member')} up${unseen ? `, ${unseen} could not be asked` : ''}`;
  const sizes = members.flatMap(({ dbSize }) => (dbSize === undefined ? [] : [dbSize]));
  const lags = members.flatMap(({ lag }) => (lag === undefined ? [] : [lag]));
  return [
    voters > 1 ? `${up}, ${needed} needed: ${mayFail(spare, unseen)}` : up,
    [
      ...(sizes.length ? [`database\u00a0${bytesInWords(Math.max(...sizes)).replace(' ', '\u00a0')}`] : []),
      ...(lags.length ? [`lag\u00a0${Math.max(...lags)}`] : []),
    ].join(', '),
  ]
    .filter(Boolean)
    .join('; ');
}

function mayFail(spare: number, unseen: number): string {
  if (spare < 0) return unseen ? 'what the others do is not known' : 'nothing can be written';
  if (spare === 0) return 'no further one may fail';
  return spare === 1 ? 'one may fail' : `${spare} may fail`;
}

function memberTable({ members }: EtcdStatus, columns: number): readonly string[] {
  if (!members.length) return [];
  const rows = members.map(({ name, id, healthy, learner, leader, lag, dbSize, alarms, foreign }) => [
    name || '(never started)',
    id,
    leader ? 'leader' : learner ? 'learner' : 'follower',
    lag === undefined ? '?' : String(lag),
    dbSize === undefined ? '?' : bytesInWords(dbSize),
    [healthy ? 'healthy' : 'not well', ...alarms, ...(foreign ? ['no node of the cluster file'] : [])].join(', '),
  ]);
  const text = table(['MEMBER', 'ID', 'ROLE', 'LAG', 'DATABASE', 'STATE'], rows);
  return text.split('\n').map((line) => `  ${line}`.slice(0, columns).trimEnd());
}

/** The first to end; with `all` every one, otherwise those that need attention. */
function certificateLines(all: readonly CertificateStatus[], nodes: number, every: boolean): readonly string[] {
  const [first] = all;
  if (!first) return [];
  const where = ({ nodes: on }: CertificateStatus) => (on.length > 1 && on.length === nodes ? 'all' : listed(on));
  const whose = (each: CertificateStatus) => `${where(each)} ${each.name}`;
  const listing = (every ? all : all.filter(({ state }) => state !== 'ok')).slice(0, every ? all.length : MOST_LISTED);
  const hidden = every ? 0 : all.filter(({ state }) => state !== 'ok').length - listing.length;
  return [
    first.state === 'expired'
      ? `the first has expired ${daysInWords(-first.daysLeft)} ago (${whose(first)})`
      : `the first expires in ${daysInWords(first.daysLeft)} (${whose(first)})`,
    ...(every || listing.length > 1 ? listing.map((each) => `${whose(each)}: ${lifeInWords(each)}`) : []),
    ...(hidden > 0 ? [`and ${hidden} more`] : []),
  ];
}

const MOST_LISTED = 6;

function lifeInWords({ state, daysLeft, notAfter, servedBy }: CertificateStatus): string {
  const day = notAfter.slice(0, notAfter.indexOf('T'));
  const end = state === 'expired' ? `expired ${day}` : `${daysInWords(daysLeft)}, until ${day}`;
  return `${end}${state === 'not-yet-valid' ? ', not valid yet' : ''}${servedBy ? ', in memory' : ''}`;
}

function daysInWords(days: number): string {
  return days < 1 ? 'less than a day' : count(days, 'day');
}

/** Only what is worth a look; clocks that are right say nothing. */
function clockLines(nodes: readonly NodeStatus[], every: boolean): readonly string[] {
  const told = nodes.flatMap(({ node, clock }) =>
    clock && (every || clock.isOff || clock.perhapsOff)
      ? [`${node} ${clock.perhapsOff ? 'perhaps ' : ''}${skewInWords(clock)}`]
      : [],
  );
  return told.length ? [listed(told, every ? told.length : 6)] : [];
}

function lockLines(nodes: readonly NodeStatus[]): readonly string[] {
  const holders = new Map<string, string[]>();
  for (const { node, lock, revision } of nodes) {
    if (!lock) continue;
    const doing = revision.unfinished?.live ? `, putting revision ${revision.unfinished.to} in place` : '';
    const who = `held by ${lock.who} since ${lock.since}${doing}`;
    const text = lock.live ? who : `left behind by ${lock.who} at ${lock.since}, free to be taken`;
    holders.set(text, [...(holders.get(text) ?? []), node]);
  }
  return [...holders].map(([text, on]) => `${listed(on, 5)}: ${text}`);
}

/** What stands behind each word of the table that is not `ok`. */
function detailLines(nodes: readonly NodeStatus[]): readonly string[] {
  return nodes.flatMap(({ node, components }) =>
    components
      .filter(({ state }) => state !== 'ok')
      .map(({ component, state, detail }) => `${node} ${component}: ${state}${detail ? `: ${detail}` : ''}`),
  );
}
