import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { ServeState } from './answer.ts';
import { LISTS } from './served-index.ts';
import { loadSnapshot, type Snapshot } from './snapshot.ts';

/** Milliseconds for which the last whole state is served while the directory is being changed. */
const GRACE = 2000;
/** Milliseconds until a change is looked at: it comes with several files. */
const PAUSE = 30;
/** Milliseconds until the next look where something is in doubt, and where all is well. */
const AGAIN = { doubt: 250, whole: 5000 } as const;
/** Of the time, this part at most is spent on looking: with twenty thousand lists one look takes a second. */
const SHARE = 1 / 5;

export interface Reading {
  readonly state: () => ServeState;
  /** The last whole one, also where it is no longer served. */
  readonly last: () => Snapshot | undefined;
  readonly counts: () => ReadingCounts;
  /** Looks at once. */
  readonly look: () => void;
  readonly stop: () => void;
}

interface ReadingCounts {
  /** How many times another snapshot was taken over, and when the last time was, in milliseconds since the epoch. */
  readonly taken: number;
  readonly takenAt: number;
  /** How many looks have found nothing whole. */
  readonly failed: number;
}

/**
 * Reads the server's directory again whenever it changes. The file system tells most changes; what it does not tell (a
 * network file system, a directory that was replaced) is found by looking every few seconds.
 * @param onChange is called with every state that differs from the one before
 */
export function keepReading(dir: string, onChange: (state: ServeState) => void): Reading {
  let last: Snapshot | undefined;
  let state: ServeState = { kind: 'doubt', why: 'nothing was read yet' };
  let doubtSince: number | undefined;
  let [taken, takenAt, failed] = [0, 0, 0];
  let timer: NodeJS.Timeout | undefined;
  let watchers: readonly FSWatcher[] = [];
  const become = (next: ServeState) => {
    const isSame =
      next.kind === 'whole'
        ? state.kind === 'whole' && state.snapshot === next.snapshot
        : state.kind === 'doubt' && state.why === next.why;
    state = next;
    if (!isSame) onChange(next);
  };
  let due = Number.POSITIVE_INFINITY;
  let notBefore = 0;
  // the earliest counts: changes without end must not put it off for ever
  const soon = (ms: number) => {
    const at = Math.max(performance.now() + ms, notBefore);
    if (at >= due) return;
    due = at;
    clearTimeout(timer);
    timer = setTimeout(look, at - performance.now());
  };
  function look(): void {
    due = Number.POSITIVE_INFINITY;
    const began = performance.now();
    const again = read();
    const now = performance.now();
    notBefore = now + (now - began) * (1 / SHARE - 1);
    soon(again);
  }
  /** @returns milliseconds until the next look, should nothing happen before */
  function read(): number {
    rewatch();
    try {
      const snapshot = loadSnapshot(dir, last);
      if (snapshot !== last) [taken, takenAt] = [taken + 1, Date.now()];
      last = snapshot;
      doubtSince = undefined;
      become({ kind: 'whole', snapshot });
      return AGAIN.whole;
    } catch (error) {
      failed += 1;
      doubtSince ??= performance.now();
      const why = error instanceof Error ? error.message : String(error);
      if (!last || performance.now() - doubtSince >= GRACE) become({ kind: 'doubt', why });
      return AGAIN.doubt;
    }
  }
  /** A directory that was renamed away is watched to no end. */
  function rewatch(): void {
    for (const watcher of watchers) watcher.close();
    watchers = ['', 'tls', LISTS].flatMap((name) => {
      try {
        const watcher = watch(join(dir, name), () => soon(PAUSE));
        watcher.on('error', () => watcher.close());
        return [watcher];
      } catch {
        return [];
      }
    });
  }
  look();
  return {
    state: () => state,
    last: () => last,
    counts: () => ({ taken, takenAt, failed }),
    look,
    stop: () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
