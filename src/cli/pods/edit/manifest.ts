import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { readBytes, readTextFile, textOf } from '../../../spec/read-file.ts';
import type { Workspace } from '../../workspace.ts';

/** A manifest that the user hands over. */
export interface Manifest {
  /** Its name in messages. */
  readonly shown: string;
  readonly bytes: Buffer;
  readonly text: string;
  /** Absolute; undefined where it came through standard input. */
  readonly path: string | undefined;
}

const STDIN = '-';
const MAX_BYTES = 1024 * 1024;

/** Below the cluster directory: made again, or moved away, without asking, so nothing there can be referred to. */
const MADE_BY_US = ['nodes', 'pki', 'serve', 'user-data'];

/** Where copies of manifests are kept, below the cluster directory. */
export const COPIES = 'static-pods';

/** @param file `-` for standard input. @throws BootstrapError `usage` where there is none, `cluster-file` where it is no text */
export async function readManifest(file: string): Promise<Manifest> {
  if (file === STDIN) {
    const shown = 'standard input';
    const bytes = await readStdin();
    return { shown, bytes, text: textOf(bytes, shown).replace(/^\ufeff/, ''), path: undefined };
  }
  const path = resolve(file);
  return { shown: file, bytes: readBytes(path, file, MAX_BYTES), text: readTextFile(path, file), path };
}

async function readStdin(): Promise<Buffer> {
  // a terminal read as a stream could not be asked anything afterwards
  if (process.stdin.isTTY) return readFileSync(0);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BYTES) break;
  }
  return Buffer.concat(chunks);
}

/** Where the cluster file finds a manifest. */
export interface Placed {
  /** Absolute. */
  readonly path: string;
  /** The same as `source` has it. */
  readonly source: string;
  /** It is not in the cluster directory yet, or only as a copy made earlier. */
  readonly isCopy: boolean;
}

/**
 * A manifest in the cluster directory stays where it is; of any other a copy is kept there.
 * @param name of the copy: `default_static-web.yaml`
 */
export function placeManifest({ dir, clusterFile }: Workspace, { path }: Manifest, name: string): Placed {
  const base = dirname(clusterFile);
  const own = path === undefined ? undefined : within(dir, path);
  const inside = own === undefined || MADE_BY_US.includes(own.split(sep)[0] ?? '') ? undefined : join(dir, own);
  const target = inside ?? join(dir, COPIES, name);
  return { path: target, source: relative(base, target), isCopy: inside === undefined };
}

/** The path relative to the directory it is in, whatever links lead there; undefined where it is not. */
function within(dir: string, path: string): string | undefined {
  const [root, file] = [existsSync(dir) ? realpathSync(dir) : dir, join(realpathSync(dirname(path)), basename(path))];
  return file.startsWith(`${root}${sep}`) ? relative(root, file) : undefined;
}
