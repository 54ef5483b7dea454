import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory, removeFiles, removeStaleTemps, writeFilesAtomic } from '../base/atomic-file.ts';
import { BootstrapError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { systemErrorCode, systemErrorReason } from '../base/system-error.ts';
import { withRotation } from './rotation/overlay.ts';

/** A file under `pki/` to be written; a secret one gets mode 0600, any other 0644. */
export interface PkiFile {
  /** Relative to `pki/`: `nodes/cp1/apiserver.crt`. */
  readonly path: string;
  readonly content: string | Secret;
}

export interface StoredFile {
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

/** The files under `pki/` of a cluster directory. Paths are relative to `pki/`, with slashes. */
export interface PkiStore {
  /** `pki` itself, as the user would write it. */
  readonly directory: string;
  /** How to call a file in messages: the path by which the user reaches it. */
  shown(path: string): string;
  /** @throws BootstrapError where there is something that cannot be read. */
  read(path: string): StoredFile | undefined;
  /**
   * Writes all of them atomically and durably, in this order; makes the directories that they need (0700).
   * @throws BootstrapError naming the file that could not be written.
   */
  write(files: readonly PkiFile[]): Promise<void>;
  /** Removes those files that are there, durably. @throws BootstrapError naming the one that could not be removed */
  remove(files: readonly string[]): Promise<void>;
  /** Removes a directory with all that is in it, where it is there. */
  removeTree(path: string): Promise<void>;
  /** Clears away what killed runs left. The caller must hold the lock on the cluster directory. */
  removeStaleTemps(): void;
}

/** The same store, except that what is written stays in memory: for a dry run. */
export function inMemory(store: PkiStore): PkiStore {
  const files = new Map<string, PkiFile>();
  return {
    ...store,
    read: (path) => {
      const file = files.get(path);
      if (!file) return store.read(path);
      const { content } = file;
      return typeof content === 'string' ? { text: content, mode: 0o644 } : { text: content.reveal(), mode: 0o600 };
    },
    write: async (all) => {
      for (const file of all) files.set(file.path, file);
    },
    remove: () => Promise.reject(new Error('a dry run removes nothing')),
    removeTree: () => Promise.reject(new Error('a dry run removes nothing')),
    removeStaleTemps: () => undefined,
  };
}

const MAX_BYTES = 1024 * 1024;

/**
 * What lies under `pki/`, as it is to be seen in the present phase of a rotation.
 * @param directory the cluster directory, the one that holds `pki/`.
 * @throws BootstrapError where a rotation is under way and cannot be read
 */
export function openPkiStore(directory: string): PkiStore {
  return withRotation(openPlainStore(directory));
}

/** What lies under `pki/` as it lies there: for those who rotate it. */
export function openPlainStore(directory: string): PkiStore {
  const root = join(directory, 'pki');
  const shown = (path: string) => join(root, path);
  return {
    directory: root,
    shown,
    read: (path) => readStored(shown(path)),
    async write(files) {
      const outside = files.find(({ path }) => path.startsWith('/') || path.split('/').includes('..'));
      if (outside) throw new BootstrapError('internal', `${outside.path} does not lie under ${root}`);
      for (const parent of new Set(files.map(({ path }) => dirname(shown(path))))) await makeDirectory(parent, 0o700);
      await writeFilesAtomic(
        files.map(({ path, content }) =>
          content instanceof Secret
            ? { path: shown(path), content: content.reveal(), mode: 0o600 }
            : { path: shown(path), content, mode: 0o644 },
        ),
      );
    },
    remove: async (paths) => {
      await removeFiles(paths.map(shown));
    },
    removeTree: async (path) => {
      rmSync(shown(path), { recursive: true, force: true });
    },
    removeStaleTemps: () => clearTree(root),
  };
}

/**
 * Reads a file that may not be there.
 * @throws BootstrapError where it is there and cannot be read.
 */
export function readStored(file: string): StoredFile | undefined {
  let descriptor: number;
  try {
    // Not blocking, because opening a named pipe would wait for its writer.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw unreadable(file, error);
    // A key may be kept on a medium that is not mounted just now: that is not the same as no key.
    if (!lstatSync(file, { throwIfNoEntry: false })) return undefined;
    throw new BootstrapError('failed', `${file}: is a link to something that is not there`);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new BootstrapError('failed', `${file}: is not a regular file`);
    if (stat.size > MAX_BYTES) {
      throw new BootstrapError('failed', `${file}: is too large (${stat.size} bytes) to be a key or a certificate`);
    }
    return { text: readFileSync(descriptor, 'utf8'), mode: stat.mode & 0o7777 };
  } catch (error) {
    if (error instanceof BootstrapError) throw error;
    throw unreadable(file, error);
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(file: string, error: unknown): BootstrapError {
  return new BootstrapError('failed', `${file}: cannot be read: ${systemErrorReason(error)}`, {
    hint: 'run this as the user who owns the cluster directory',
    cause: error,
  });
}

function clearTree(directory: string): void {
  removeStaleTemps(directory);
  for (const name of directoriesIn(directory)) clearTree(join(directory, name));
}

function directoriesIn(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw unreadable(directory, error);
  }
}
