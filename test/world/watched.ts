import { statSync } from 'node:fs';

const EVERY_MS = 100;

/**
 * Calls when any of these files has been written or replaced, as what watches them by inotify does.
 * @param everyMs how often it looks; more for what looks now and then only
 * @returns ends it
 */
export function onChange(paths: readonly string[], changed: () => void, everyMs = EVERY_MS): () => void {
  const hasChanged = changes(paths);
  const timer = setInterval(() => {
    if (hasChanged()) changed();
  }, everyMs).unref();
  return () => clearInterval(timer);
}

/** Tells whether any of these files has been written or replaced since it was asked last. */
export function changes(paths: readonly string[]): () => boolean {
  const stamp = () =>
    paths
      .map((path) => {
        const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
        return stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : '';
      })
      .join();
  let last = stamp();
  return () => {
    const now = stamp();
    const differs = now !== last;
    last = now;
    return differs;
  };
}
