import type { Fault } from '../base/fault.ts';
import { advice } from './advice.ts';
import { assessLeaves, type LeafVerdict, obstacles } from './assess.ts';
import { keyMisfit } from './fit.ts';
import type { Inventory } from './inventory.ts';
import { certifyLoneKeys, issueAll, makeKeys, type Sources } from './issue.ts';
import { type CertifiedAuthority, type LeafPair, makePki, type PkiParts } from './parts.ts';
import type { Pki } from './pki.ts';
import type { PkiFile, PkiStore } from './store.ts';
import { failWith, missing, readStoredPki, SERVICE_ACCOUNT, type Stored } from './stored.ts';

export interface EnsureOptions extends Sources {
  /** Milliseconds of life below which a certificate is issued again. */
  readonly renewBefore: number;
  /** Make everything in memory and write nothing. */
  readonly dryRun?: boolean;
}

/** One thing under `pki/` that was made. */
export interface PkiChange {
  readonly kind: 'created' | 'reissued';
  /** Relative to the cluster directory, with slashes: `pki/nodes/cp1/apiserver.crt`. */
  readonly path: string;
  /** Why, in words that follow the path; none for what was simply not there. */
  readonly reasons: readonly string[];
}

export interface EnsuredPki {
  readonly pki: Pki;
  readonly changes: readonly PkiChange[];
  readonly warnings: readonly Fault[];
}

/**
 * Makes everything that the inventory names and that is not there or does not fit any more; keeps the rest. CAs and the
 * service-account key are never overwritten. Every key is on disk before a certificate for it is, so that the same
 * call goes on after a SIGKILL at any moment. The caller holds the lock on the cluster directory.
 *
 * @throws BootstrapError where what is there must not be touched or cannot be used, naming all of it at once.
 */
export async function ensurePki(inventory: Inventory, store: PkiStore, options: EnsureOptions): Promise<EnsuredPki> {
  const { now, renewBefore, dryRun = false } = options;
  const { algorithm, certValidity } = inventory;
  if (!dryRun) store.removeStaleTemps();
  const stored = readStoredPki(inventory, store);
  failWith(obstacles(stored, now, store), store);

  const certified = await certifyLoneKeys(stored, inventory, options);
  const demands = { algorithm, certValidity, now, renewBefore };
  const { verdicts, faults } = assessLeaves(stored.leaves, certified, demands, store);
  failWith(faults, store);

  const keys = await makeKeys(stored, certified, verdicts, inventory, options);
  const keyFiles = [...keys].map(([path, content]) => ({ path: `${path}.key`, content }));
  const [parts] = await Promise.all([
    issueAll(stored, certified, verdicts, keys, inventory, options),
    dryRun ? undefined : store.write(keyFiles),
  ]);
  if (!dryRun) await store.write(newPublicFiles(stored, verdicts, parts));

  return {
    pki: makePki(parts),
    changes: changes(stored, verdicts),
    warnings: [
      ...stored.warnings,
      ...verdicts.flatMap((verdict) => (verdict.kind === 'kept' ? verdict.warnings : [])),
      ...advice(inventory, stored, verdicts, now, store),
    ],
  };
}

/**
 * What is there, for commands that must not write. Whether certificates still fit the cluster is not asked.
 * @throws BootstrapError naming everything that is missing or damaged.
 */
export function readPki(inventory: Inventory, store: PkiStore): { readonly pki: Pki; readonly warnings: readonly Fault[] } {
  const stored = readStoredPki(inventory, store);
  const faults: Fault[] = [];
  const authorities: CertifiedAuthority[] = [];
  for (const { certificate, ...authority } of stored.authorities.values()) {
    if (certificate) authorities.push({ ...authority, certificate });
    else faults.push(missing(`${authority.entry.path}.crt`, store));
  }
  const { key, publicKeys } = stored.serviceAccount;
  if (!key) faults.push(missing(SERVICE_ACCOUNT.key, store));
  if (publicKeys === undefined) faults.push(missing(SERVICE_ACCOUNT.publicKeys, store));
  const leaves: LeafPair[] = [];
  for (const { entry, certificate, key, damage } of stored.leaves) {
    const wrong = certificate && key && keyMisfit(certificate, key);
    ...
  }
}
