import { BootstrapError } from '../../base/errors.ts';
import type { AuthorityName } from '../pki.ts';

/** What a rotation replaces: CAs, or the key that signs service-account tokens. */
export type Subject = AuthorityName | 'service-account';

const SUBJECTS: readonly Subject[] = ['kubernetes', 'etcd', 'front-proxy', 'service-account'];

/**
 * - `prepare`: the new keys and CA certificates are on disk, and nothing uses them.
 * - `trust`: old and new are trusted everywhere.
 * - `issue`: all certificates come from the new CA.
 * - `sign`: the controller-manager signs with the new CA; tokens are signed with the new key.
 * - `distrust`: the new one alone is trusted. From its beginning on there is no way back.
 */
export type Phase = 'prepare' | 'trust' | 'issue' | 'sign' | 'distrust';

const PHASES: readonly Phase[] = ['prepare', 'trust', 'issue', 'sign', 'distrust'];

/** When a phase was entered and what has become of it; moments as ISO 8601. */
export interface PhaseRecord {
  readonly phase: Phase;
  readonly begun: string;
  /** All masters have its files. */
  readonly placed?: string;
  /** It was seen to work. */
  readonly proven?: string;
}

/** A rotation that is under way: `pki/rotation.json`. Its last record says which phase's files count. */
export interface Journal {
  readonly version: 1;
  readonly subjects: readonly Subject[];
  readonly direction: 'forward' | 'back';
  /** In the order in which they were entered; never empty. */
  readonly records: readonly PhaseRecord[];
}

/** Relative to `pki/`. */
export const JOURNAL = 'rotation.json';

/** The phases that change anything for these subjects. */
export function phasesOf(subjects: readonly Subject[]): readonly Phase[] {
  const has = (...some: readonly Subject[]) => some.some((subject) => subjects.includes(subject));
  return PHASES.filter((phase) => {
    if (phase === 'issue') return has('kubernetes', 'etcd', 'front-proxy');
    return phase !== 'sign' || has('kubernetes', 'service-account');
  });
}

/** The record of the phase whose files count. */
export function current({ records }: Journal): PhaseRecord {
  const record = records.at(-1);
  if (!record) throw new Error('a journal without a record');
  return record;
}

/** The phase after the present one, in the journal's direction; undefined where that was the last. */
export function following(journal: Journal): Phase | undefined {
  const phases = phasesOf(journal.subjects);
  const at = phases.indexOf(current(journal).phase);
  return phases[journal.direction === 'forward' ? at + 1 : at - 1];
}

/** Whether this phase comes at or after that one. */
export function reached(phase: Phase, other: Phase): boolean {
  return PHASES.indexOf(phase) >= PHASES.indexOf(other);
}

/** @throws BootstrapError where it is none that this program has written. `file` is how to call it. */
export function parseJournal(text: string, file: string): Journal {
  const damaged = (why: string) =>
    new BootstrapError('failed', `${file}: ${why}`, {
      hint: 'put it back from your copy of pki/: it says which CA the masters are to have',
    });
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw damaged('is no JSON');
  }
  if (!isJournal(read)) throw damaged('is not the journal of a rotation that this version knows');
  return read;
}

function isJournal(value: unknown): value is Journal {
  if (typeof value !== 'object' || value === null) return false;
  const { version, subjects, direction, records } = value as Partial<Record<keyof Journal, unknown>>;
  return (
    version === 1 &&
    (direction === 'forward' || direction === 'back') &&
    Array.isArray(subjects) &&
    subjects.length > 0 &&
    subjects.every((subject) => SUBJECTS.includes(subject)) &&
    Array.isArray(records) &&
    records.length > 0 &&
    records.every((record) => isRecord(record))
  );
}

function isRecord(value: unknown): value is PhaseRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { phase, begun, placed, proven } = value as Partial<Record<keyof PhaseRecord, unknown>>;
  const isMoment = (moment: unknown) => typeof moment === 'string' && !Number.isNaN(Date.parse(moment));
  return (
    PHASES.includes(phase as Phase) &&
    isMoment(begun) &&
    (placed === undefined || isMoment(placed)) &&
    (proven === undefined || isMoment(proven))
  );
}
