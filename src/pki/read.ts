import { errorAt, type Fault } from '../base/fault.ts';
import { keyMisfit } from './fit.ts';
import type { Inventory } from './inventory.ts';
import { type CertifiedAuthority, type LeafPair, makePki } from './parts.ts';
import type { Pki } from './pki.ts';
import type { PkiStore } from './store.ts';
import { failWith, readStoredPki, SERVICE_ACCOUNT, type StoredLeaf } from './stored.ts';
import { tokensByNode } from './tokens.ts';

/**
 * What lies under `pki/`, for commands that must not write. Whether certificates still fit the cluster is not asked.
 * @throws BootstrapError naming everything that is missing or damaged.
 */
export function readPki(
  inventory: Inventory,
  store: PkiStore,
): { readonly pki: Pki; readonly warnings: readonly Fault[] } {
  const stored = readStoredPki(inventory, store);
  const faults: Fault[] = [];
  const wrong = (file: string, text: string) =>
    faults.push(errorAt(undefined, `${store.shown(file)}: ${text}`, 'bootstrap render makes what is missing'));

  const authorities: CertifiedAuthority[] = [];
  for (const { certificate, ...authority } of stored.authorities.values()) {
    if (certificate) authorities.push({ ...authority, certificate });
    else wrong(`${authority.entry.path}.crt`, 'is missing');
  }
  const { key, publicKeys } = stored.serviceAccount;
  if (!key) wrong(SERVICE_ACCOUNT.key, 'is missing');
  if (publicKeys === undefined) wrong(SERVICE_ACCOUNT.publicKeys, 'is missing');
  const leaves: LeafPair[] = [];
  for (const leaf of stored.leaves) {
    const outcome = readLeaf(leaf);
    if ('pair' in outcome) leaves.push(outcome);
    else wrong(outcome.file, outcome.text);
  }

  for (const { entry, token } of stored.tokens) if (!token) wrong(entry.path, 'is missing');

  failWith(faults, store.directory);
  if (!key || publicKeys === undefined) throw new Error('a missing file was not reported');
  const tokens = tokensByNode(stored.tokens);
  return {
    pki: makePki({ authorities, serviceAccount: { key, publicKeys }, leaves, tokens }),
    warnings: stored.warnings,
  };
}

function readLeaf({ entry, certificate, key, damage }: StoredLeaf): LeafPair | { file: string; text: string } {
  const file = `${entry.path}.crt`;
  if (!certificate) return { file, text: damage ?? 'is missing' };
  if (!key) return { file: `${entry.path}.key`, text: 'is missing' };
  const misfit = keyMisfit(certificate, key);
  return misfit ? { file, text: misfit.text } : { entry, pair: { certificate: certificate.pem, key } };
}
