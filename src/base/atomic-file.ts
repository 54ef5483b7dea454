import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  fsync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { BootstrapError } from './errors.ts';
import { systemErrorCode, systemErrorReason } from './system-error.ts';

export interface AtomicFile {
  readonly path: string;
  readonly content: string | Buffer;
  /** Permission bits, e.g. 0o600; the umask does not apply. */
  readonly mode: number;
}

interface Temporary {
  readonly path: string;
  readonly target: string;
}

/** How many files are open at once: well below the usual limit of 1024, enough to keep the disk busy. */
const OPEN_AT_ONCE = 64;

/** The leading dot matters: the kubelet runs every file in the manifests directory that has none. */
const temporaryName = /^\..+\.tmp-[0-9a-f]{12}$/;

/** Whether a file of this name is one that a killed run of {@link writeFilesAtomic} has left. */
export function isTemporaryName(name: string): boolean {
  return temporaryName.test(name);
}

const sync = promisify(fsync);

/**
 * Writes files so that each path holds either what it held before or all of the new content, whatever happens.
 * All contents reach the disk first, then the files are renamed in the order given, then their directories are synced;
 * when the promise resolves, everything survives a power loss. Directories must exist.
 *
 * Opening and writing are synchronous on purpose: for small files that takes microseconds, while each step through
 * the thread pool takes longer and waits behind every key that is being generated there. Only fsync goes there.
 *
 * @param durable false for what is made again from other files anyway: a killed run leaves nothing half-written then
 * either, but a power loss may, which the next run notices and mends
 * @throws BootstrapError naming the file; none of the files has been replaced then, unless a rename itself failed.
 */
export async function writeFilesAtomic(files: readonly AtomicFile[], { durable = true } = {}): Promise<void> {
  const temporaries: Temporary[] = [];
  let renamed = 0;
  try {
    for (let i = 0; i < files.length; i += OPEN_AT_ONCE) {
      await writeTemporaries(files.slice(i, i + OPEN_AT_ONCE), temporaries, durable);
    }
    for (const { path, target } of temporaries) {
      naming(target, () => renameSync(path, target));
      renamed++;
    }
  } finally {
    for (const { path } of temporaries.slice(renamed)) rmSync(path, { force: true });
  }
  if (durable) await syncDirectories(files.map((file) => dirname(file.path)));
}

/** One file, as {@link writeFilesAtomic} writes it. */
export function writeFileAtomic(path: string, content: string | Buffer, mode: number): Promise<void> {
  return writeFilesAtomic([{ path, content, mode }]);
}

/**
 * Removes what killed runs of {@link writeFilesAtomic} left in `directory`, and nothing else. The caller must hold the
 * lock that keeps other writers out of it. A directory that does not exist holds nothing.
 */
export function removeStaleTemps(directory: string): void {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw new BootstrapError('failed', `${directory}: cannot be read: ${systemErrorReason(error)}`, { cause: error });
  }
  for (const name of names) if (isTemporaryName(name)) rmSync(join(directory, name), { force: true });
}

/**
 * Makes sure that a directory is there. It and those of its parents that are missing get exactly `mode`; what exists
 * is left as it is. New directories survive a power loss once something in them has been written atomically.
 *
 * @returns the directories that were made, outermost first.
 * @throws BootstrapError naming the directory.
 */
export async function makeDirectory(path: string, mode: number): Promise<readonly string[]> {
  const directory = resolve(path);
  const made = naming(path, () => {
    const first = mkdirSync(directory, { recursive: true, mode });
    const found: string[] = [];
    for (let next = directory; first !== undefined && next.length >= first.length; next = dirname(next)) {
      chmodSync(next, mode);
      found.unshift(next);
    }
    return found;
  });
  await syncDirectories(made.map((each) => dirname(each)));
  return made;
}

/** Removes files, in this order, and syncs their directories; those that are not there are no matter. */
export async function removeFiles(paths: readonly string[]): Promise<void> {
  const found = paths.filter((path) => existsSync(path));
  for (const path of found) naming(path, () => rmSync(path));
  await syncDirectories(found.map((path) => dirname(path)));
}

/** Adds to `temporaries` as soon as a file exists, so that the caller can clean up whatever fails later. */
async function writeTemporaries(
  files: readonly AtomicFile[],
  temporaries: Temporary[],
  durable: boolean,
): Promise<void> {
  const descriptors: number[] = [];
  const synced: Promise<void>[] = [];
  try {
    for (const file of files) {
      const path = join(dirname(file.path), `.${basename(file.path)}.tmp-${randomBytes(6).toString('hex')}`);
      naming(file.path, () => {
        const descriptor = openSync(path, 'wx', file.mode);
        temporaries.push({ path, target: file.path });
        descriptors.push(descriptor);
        if ((fstatSync(descriptor).mode & 0o7777) !== file.mode) fchmodSync(descriptor, file.mode);
        writeFileSync(descriptor, file.content);
        if (durable) synced.push(sync(descriptor).catch((error: unknown) => fail(file.path, error)));
      });
    }
  } finally {
    // No descriptor may be closed under a running fsync, also where another file has failed.
    await Promise.allSettled(synced);
    for (const descriptor of descriptors) closeSync(descriptor);
  }
  await Promise.all(synced);
}

async function syncDirectories(directories: readonly string[]): Promise<void> {
  const unique = [...new Set(directories)];
  for (let i = 0; i < unique.length; i += OPEN_AT_ONCE) {
    await Promise.all(unique.slice(i, i + OPEN_AT_ONCE).map(syncDirectory));
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const descriptor = naming(directory, () => openSync(directory, 'r'));
  try {
    await sync(descriptor);
  } catch (error) {
    // Some file systems (network and FUSE ones) cannot sync a directory; nothing better is to be had there.
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes(systemErrorCode(error) ?? '')) fail(directory, error);
  } finally {
    closeSync(descriptor);
  }
}

function naming<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    return fail(path, error);
  }
}

function fail(path: string, error: unknown): never {
  if (systemErrorCode(error) === undefined) throw error;
  throw new BootstrapError('failed', `${path}: cannot be written: ${systemErrorReason(error)}`, { cause: error });
}
