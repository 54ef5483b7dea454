import { current, following, type Journal, type Phase, type PhaseRecord, reached, type Subject } from './journal.ts';

/** What has to be done next. */
export type Move =
  /** All masters get the files of the present phase. */
  | { readonly kind: 'place'; readonly phase: Phase }
  /** They have them; it must be seen to work. */
  | { readonly kind: 'prove'; readonly phase: Phase }
  /** The next phase may begin. */
  | { readonly kind: 'enter'; readonly phase: Phase }
  /** All is done on the masters: `settle`. */
  | { readonly kind: 'end' };

/** A rotation whose new keys are on disk. */
export function begun(subjects: readonly Subject[], now: Date): Journal {
  const moment = now.toISOString();
  // nothing of it is for the masters
  const record: PhaseRecord = { phase: 'prepare', begun: moment, placed: moment, proven: moment };
  return { version: 1, subjects, direction: 'forward', records: [record] };
}

export function nextMove(journal: Journal): Move {
  const { phase, placed, proven } = current(journal);
  if (placed === undefined) return { kind: 'place', phase };
  if (proven === undefined) return { kind: 'prove', phase };
  const next = following(journal);
  return next ? { kind: 'enter', phase: next } : { kind: 'end' };
}

export function entered(journal: Journal, phase: Phase, now: Date): Journal {
  return { ...journal, records: [...journal.records, { phase, begun: now.toISOString() }] };
}

export function placed(journal: Journal, now: Date): Journal {
  return withLast(journal, { placed: now.toISOString() });
}

export function proven(journal: Journal, now: Date): Journal {
  return withLast(journal, { proven: now.toISOString() });
}

function withLast(journal: Journal, more: Partial<PhaseRecord>): Journal {
  return { ...journal, records: [...journal.records.slice(0, -1), { ...current(journal), ...more }] };
}

/** Whether the old one may still be gone back to: it is trusted everywhere as long as nobody was told to distrust it. */
export function mayTurnBack(journal: Journal): boolean {
  return journal.direction === 'back' || !reached(current(journal).phase, 'distrust');
}

/** From now on it goes back; what the present phase has half done is undone by the phase before it. */
export function turnedBack(journal: Journal, now: Date): Journal {
  if (journal.direction === 'back') return journal;
  const back: Journal = { ...journal, direction: 'back' };
  const before = following(back);
  return before ? entered(back, before, now) : back;
}

/** When files have last been changed on masters: processes may need minutes to notice. Milliseconds since 1970. */
export function lastPlaced({ records }: Journal): number {
  return Math.max(...records.map((record) => (record.placed === undefined ? 0 : Date.parse(record.placed))));
}

/** Whether one of the two is trusted no more once this phase is in place: the old one, on the way back the new one. */
export function drops({ direction }: Journal, phase: Phase): boolean {
  return phase === 'distrust' || (direction === 'back' && phase === 'prepare');
}
