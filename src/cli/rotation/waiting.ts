import { BootstrapError } from '../../base/errors.ts';
import { pause } from '../../base/pause.ts';
import { lastPlaced } from '../../pki/rotation/steps.ts';
import type { RotationContext } from './context.ts';

/** Milliseconds between two updates of the line that says for how long it still waits. */
const TICK = 1000;

/**
 * Waits until every process has had the time to read by itself what was put in place last: until then some of them still
 * know the old files alone.
 */
export async function untilSettled({ run, journal, signal }: RotationContext): Promise<void> {
  const { io, settings } = run;
  const end = lastPlaced(journal) + settings.settle;
  if (end <= Date.now()) return;
  const clock = new Date(end).toISOString().slice(11, 16);
  io.note(`waits until ${clock} UTC for every process to have read its new files (--settle)`);
  while (Date.now() < end) {
    if (signal.aborted) throw new BootstrapError('failed', 'interrupted');
    io.progress(`${Math.ceil((end - Date.now()) / 1000)} s left`);
    await pause(Math.min(TICK, end - Date.now()), signal);
  }
  io.progress('');
}
