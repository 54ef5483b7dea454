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

export interface Reading {
  readonly state: () => ServeState;
  /** The last whole one, also where it is no longer served. */
  readonly last: () => Snapshot | undefined;
  /** How many times another snapshot was taken over, and how many looks have failed. */
  readonly counts: () => { readonly taken: number; readonly failed: number };
  /** Looks at once. */
  readonly look: () => void;
  readonly stop: () => void;
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
  let [taken, failed] = [0, 0];
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
  // the earliest counts: changes without end must not put it off for ever
  const soon = (ms: number) => {
    if (performance.now() + ms >= due) return;
    due = performance.now() + ms;
    clearTimeout(timer);
    timer = setTimeout(look, ms);
  };
  function look(): void {
    due = Number.POSITIVE_INFINITY;
    rewatch();
    try {
      const snapshot = loadSnapshot(dir, last);
      if (snapshot !== last) taken += 1;
      last = snapshot;
      doubtSince = undefined;
      become({ kind: 'whole', snapshot });
      soon(AGAIN.whole);
    } catch (error) {
      failed += 1;
      doubtSince ??= performance.now();
      const why = error instanceof Error ? error.message : String(error);
      if (!last || performance.now() - doubtSince >= GRACE) become({ kind: 'doubt', why });
      soon(AGAIN.doubt);
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
    counts: () => ({ taken, failed }),
    look,
    stop: () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
