import { readdirSync, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { BootstrapError } from '../../base/errors.ts';
import { systemErrorReason } from '../../base/system-error.ts';
import { type Accepted, acceptGiven, takeIn } from '../../pki/external/accept.ts';
import type { GivenFile } from '../../pki/external/given.ts';
import { stillMissing } from '../../pki/external/requests.ts';
import { type Inventory, pkiInventory } from '../../pki/inventory.ts';
import { JOURNAL } from '../../pki/rotation/journal.ts';
import { openPkiStore, type PkiStore, readStored } from '../../pki/store.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import { reportFaults } from '../report.ts';
import { withLock } from '../with-lock.ts';
import { workspace } from '../workspace.ts';
import { renewBefore } from './csr.ts';
import { importedData, importedText } from './import-text.ts';

export interface ImportOptions extends CommonOptions {
  readonly dryRun?: boolean;
}

/** `certs import`: certificates that CAs kept elsewhere have signed, and keys of CAs that come back. */
export async function certsImport(options: ImportOptions, ...paths: readonly string[]): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const { cluster, warnings } = await loadChecked(space, options);
  const inventory = pkiInventory(cluster);
  const files = paths.flatMap((path) => givenFiles(path, inventory));
  const dryRun = options.dryRun === true;
  const store = openPkiStore(space.dir);
  const work = async () => {
    const now = new Date();
    if (!dryRun) store.removeStaleTemps();
    const accepted = acceptGiven(inventory, store, files, { now, renewBefore: renewBefore(inventory) });
    refuseDuringRotation(accepted, store);
    const written = dryRun ? [] : await takeIn(accepted, store);
    return { accepted, written, missing: dryRun ? [] : stillMissing(inventory, store, now) };
  };
  const imported = await (dryRun ? work() : withLock(space.dir, 'bootstrap certs import', io, work));
  reportFaults([...warnings, ...imported.accepted.warnings], io);
  for (const note of imported.accepted.notes) io.note(note);
  const run = { space, dryRun, columns: io.columns, quiet: options.quiet === true };
  printResult(io, options.output, importedData(imported), () => importedText(imported, run));
  return 0;
}

/** A CA's own files are not in their usual places then. */
function refuseDuringRotation({ authorities }: Accepted, store: PkiStore): void {
  if (!authorities.length || !store.read(JOURNAL)) return;
  throw new BootstrapError('refused', 'a rotation is under way: no key of a CA is taken in meanwhile', {
    hint: '`bootstrap certs rotate-ca --status` says how far it is',
  });
}

const CERTIFICATE_FILE = /\.(crt|cer|pem|cert)$/;

/** A file itself; of a directory, all that look like certificates, and the keys of CAs as `certs export` lays them out. */
function givenFiles(path: string, { authorities }: Inventory): readonly GivenFile[] {
  if (!isDirectory(path)) return [given(path, true)];
  const root = resolve(path);
  const keys = new Set(authorities.map((entry) => `${entry.path}.key`));
  const found = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => CERTIFICATE_FILE.test(basename(file)) || keys.has(relative(root, resolve(file))))
    .sort();
  if (!found.length) throw new BootstrapError('usage', `${path}: holds no certificates (*.crt, *.pem, *.cer)`);
  return found.map((file) => given(file, false));
}

function given(path: string, named: boolean): GivenFile {
  const text = readStored(path)?.text;
  if (text === undefined) throw new BootstrapError('usage', `${path}: there is no such file`);
  return { name: path, text, named };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    throw new BootstrapError('failed', `${path}: cannot be read: ${systemErrorReason(error)}`, { cause: error });
  }
}
