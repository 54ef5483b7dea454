import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory, writeFilesAtomic } from '../../base/atomic-file.ts';
import { BootstrapError } from '../../base/errors.ts';
import { errorAt, type Fault } from '../../base/fault.ts';
import { SecretPem } from '../../base/pem.ts';
import { type Certificate, readCertificate } from '../certificate.ts';
import type { AuthorityEntry, Inventory } from '../inventory.ts';
import { matchesCertificate } from '../keys.ts';
import { unlessDamaged } from '../pem-blocks.ts';
import type { AuthorityName } from '../pki.ts';
import { type PkiStore, readStored } from '../store.ts';
import { failWith, readStoredPki } from '../stored.ts';

/** A CA whose certificate and key were copied. */
export interface ExportedAuthority {
  readonly entry: AuthorityEntry;
  /** Those that were not there before. */
  readonly written: readonly string[];
}

/**
 * Copies certificates and keys of CAs to a directory, laid out as `pki/` is, so that `init --pki` and `certs import` take
 * them from there. Nothing there is overwritten. When the promise resolves, the copies are on the disk and were read again.
 * @throws BootstrapError where a key is not here, something else is in the way, or a copy is not what it should be
 */
export async function exportAuthorities(
  inventory: Inventory,
  store: PkiStore,
  names: readonly AuthorityName[],
  directory: string,
): Promise<readonly ExportedAuthority[]> {
  const stored = readStoredPki(inventory, store);
  const faults: Fault[] = [];
  const sources = names.flatMap((name) => {
    const { entry, certificate, key } = stored.authorities.get(name) ?? {};
    if (entry && certificate && key) return [{ entry, certificate, key }];
    const path = `${entry?.path ?? name}.${certificate ? 'key' : 'crt'}`;
    faults.push(errorAt(undefined, `${store.shown(path)}: is missing`));
    return [];
  });
  const files = sources.flatMap(({ entry, certificate, key }) => [
    { entry, path: join(directory, `${entry.path}.crt`), content: certificate.pem, mode: 0o644 },
    { entry, path: join(directory, `${entry.path}.key`), content: key.reveal(), mode: 0o600 },
  ]);
  const wanting = files.filter(({ path, content }) => {
    const there = readStored(path)?.text;
    if (there !== undefined && there !== content) faults.push(errorAt(undefined, `${path}: is something else`));
    return there === undefined;
  });
  failWith(faults, directory, 'nothing there is overwritten, and what is not here cannot be copied');

  for (const parent of new Set([directory, ...files.map(({ path }) => dirname(path))]))
    await makeDirectory(parent, 0o700);
  await writeFilesAtomic(wanting);
  for (const { entry, certificate, key } of sources) verifyCopy(join(directory, entry.path), certificate, key);
  return sources.map(({ entry }) => ({
    entry,
    written: wanting.filter((file) => file.entry === entry).map(({ path }) => path),
  }));
}

/** Reads it again and compares it; a key that only seems to be safe must not be removed here. */
function verifyCopy(path: string, certificate: Certificate, key: SecretPem): void {
  const [certificateCopy, keyCopy] = [readStored(`${path}.crt`)?.text, readStored(`${path}.key`)?.text];
  const same = certificateCopy === certificate.pem && keyCopy === key.reveal();
  const belongs = unlessDamaged(
    () => matchesCertificate(readCertificate(certificateCopy ?? ''), new SecretPem(keyCopy ?? '')),
    () => undefined,
  );
  if (!same || !belongs) throw new BootstrapError('failed', `${path}.crt and .key: were not copied as they are`);
}

/** Copies of a CA's key among the rendered files: the controller-manager's, for the cluster CA. */
export function renderedKeys(
  nodesDirectory: string,
  nodes: readonly string[],
  { path }: AuthorityEntry,
): readonly string[] {
  return nodes
    .map((node) => join(nodesDirectory, node, 'etc/kubernetes/pki', `${path}.key`))
    .filter((file) => existsSync(file));
}
