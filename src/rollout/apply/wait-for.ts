import { BootstrapError, type ErrorCode } from '../../base/errors.ts';
import { pause } from '../../base/pause.ts';
import { bare } from '../bare.ts';

/** What a look at something gave: everything as it must be, not yet, or never. */
export type Seen =
  | { readonly kind: 'good' }
  | NotYet
  /** Waiting longer does not help. */
  | { readonly kind: 'hopeless'; readonly unmet: readonly string[] };

interface NotYet {
  readonly kind: 'not-yet';
  readonly unmet: readonly string[];
}

export interface WaitOptions {
  readonly seconds: number;
  /** Milliseconds from the end of one look to the beginning of the next. */
  readonly pauseMs: number;
  readonly signal: AbortSignal;
  /** Is told what is still unmet, whenever that has changed. */
  readonly onUnmet?: (unmet: readonly string[]) => void;
}

/**
 * Looks again and again until everything is good, it is hopeless, or the time is over. It always looks once.
 * @returns what was still unmet at the end; empty where all is good
 * @throws BootstrapError `failed` where it was interrupted, and what `look` throws
 */
export async function waitFor(look: () => Promise<Seen>, options: WaitOptions): Promise<readonly string[]> {
  const end = performance.now() + options.seconds * 1000;
  let said = '';
  for (;;) {
    throwIfInterrupted(options.signal);
    const seen = await look();
    if (seen.kind === 'good') return [];
    const text = seen.unmet.join('\n');
    if (text !== said) options.onUnmet?.(seen.unmet);
    said = text;
    if (seen.kind === 'hopeless' || performance.now() >= end) return seen.unmet;
    await pause(Math.min(options.pauseMs, Math.max(0, end - performance.now())), options.signal);
  }
}

/** Does something on a node; where that fails in a way that may pass, it has not shown anything yet. */
export async function patient<T>(
  node: string,
  act: () => Promise<T>,
  passing: readonly ErrorCode[],
): Promise<T | NotYet> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof BootstrapError) || !passing.includes(error.code)) throw error;
    return { kind: 'not-yet', unmet: [bare(node, error)] };
  }
}

function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw new BootstrapError('failed', 'interrupted');
}
