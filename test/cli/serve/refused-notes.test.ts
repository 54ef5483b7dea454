import { expect, test } from 'vitest';
import { refusedNotes } from '../../../src/cli/serve/refused-notes.ts';

test('a handshake that fails is told at once, and many of them once a minute', () => {
  const told: string[] = [];
  let now = 0;
  const notes = refusedNotes(
    (text) => told.push(text),
    () => now,
  );
  for (now = 0; now <= 60_000; now += 1000) notes.add('10.0.0.5', 'tlsv1 alert unknown ca');
  expect(told).toEqual([
    'TLS handshake with 10.0.0.5 failed: tlsv1 alert unknown ca',
    'TLS handshake with 10.0.0.5 failed: tlsv1 alert unknown ca, and 59 more since the last such line',
  ]);
});
