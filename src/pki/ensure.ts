import type { Fault } from '../base/fault.ts';
import { advice } from './advice.ts';
import { assessLeaves, type LeafVerdict, obstacles } from './assess.ts';
import type { Inventory, LeafEntry } from './inventory.ts';
import { certifyLoneKeys, issueAll, makeKeys, type Sources } from './issue.ts';
import { makePki, type PkiParts } from './parts.ts';
import type { Pki } from './pki.ts';
import type { Renewal } from './renewal.ts';
import type { PkiFile, PkiStore } from './store.ts';
import { failWith, readStoredPki, SERVICE_ACCOUNT, type Stored } from './stored.ts';
import { newTokens, tokenFiles, tokensByNode } from './tokens.ts';

export interface EnsureOptions extends Sources {
  /** Milliseconds of life below which a certificate is issued again. */
  readonly renewBefore: number;
  /** What is issued again although it still fits. */
  readonly renewal?: Renewal | undefined;
}

/** One thing under `pki/` that was made. */
export interface PkiChange {
  readonly kind: 'created' | 'reissued' | 'renewed';
  /** Relative to the cluster directory, with slashes: `pki/nodes/cp1/apiserver.crt`. */
  readonly path: string;
  /** Why, in words that follow the path; none for what was simply not there. */
  readonly reasons: readonly string[];
  /** It is a renewal for the key that was there. */
  readonly keptKey?: true;
}

export interface EnsuredPki {
  readonly pki: Pki;
  readonly changes: readonly PkiChange[];
  /** Certificates that were to be renewed, and whose CA's key is kept elsewhere; paths as in `changes`. */
  readonly elsewhere: readonly string[];
  readonly warnings: readonly Fault[];
}

const WITHOUT_KEY =
  '`bootstrap certs csr` writes requests for them, `bootstrap certs import` takes what was signed; or put the CA’s key there for this run';

/**
 * Makes everything that the inventory names and that is not there or does not fit any more; keeps the rest. CAs and the
 * service-account key are never overwritten, nor are tokens: to replace one, the user removes its file and runs `apply`.
 * Every key is on disk before a certificate for it is, so that the same call goes on after a SIGKILL at any moment. The
 * caller holds the lock on the cluster directory.
 *
 * @throws BootstrapError where what is there must not be touched or cannot be used, naming all of it at once.
 */
export async function ensurePki(inventory: Inventory, store: PkiStore, options: EnsureOptions): Promise<EnsuredPki> {
  const { now, renewBefore, renewal } = options;
  const { algorithm, certValidity } = inventory;
  store.removeStaleTemps();
  const stored = readStoredPki(inventory, store);
  failWith(obstacles(stored, now, store), store.directory);

  const certified = await certifyLoneKeys(stored, inventory, options);
  const demands = { algorithm, certValidity, now, renewBefore };
  const { verdicts, faults } = assessLeaves(stored.leaves, certified, demands, store, renewal);
  failWith(faults, store.directory, WITHOUT_KEY);

  const keys = await makeKeys(stored, certified, verdicts, inventory, options);
  const tokens = newTokens(stored.tokens, options.randomBytes);
  const keyFiles = [...keys].map(([path, content]) => ({ path: `${path}.key`, content }));
  const [parts] = await Promise.all([
    issueAll(stored, certified, verdicts, keys, inventory, options),
    store.write([...keyFiles, ...tokenFiles(tokens)]),
  ]);
  await store.write(newPublicFiles(stored, verdicts, parts));

  return {
    pki: makePki({ ...parts, tokens: tokensByNode(stored.tokens, tokens) }),
    changes: changes(stored, verdicts),
    elsewhere: verdicts.filter((verdict) => verdict.kind === 'kept' && verdict.due).map(({ entry }) => changed(entry)),
    warnings: [
      ...stored.warnings,
      ...verdicts.flatMap((verdict) => (verdict.kind === 'kept' ? verdict.warnings : [])),
      ...advice(inventory, stored, verdicts, now, store),
    ],
  };
}

function newPublicFiles(
  stored: Stored,
  verdicts: readonly LeafVerdict[],
  parts: Omit<PkiParts, 'tokens'>,
): readonly PkiFile[] {
  const authorities = parts.authorities
    .filter(({ entry }) => !stored.authorities.get(entry.name)?.certificate)
    .map(({ entry, certificate }) => ({ path: `${entry.path}.crt`, content: certificate.pem }));
  const { publicKeys } = parts.serviceAccount;
  const issued = new Set(verdicts.filter(({ kind }) => kind === 'issued').map(({ entry }) => entry));
  const leaves = parts.leaves
    .filter(({ entry }) => issued.has(entry))
    .map(({ entry, pair }) => ({ path: `${entry.path}.crt`, content: pair.certificate }));
  return [
    ...authorities,
    ...(stored.serviceAccount.publicKeys === undefined
      ? [{ path: SERVICE_ACCOUNT.publicKeys, content: publicKeys }]
      : []),
    ...leaves,
  ];
}

function changes(
  { authorities, serviceAccount, tokens }: Stored,
  verdicts: readonly LeafVerdict[],
): readonly PkiChange[] {
  const out: PkiChange[] = [];
  const created = (path: string, key: unknown) =>
    out.push({
      kind: 'created',
      path: `pki/${path}`,
      reasons: key === undefined ? [] : ['its key was there without it'],
    });
  for (const { entry, certificate, key } of authorities.values()) if (!certificate) created(`${entry.path}.crt`, key);
  if (!serviceAccount.key) created(SERVICE_ACCOUNT.key, undefined);
  if (serviceAccount.publicKeys === undefined) created(SERVICE_ACCOUNT.publicKeys, serviceAccount.key);
  for (const verdict of verdicts) {
    if (verdict.kind === 'kept') continue;
    const { entry, change, key } = verdict;
    if (change === 'created') created(`${entry.path}.crt`, key);
    else {
      const reasons = verdict.reasons.map(({ text }) => text);
      out.push({ kind: change, path: changed(entry), reasons, ...(key && { keptKey: true }) });
    }
  }
  for (const { entry, token } of tokens) if (!token) created(entry.path, undefined);
  return out;
}

const changed = ({ path }: LeafEntry): string => `pki/${path}.crt`;
