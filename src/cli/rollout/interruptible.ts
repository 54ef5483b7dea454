import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import { BootstrapError } from '../../base/errors.ts';
import { Interrupted } from '../interrupted.ts';
import type { Io } from '../io.ts';
import { outlivingStreams } from '../streams.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface InterruptOptions {
  /** What the program says at the first signal. */
  readonly saying: string;
  /** Undoes at once what must not outlive the program; at the second signal, when there is no time to wait. */
  readonly abandon: () => void;
}

/**
 * Work over a network that ends in good order: the first signal aborts it, so that it can give back what it holds; the
 * second one ends the program there and then. That nobody reads what it says does not end it.
 * @throws Interrupted where the signal has ended it, with what the work says of that; else what the work throws
 */
export async function interruptible<T>(
  io: Io,
  options: InterruptOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  // as many as there are questions under way to all nodes together
  setMaxListeners(0, controller.signal);
  let status = 0;
  const handlers = SIGNALS.map((signal) => {
    const end = () => {
      if (controller.signal.aborted) {
        options.abandon();
        process.exit(128 + constants.signals[signal]);
      }
      status = 128 + constants.signals[signal];
      io.progress('');
      io.err(options.saying);
      controller.abort();
    };
    process.on(signal, end);
    return () => process.removeListener(signal, end);
  });
  try {
    return await outlivingStreams(() => work(controller.signal));
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    const said = error instanceof BootstrapError ? error : new BootstrapError('failed', 'interrupted');
    throw new Interrupted(said.message, { status, ...(said.hint !== undefined && { hint: said.hint }) });
  } finally {
    for (const remove of handlers) remove();
  }
}
