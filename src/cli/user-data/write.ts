import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AtomicFile, makeDirectory, removeStaleTemps, writeFilesAtomic } from '../../base/atomic-file.ts';
import { writeIso } from '../../deliver/user-data/iso.ts';
import { instanceId, metaData } from '../../deliver/user-data/nocloud.ts';
import type { UserData, UserDataWish } from '../../deliver/user-data/user-data.ts';

/** The files of one node, as the user is shown them. */
export interface Written {
  readonly node: string;
  /** What is handed to the cloud, or the directory that holds it. */
  readonly file: string;
  readonly metaData: string | undefined;
  readonly iso: string | undefined;
  readonly upload: string | undefined;
}

/**
 * Writes them, each whole or not at all, readable for nobody else: they hold keys.
 * @param out made where it is not there, with a .gitignore that keeps all of it out of git
 * @throws BootstrapError naming what cannot be written
 */
export async function writeUserData(
  out: string,
  made: readonly UserData[],
  {
    cluster,
    provider,
    format,
    iso,
  }: Pick<UserDataWish, 'provider' | 'format'> & {
    readonly cluster: string;
    readonly iso: boolean;
  },
  show: (path: string) => string,
): Promise<readonly Written[]> {
  const isNew = !existsSync(out);
  await makeDirectory(out, 0o700);
  removeStaleTemps(out);
  const files: AtomicFile[] = [];
  const add = (path: string, content: Buffer | string, mode = 0o600): string => {
    files.push({ path: join(out, path), content, mode });
    return show(join(out, path));
  };
  if (isNew) add('.gitignore', '*\n', 0o644);
  const isSeed = provider === 'nocloud' && format === 'cloud-config';
  const written: Written[] = [];
  for (const { node, document, upload, hostname = node } of made) {
    if (isSeed && !existsSync(join(out, node))) await makeDirectory(join(out, node), 0o700);
    written.push({
      node,
      file: add(isSeed ? `${node}/user-data` : `${node}.${document.extension}`, document.content),
      metaData: isSeed ? add(`${node}/meta-data`, metaData(instanceId(cluster, node), hostname)) : undefined,
      iso: iso ? show(join(out, `${node}.iso`)) : undefined,
      upload: upload && add(upload.name, upload.sealed.content),
    });
  }
  await writeFilesAtomic(files, { durable: false });
  if (iso) for (const { node } of made) await writeIso(join(out, node), join(out, `${node}.iso`));
  return written;
}
