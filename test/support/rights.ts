import { execFileSync } from 'node:child_process';

const NOBODY = 65534;

/** Does something without root's right to read and write everything; the directory is made nobody's own first. */
export async function withoutRootsRights<T>(dir: string, action: () => Promise<T> | T): Promise<T> {
  if (process.geteuid?.() !== 0) return action();
  execFileSync('chown', ['-R', String(NOBODY), dir]);
  process.seteuid?.(NOBODY);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
  }
}
