import { statSync } from 'node:fs';

const EVERY_MS = 100;

/** Calls when any of these files has been written or replaced, as what watches them by inotify does. */
export function onChange(paths: readonly string[], changed: () => void): void {
  const stamp = () =>
    paths
      .map((path) => {
        const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
        return stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : '';
      })
      .join();
  let last = stamp();
  setInterval(() => {
    const now = stamp();
    if (now === last) return;
    last = now;
    changed();
  }, EVERY_MS).unref();
}
