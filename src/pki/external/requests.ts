import type { Pem } from '../../base/pem.ts';
import { SecretPem } from '../../base/pem.ts';
import type { KeyAlgorithm } from '../../spec/cluster.ts';
import { keyHasAlgorithm, leafMisfits, obstacles } from '../assess.ts';
import type { Certificate } from '../certificate.ts';
import { day } from '../fit.ts';
import type { Inventory, LeafEntry } from '../inventory.ts';
import { publicPem } from '../keys.ts';
import type { PkiFile, PkiStore } from '../store.ts';
import { failWith, readStoredPki, SERVICE_ACCOUNT, type Stored, type StoredLeaf } from '../stored.ts';
import { requestLeaf } from '../x509.ts';
import { pendingKey } from './pending.ts';

export interface RequestOptions {
  readonly now: Date;
  readonly generateKey: (algorithm: KeyAlgorithm) => Promise<SecretPem>;
  /** Milliseconds of life below which a certificate is requested again. */
  readonly renewBefore: number;
  /** Those that are asked about, by their paths under `pki/`, without ending. */
  readonly paths: ReadonlySet<string>;
  /** They were asked for by name: those that fit are requested as well. */
  readonly named: boolean;
  /** A key that is pending from an earlier run is not used again. */
  readonly newKeys: boolean;
}

/** A request that a CA kept elsewhere is to sign. */
export interface LeafRequest {
  readonly entry: LeafEntry;
  readonly issuer: Certificate;
  /** PKCS#10. */
  readonly request: Pem;
  /** Why, in words. */
  readonly reasons: readonly string[];
  /** The key of an earlier request was used again. */
  readonly keptKey: boolean;
}

export interface Requests {
  readonly requests: readonly LeafRequest[];
  /** Those that were asked for by name while the key of their CA is here. */
  readonly issuedHere: readonly LeafEntry[];
  /** The service-account pair was made: a new cluster, whose `init` will need it. */
  readonly founded: boolean;
}

/**
 * Makes a key, and a request for its CA, for each certificate that is wanting and that cannot be issued here. The keys
 * are on disk under `pki/pending/` before a request is given; what is in use is left as it is. The caller holds the lock
 * on the cluster directory.
 * @throws BootstrapError where a CA or the service-account pair is damaged or lost
 */
export async function makeRequests(inventory: Inventory, store: PkiStore, options: RequestOptions): Promise<Requests> {
  const { now, named, newKeys, generateKey } = options;
  const { algorithm } = inventory;
  store.removeStaleTemps();
  const stored = readStoredPki(inventory, store);
  failWith(obstacles(stored, now, store), store.directory);

  const chosen = stored.leaves.filter(({ entry }) => options.paths.has(entry.path));
  const keyed = await Promise.all(
    chosen
      .flatMap((leaf) => wanted(stored, leaf, inventory, options))
      .map(async (each) => {
        const there = newKeys ? undefined : usableKey(store, each.entry.path, algorithm);
        return { ...each, key: there ?? (await generateKey(algorithm)), keptKey: there !== undefined };
      }),
  );
  const founded = keyed.length > 0 && stored.serviceAccount.key === undefined;
  await store.write([
    ...(founded ? await serviceAccountPair(inventory, generateKey) : []),
    ...keyed
      .filter(({ keptKey }) => !keptKey)
      .map(({ entry, key }) => ({ path: pendingKey(entry.path), content: key })),
  ]);
  const requests: LeafRequest[] = [];
  for (const { key, ...rest } of keyed) requests.push({ ...rest, request: await requestLeaf(rest.entry, key) });
  const issuedHere = named ? chosen.filter((leaf) => !issuerElsewhere(stored, leaf)) : [];
  return { requests, issuedHere: issuedHere.map(({ entry }) => entry), founded };
}

interface Wanted {
  readonly entry: LeafEntry;
  readonly issuer: Certificate;
  readonly reasons: readonly string[];
}

/** The leaf, where it has to be requested: none or one. */
function wanted(
  stored: Stored,
  leaf: StoredLeaf,
  { algorithm, certValidity }: Inventory,
  { now, renewBefore, named }: Pick<RequestOptions, 'now' | 'renewBefore' | 'named'>,
): readonly Wanted[] {
  const { entry, certificate, damage } = leaf;
  const issuer = issuerElsewhere(stored, leaf);
  if (!issuer) return [];
  if (!certificate && damage === undefined) return [{ entry, issuer, reasons: ['is missing'] }];
  const wrong = leafMisfits(leaf, issuer, { algorithm, certValidity, now, renewBefore });
  if (wrong.length) return [{ entry, issuer, reasons: wrong.map(({ text }) => text) }];
  return named && certificate ? [{ entry, issuer, reasons: [`lasts until ${day(certificate.notAfter)}`] }] : [];
}

/** The leaves without which nothing can be rendered, and that only a CA kept elsewhere can issue. */
export function stillMissing(inventory: Inventory, store: PkiStore, now: Date): readonly LeafEntry[] {
  const stored = readStoredPki(inventory, store);
  const { algorithm, certValidity } = inventory;
  const demands = { algorithm, certValidity, now, renewBefore: 0 };
  return stored.leaves
    .filter((leaf) => {
      const issuer = issuerElsewhere(stored, leaf);
      if (!issuer) return false;
      return !leaf.certificate || leafMisfits(leaf, issuer, demands).some(({ harmful }) => harmful);
    })
    .map(({ entry }) => entry);
}

/** The CA of a leaf where its key is not here; a CA that is not there at all is made by `init`. */
function issuerElsewhere({ authorities }: Stored, { entry }: StoredLeaf): Certificate | undefined {
  const authority = authorities.get(entry.authority);
  return authority?.key ? undefined : authority?.certificate;
}

/** The key of an earlier request, unless another kind of key is wanted by now. */
function usableKey(store: PkiStore, path: string, algorithm: KeyAlgorithm): SecretPem | undefined {
  const file = store.read(pendingKey(path));
  const key = file && new SecretPem(file.text);
  return key && keyHasAlgorithm(key, algorithm) ? key : undefined;
}

/** A cluster that is being founded has none yet; and once it has certificates, none would be made any more. */
async function serviceAccountPair(
  { serviceAccountAlgorithm }: Inventory,
  generateKey: RequestOptions['generateKey'],
): Promise<readonly PkiFile[]> {
  const key = await generateKey(serviceAccountAlgorithm);
  return [
    { path: SERVICE_ACCOUNT.key, content: key },
    { path: SERVICE_ACCOUNT.publicKeys, content: publicPem(key) },
  ];
}
