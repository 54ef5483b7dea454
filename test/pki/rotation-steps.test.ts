import { describe, expect, test } from 'vitest';
import { current, type Journal, type Subject } from '../../src/pki/rotation/journal.ts';
import {
  begun,
  entered,
  lastPlaced,
  mayTurnBack,
  nextMove,
  placed,
  proven,
  turnedBack,
} from '../../src/pki/rotation/steps.ts';

const ALL: readonly Subject[] = ['kubernetes', 'etcd', 'front-proxy'];
const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 12, minute));

/** Everything that is done from here on, each move carried out as soon as it is named. */
function walk(from: Journal): readonly string[] {
  const moves: string[] = [];
  let journal = from;
  for (let minute = 1; minute < 50; minute++) {
    const move = nextMove(journal);
    moves.push(move.kind === 'end' ? 'end' : `${move.kind} ${move.phase}`);
    if (move.kind === 'end') return moves;
    if (move.kind === 'place') journal = placed(journal, at(minute));
    else if (move.kind === 'prove') journal = proven(journal, at(minute));
    else journal = entered(journal, move.phase, at(minute));
  }
  throw new Error('it never ends');
}

function inPhase(
  phase: 'trust' | 'issue' | 'sign' | 'distrust',
  how: 'begun' | 'placed' | 'proven' = 'begun',
): Journal {
  const journal = entered(begun(ALL, at(0)), phase, at(1));
  if (how === 'begun') return journal;
  return how === 'placed' ? placed(journal, at(2)) : proven(placed(journal, at(2)), at(3));
}

test('each phase is placed, proven, and only then is the next one entered', () => {
  expect(walk(begun(['etcd'], at(0)))).toEqual([
    'enter trust',
    'place trust',
    'prove trust',
    'enter issue',
    'place issue',
    'prove issue',
    'enter distrust',
    'place distrust',
    'prove distrust',
    'end',
  ]);
});

test('a run that was killed goes on with what was not done yet', () => {
  expect(walk(inPhase('sign', 'begun'))[0]).toBe('place sign');
  expect(walk(inPhase('sign', 'placed'))[0]).toBe('prove sign');
  expect(walk(inPhase('sign', 'proven'))[0]).toBe('enter distrust');
});

describe('going back', () => {
  test('what a phase has half done is undone by the files of the phase before, down to the old one alone', () => {
    expect(walk(turnedBack(inPhase('issue'), at(5)))).toEqual([
      'place trust',
      'prove trust',
      'enter prepare',
      'place prepare',
      'prove prepare',
      'end',
    ]);
  });

  test('where nothing has been brought to masters yet nothing is brought there', () => {
    expect(walk(turnedBack(begun(ALL, at(0)), at(5)))).toEqual(['end']);
  });

  test('from a phase that was merely begun it goes to the files of the phase before all the same: some masters may have the new ones', () => {
    expect(current(turnedBack(inPhase('trust'), at(5)))).toEqual({ phase: 'prepare', begun: at(5).toISOString() });
  });

  test('it is possible until the old one is distrusted, and a second turn changes nothing', () => {
    expect(mayTurnBack(inPhase('sign', 'proven'))).toBe(true);
    expect(mayTurnBack(inPhase('distrust'))).toBe(false);
    const back = turnedBack(inPhase('sign'), at(5));
    expect(turnedBack(back, at(6))).toBe(back);
    expect(mayTurnBack(back)).toBe(true);
  });
});

test('processes are given their time from when files were last changed', () => {
  expect(lastPlaced(placed(inPhase('trust'), at(7)))).toBe(at(7).getTime());
  expect(lastPlaced(entered(placed(inPhase('trust'), at(7)), 'issue', at(9)))).toBe(at(7).getTime());
});
