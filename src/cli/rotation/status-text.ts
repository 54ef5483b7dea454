import { current, type Journal, phasesOf } from '../../pki/rotation/journal.ts';
import { mayTurnBack } from '../../pki/rotation/steps.ts';
import type { Json } from '../../spec/tree.ts';
import type { Io } from '../io.ts';
import { commandOf, phaseText, subjectsText } from './words.ts';

/** How far a rotation is, and what can be done now. `within` is what a command needs to find the same cluster. */
export function rotationText(journal: Journal, { color }: Pick<Io, 'color'>, within: string): string {
  const { subjects, direction, records } = journal;
  const now = current(journal);
  const phases = phasesOf(subjects);
  const at = phases.indexOf(now.phase);
  const width = Math.max(...phases.map((phase) => phase.length));
  const lines = phases.map((phase, i) => {
    const isDone = i < at || (i === at && now.proven !== undefined);
    const mark = isDone ? color.green('✓') : i === at ? color.yellow('▸') : ' ';
    const record = records.findLast((each) => each.phase === phase);
    const when = i <= at && record ? clock(record.proven ?? record.placed ?? record.begun) : '';
    return `  ${mark} ${phase.padEnd(width)}  ${when.padEnd(16)}  ${i === at ? `${state(journal)}` : phaseText(phase, subjects)}`.trimEnd();
  });
  const command = `${commandOf(subjects)}${within}`;
  const isBack = direction === 'back';
  return [
    `${isBack ? 'Taking back the rotation' : 'Rotation'} of ${subjectsText(subjects)}, begun ${clock(records[0]?.begun ?? '')}`,
    ...lines,
    ...(isBack ? [] : [`Go on:    ${command} --apply`]),
    mayTurnBack(journal) ? `Go back:  ${command} --rollback --apply` : 'There is no way back any more.',
  ].join('\n');
}

function state(journal: Journal): string {
  const { phase, placed, proven } = current(journal);
  const text = phaseText(phase, journal.subjects);
  if (proven !== undefined) return text;
  return placed === undefined ? `under way: ${text}` : `on all masters, not proven yet: ${text}`;
}

/** `2026-11-23 18:30` (UTC). */
function clock(moment: string): string {
  return moment.slice(0, 16).replace('T', ' ');
}

export function rotationData(journal: Journal | undefined): { readonly [key: string]: Json } {
  if (!journal) return { rotation: null };
  const { subjects, direction, records } = journal;
  return {
    rotation: {
      subjects,
      direction,
      phase: current(journal).phase,
      phases: phasesOf(subjects),
      mayTurnBack: mayTurnBack(journal),
      records: records.map((record) => ({ ...record })),
    },
  };
}
