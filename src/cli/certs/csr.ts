import { dirname, join, resolve } from 'node:path';
import { makeDirectory, writeFilesAtomic } from '../../base/atomic-file.ts';
import { BootstrapError } from '../../base/errors.ts';
import { makeRequests, type Requests } from '../../pki/external/requests.ts';
import { type Inventory, pkiInventory } from '../../pki/inventory.ts';
import { generateKey } from '../../pki/keys.ts';
import { openPkiStore, readStored } from '../../pki/store.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import { guardPki } from '../pki-guard.ts';
import { reportFaults } from '../report.ts';
import { sameCluster } from '../same-cluster.ts';
import { keyProgress, withLock } from '../with-lock.ts';
import { workspace } from '../workspace.ts';
import { requestsData, requestsText } from './csr-text.ts';
import { chosenLeaves, expiresWithin } from './selection.ts';

export interface CsrOptions extends CommonOptions {
  readonly node?: readonly string[];
  readonly out?: string;
  readonly expiresWithin?: string;
  readonly newKeys?: boolean;
}

const THIRTY_DAYS = 30 * 864e5;

/** `certs csr`: keys that wait under `pki/pending/`, and requests for the CAs whose keys are kept elsewhere. */
export async function certsCsr(options: CsrOptions, ...names: readonly string[]): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const { cluster, warnings } = await loadChecked(space, options);
  const inventory = pkiInventory(cluster);
  const chosen = chosenLeaves(cluster, inventory, names, options.node);
  const within = expiresWithin(options.expiresWithin, inventory);
  const out = resolve(options.out ?? join(space.dir, 'csr'));
  let made = 0;
  const work = async (): Promise<Requests> => {
    const store = openPkiStore(space.dir);
    guardPki(space, cluster, inventory, store, true);
    const done = await makeRequests(inventory, store, {
      now: new Date(),
      generateKey: async (algorithm) => {
        const key = await generateKey(algorithm);
        keyProgress(io)(++made);
        return key;
      },
      renewBefore: within ?? renewBefore(inventory),
      paths: new Set(chosen.map(({ path }) => path)),
      named: names.length > 0,
      newKeys: options.newKeys === true,
    });
    await writeRequests(out, done);
    return done;
  };
  const requests = await withLock(space.dir, 'bootstrap certs csr', io, work);
  io.progress('');
  reportFaults(warnings, io);
  const { issuedHere } = requests;
  if (!requests.requests.length && issuedHere.length) {
    throw new BootstrapError(
      'usage',
      `the key of the CA of ${issuedHere[0]?.path} is here: nothing is to be requested`,
      {
        hint: `\`bootstrap certs renew ${names.join(' ')}${sameCluster(space)}\` issues it again`,
      },
    );
  }
  const asked = { space, inventory, out, quiet: options.quiet === true, columns: io.columns, now: Date.now() };
  printResult(io, options.output, requestsData(requests, asked), () => requestsText(requests, asked));
  return 0;
}

/** As `render` has it. */
export function renewBefore({ certValidity }: Inventory): number {
  return Math.min(THIRTY_DAYS, certValidity / 3);
}

/** Older requests are replaced, anything else is not. */
async function writeRequests(out: string, { requests }: Requests): Promise<void> {
  const files = requests.map(({ entry, request }) => ({
    path: join(out, `${entry.path}.csr`),
    content: request,
    mode: 0o644,
  }));
  for (const { path } of files) {
    const there = readStored(path)?.text;
    if (there !== undefined && !there.includes('BEGIN CERTIFICATE REQUEST'))
      throw new BootstrapError('failed', `${path}: is there, and is no request`, {
        hint: 'choose another directory with --out',
      });
  }
  for (const parent of new Set(files.map(({ path }) => dirname(path)))) await makeDirectory(parent, 0o755);
  await writeFilesAtomic(files);
}
