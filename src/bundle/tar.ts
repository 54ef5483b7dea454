import type { ParsedTarEntryWithData } from 'modern-tar';

export interface TarFile {
  /** Relative, with `/` between. */
  readonly path: string;
  readonly content: Buffer;
}

/**
 * Packs files, the same bytes for the same files. They belong to root and are readable for nobody else, so that whoever
 * unpacks them with their rights gives nothing away.
 */
export async function packFiles(files: readonly TarFile[]): Promise<Buffer> {
  // loaded where it is needed only: most commands never talk to a node
  const { packTar } = await import('modern-tar');
  const epoch = new Date(0);
  const tar = await packTar(
    files.map(({ path, content }) => ({
      header: { name: path, type: 'file', size: content.length, mode: 0o600, uid: 0, gid: 0, mtime: epoch },
      body: content,
    })),
  );
  return Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength);
}

/**
 * Contents of the files in a tar, by their path without a leading `./`. Nothing is in it where there are no bytes at all.
 * @throws Error where it is damaged or cut off
 */
export async function unpackFiles(tar: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  if (tar.length === 0) return new Map();
  const { unpackTar } = await import('modern-tar');
  const isFile = ({ header }: ParsedTarEntryWithData) => (header.type ?? 'file') === 'file';
  const entries = await unpackTar(tar, { strict: true });
  return new Map(
    entries
      .filter(isFile)
      .map(({ header, data }) => [header.name.replace(/^\.\//, ''), Buffer.from(data ?? new Uint8Array())]),
  );
}
