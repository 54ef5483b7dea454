import { leftInWords } from '../../pki/list/life.ts';
import type { CertificateRow } from '../../rollout/certificates/rows.ts';
import { isoTime } from '../../rollout/status/words.ts';
import { count } from '../format.ts';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { wrap } from '../wrap.ts';
import type { KeysRow, Overview } from './overview.ts';

const LABEL = 11;

/** All that is known of one certificate. */
export function detailLines(
  row: CertificateRow,
  { now, live }: Overview,
  { columns, color }: { readonly columns: number; readonly color: Io['color'] },
): readonly string[] {
  const { facts } = row;
  const left = facts ? `, ${leftInWords(facts.notAfter, now.getTime())}` : '';
  const what = row.kind === 'authority' ? `CA ${row.name}${row.age ? ` (${row.age})` : ''}` : row.name;
  const found = live?.agreements.get(row);
  const field = (label: string, text: string | undefined): readonly string[] =>
    text ? wrap(printable(text), columns, `  ${label}`.padEnd(LABEL + 2)) : [];
  return [
    color.bold(`${[row.node, what].filter(Boolean).join(' ')}: ${row.state}${left}`),
    ...row.problems.flatMap((problem) => field('wrong', problem)),
    ...field('subject', facts?.subject),
    ...field('names', facts?.sans.join(', ')),
    ...field('issued by', facts?.issuer),
    ...field('key', facts && [facts.algorithm, ...(row.hasKey ? [] : ['kept elsewhere'])].join(', ')),
    ...field('valid', facts && `${isoTime(facts.notBefore)} to ${isoTime(facts.notAfter)}`),
    ...field('SHA-256', facts?.fingerprint),
    ...field('role', row.roles.join(', ')),
    ...field('used by', row.uses.map(({ component, by }) => `${component}\u00a0${by}`).join(', ')),
    ...field(row.kind === 'authority' ? 'rotation' : 'renewal', row.change?.text),
    ...field('file', row.path),
    ...field('on nodes', row.places.map(({ path }) => path).join(', ')),
    ...field('live', found?.text),
  ];
}

/** The same of the service-account key. */
export function keyDetailLines(keys: KeysRow, columns: number): readonly string[] {
  const field = (label: string, text: string | undefined): readonly string[] =>
    text ? wrap(text, columns, `  ${label}`.padEnd(LABEL + 2)) : [];
  return [
    `service-account key: ${keys.problems.length ? 'misfit' : 'ok'}`,
    ...keys.problems.flatMap((problem) => field('wrong', problem)),
    ...field('key', keys.algorithm),
    ...field('accepted', count(keys.accepted, 'public key')),
    ...field('rotation', keys.change?.text),
    ...field('file', keys.path),
  ];
}
