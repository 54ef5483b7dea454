import type { TarHeader } from 'modern-tar';
import { BootstrapError } from '../../base/errors.ts';
import type { BundleDirectory } from '../../bundle/bundle.ts';
import { inPlacingOrder } from '../../bundle/revision-index.ts';
import { type Machine, type Secrets, withoutSecrets } from './machine.ts';
import { type RecordFile, revisionDirectories, revisionFiles } from './record.ts';

const ROOT = 'root:root';
/** Every file is as old as the last: what is packed again later has to be the same. */
const EPOCH = new Date(0);

/**
 * A tar for root to unpack at `/` while no kubelet runs (`tar -xpf FILE -C /`), into a machine or an image: the bundle in
 * the order in which it is put in place, then the revision that it is. Only directories whose mode matters are in it; tar
 * makes the others by root's umask, and leaves those that are there as they are.
 * @throws BootstrapError `usage` with `fetch`: nothing in a tar runs
 */
export async function tarOf(machine: Machine, secrets: Secrets): Promise<Buffer> {
  if (secrets.kind === 'fetch') {
    throw new BootstrapError('usage', 'a tar holds files only: nothing in it could fetch anything', {
      hint: 'take --format cloud-config or ignition, or --secrets none and `bootstrap apply` later',
    });
  }
  const isWhole = secrets.kind === 'inline';
  const { directories, files } = isWhole ? machine.bundle : withoutSecrets(machine.bundle);
  const entries = [
    ...directories.map(directoryEntry),
    ...inPlacingOrder(files).map((file) => fileEntry(file, file.owner)),
    ...(isWhole ? revisionDirectories(machine) : []).map(directoryEntry),
    ...(isWhole ? revisionFiles(machine) : []).map((file) => fileEntry(file)),
  ];
  // loaded where it is needed only: most commands pack nothing
  const { packTar } = await import('modern-tar');
  const tar = await packTar([...entries]);
  return Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength);
}

interface Entry {
  readonly header: TarHeader;
  readonly body?: Buffer;
}

function directoryEntry({ path, mode, owner }: BundleDirectory): Entry {
  return { header: { type: 'directory', size: 0, ...common(`${path}/`, mode, owner) } };
}

function fileEntry({ path, content, mode }: RecordFile, owner = ROOT): Entry {
  return { header: { type: 'file', size: content.length, ...common(path, mode, owner) }, body: content };
}

/** Owners are known by their names; a machine that does not know one gives the file to root. */
function common(path: string, mode: number, owner: string) {
  const [uname = '', gname = ''] = owner.split(':');
  return { name: path.slice(1), mode, uname, gname, uid: 0, gid: 0, mtime: EPOCH };
}
