import { setMaxListeners } from 'node:events';
import { constants } from 'node:os';
import type { Io } from '../io.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface InterruptOptions {
  /** What the program says at the first signal. */
  readonly saying: string;
  /** Undoes at once what must not outlive the program; at the second signal, when there is no time to wait. */
  readonly abandon: () => void;
}

/**
 * Work over a network that ends in good order: the first signal aborts it, so that it can give back what it holds; the
 * second one ends the program there and then.
 */
export async function interruptible<T>(
  io: Io,
  options: InterruptOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  // as many as there are questions under way to all nodes together
  setMaxListeners(0, controller.signal);
  const handlers = SIGNALS.map((signal) => {
    const end = () => {
      if (controller.signal.aborted) {
        options.abandon();
        process.exit(128 + constants.signals[signal]);
      }
      io.progress('');
      io.err(options.saying);
      controller.abort();
    };
    process.on(signal, end);
    return () => process.removeListener(signal, end);
  });
  try {
    return await work(controller.signal);
  } finally {
    for (const remove of handlers) remove();
  }
}
