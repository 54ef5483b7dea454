import { chownSync, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { type AtomicFile, makeDirectory, writeFilesAtomic } from '../../../base/atomic-file.ts';
import { BootstrapError } from '../../../base/errors.ts';
import type { ClusterFileText } from '../../../spec/edit/edit-static-pods.ts';
import { readTextFile } from '../../../spec/read-file.ts';
import { withHint } from '../../load.ts';
import type { Workspace } from '../../workspace.ts';

/** The cluster file as it is, to the byte. */
export interface CurrentFile extends ClusterFileText {
  readonly bytes: Buffer;
}

/** @throws BootstrapError as for every reader of the cluster file */
export function readCurrent(space: Workspace): CurrentFile {
  const { clusterFile } = space;
  const shown = space.show(clusterFile);
  // what every reader of it refuses is refused here too
  withHint(space, () => readTextFile(clusterFile, shown));
  const bytes = readFileSync(clusterFile);
  return { shown, bytes, text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) };
}

/**
 * Writes a changed cluster file, after new files that it names. The caller holds the directory's lock.
 * @throws BootstrapError `locked` where somebody else has changed the one, or made another of the others, since they were read
 */
export async function writeCurrent(
  { clusterFile }: Workspace,
  current: CurrentFile,
  text: string,
  files: readonly AtomicFile[],
): Promise<void> {
  if (!existsSync(clusterFile) || !readFileSync(clusterFile).equals(current.bytes)) throw moved(current.shown);
  for (const { path, content } of files) {
    if (existsSync(path) && !readFileSync(path).equals(Buffer.from(content))) throw moved(path);
    await makeDirectory(dirname(path), 0o755);
  }
  // a link stays one
  const path = realpathSync(clusterFile);
  const { mode, uid, gid } = statSync(path);
  await writeFilesAtomic([...files, { path, content: text, mode: mode & 0o7777 }]);
  // under sudo it stays the user's
  const written = statSync(path);
  if (written.uid !== uid || written.gid !== gid) chownSync(path, uid, gid);
}

function moved(what: string): BootstrapError {
  return new BootstrapError('locked', `${what} has been changed by somebody else meanwhile; nothing was written`, {
    hint: 'run the command again',
  });
}
