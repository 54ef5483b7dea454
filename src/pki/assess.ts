import { errorAt, type Fault, warningAt } from '../base/fault.ts';
import type { SecretPem } from '../base/pem.ts';
import type { KeyAlgorithm } from '../spec/cluster.ts';
import type { Certificate } from './certificate.ts';
import { type Demands, day, keyMisfit, type Misfit, misfits } from './fit.ts';
import type { LeafEntry } from './inventory.ts';
import { keyAlgorithm, privateKey } from './keys.ts';
import type { CertifiedAuthority } from './parts.ts';
import { PemError } from './pem-blocks.ts';
import type { AuthorityName, KeyPair } from './pki.ts';
import { isDue, type Renewal } from './renewal.ts';
import type { PkiStore } from './store.ts';
import { SERVICE_ACCOUNT, type Stored, type StoredLeaf } from './stored.ts';

/** What is to become of one leaf. */
export type LeafVerdict =
  | {
      readonly kind: 'kept';
      readonly entry: LeafEntry;
      readonly pair: KeyPair;
      readonly warnings: readonly Fault[];
      /** It was to be renewed, and the key of its CA is kept elsewhere. */
      readonly due: boolean;
    }
  | {
      readonly kind: 'issued';
      readonly entry: LeafEntry;
      /** A key that is there already and is used; otherwise a new one is made. */
      readonly key: SecretPem | undefined;
      /** There was a certificate, and this is what was wrong with it. */
      readonly reasons: readonly Misfit[];
      readonly change: 'created' | 'reissued' | 'renewed';
    };

/**
 * Why nothing may be issued at all: what is there says that something is gone which only the user can bring back, or
 * that a CA has come to its end. To make a new CA then would cut a running cluster in two.
 */
export function obstacles(stored: Stored, now: Date, store: PkiStore): readonly Fault[] {
  const faults: Fault[] = [];
  const issued = stored.leaves.filter((leaf) => leaf.certificate || leaf.damage !== undefined);
  for (const { entry, certificate, key } of stored.authorities.values()) {
    const orphan = issued.find((leaf) => leaf.entry.authority === entry.name);
    const [certificateFile, keyFile] = [store.shown(`${entry.path}.crt`), store.shown(`${entry.path}.key`)];
    const life = certificate && lifeFault(certificate, certificateFile, now);
    if (life) faults.push(life);
    if (!certificate && !key && orphan) {
      const hint = 'restore them from a backup; to start a new cluster instead, remove the whole directory';
      const found = store.shown(`${orphan.entry.path}.crt`);
      faults.push(errorAt(undefined, `${certificateFile} and ${keyFile}: are missing, yet ${found} is there`, hint));
    }
  }
  const { key, publicKeys } = stored.serviceAccount;
  const orphan = publicKeys === undefined ? issued[0]?.entry.path.concat('.crt') : SERVICE_ACCOUNT.publicKeys;
  if (!key && orphan !== undefined) {
    const hint =
      'restore it from a backup; a new private key put there instead makes all service-account tokens issued so far invalid';
    const file = store.shown(SERVICE_ACCOUNT.key);
    faults.push(errorAt(undefined, `${file}: is missing, yet ${store.shown(orphan)} is there`, hint));
  }
  return faults;
}

/** Why a CA certificate cannot be used at this moment. `file` is how to call it. */
export function lifeFault({ notBefore, notAfter }: Certificate, file: string, now: Date): Fault | undefined {
  if (notAfter <= now.getTime()) {
    return errorAt(
      undefined,
      `${file}: the CA has expired on ${day(notAfter)}`,
      'it is never replaced here: put a valid one there',
    );
  }
  if (notBefore <= now.getTime()) return undefined;
  const from = new Date(notBefore).toISOString();
  return errorAt(undefined, `${file}: the CA is not valid before ${from}`, 'is the clock of this machine right?');
}

/**
 * Decides on every leaf. A CA that is not among `authorities` is still to be made.
 * @returns the verdicts, and a fault for each leaf that must be issued while the key of its CA is kept elsewhere.
 */
export function assessLeaves(
  leaves: readonly StoredLeaf[],
  authorities: ReadonlyMap<AuthorityName, CertifiedAuthority>,
  demands: Demands,
  store: PkiStore,
  renewal?: Renewal,
): { readonly verdicts: readonly LeafVerdict[]; readonly faults: readonly Fault[] } {
  const verdicts: LeafVerdict[] = [];
  const faults: Fault[] = [];
  for (const leaf of leaves) {
    const outcome = assessLeaf(leaf, authorities.get(leaf.entry.authority), demands, store, renewal);
    if ('severity' in outcome) faults.push(outcome);
    else verdicts.push(outcome);
  }
  return { verdicts, faults };
}

function assessLeaf(
  leaf: StoredLeaf,
  issuer: CertifiedAuthority | undefined,
  demands: Demands,
  store: PkiStore,
  renewal: Renewal | undefined,
): LeafVerdict | Fault {
  const { entry, certificate, key } = leaf;
  const wrong = issuer ? leafMisfits(leaf, issuer.certificate, demands) : [];
  const file = store.shown(`${entry.path}.crt`);
  const due = renewal !== undefined && issuer !== undefined && isDue(renewal, leaf, issuer.certificate, demands.now);
  const elsewhere = issuer !== undefined && issuer.key === undefined;
  if (due && elsewhere && renewal.named) return withoutKey(file, 'was to be issued again', issuer, store);
  const tolerable = elsewhere && !wrong.some((misfit) => misfit.harmful);
  if (certificate && key && (tolerable || (!wrong.length && !due))) {
    // A certificate that works is better than none where this program cannot issue another.
    const hint = 'the key of its CA is kept elsewhere: `bootstrap certs csr` writes a request for another';
    const warnings = wrong.map(({ text }) => warningAt(undefined, `${file}: ${text}`, hint));
    return { kind: 'kept', entry, pair: { certificate: certificate.pem, key }, warnings, due };
  }
  if (elsewhere) return withoutKey(file, wrong.map(({ text }) => text).join('; ') || 'is missing', issuer, store);
  const isThere = certificate !== undefined || leaf.damage !== undefined;
  const change = !isThere ? 'created' : due ? 'renewed' : 'reissued';
  const keeps = !isThere || (due && renewal.keepKeys);
  const usable = keeps && key && keyHasAlgorithm(key, demands.algorithm) ? key : undefined;
  return { kind: 'issued', entry, key: usable, reasons: wrong, change };
}

function withoutKey(file: string, why: string, { entry }: CertifiedAuthority, store: PkiStore): Fault {
  return errorAt(undefined, `${file}: ${why}; it cannot be issued without ${store.shown(`${entry.path}.key`)}`);
}

/** Everything that is wrong with a leaf, its key included; nothing where there is no certificate. */
export function leafMisfits(
  { entry, certificate, key, damage }: StoredLeaf,
  issuer: Certificate,
  demands: Demands,
): readonly Misfit[] {
  if (damage !== undefined) return [{ kind: 'unreadable', text: damage, harmful: true }];
  if (!certificate) return [];
  if (!key) return [{ kind: 'key', text: 'has no key beside it', harmful: true }];
  const found = misfits(certificate, entry, issuer, demands);
  if (found.some(({ kind }) => kind === 'issuer' || kind === 'unreadable')) return found;
  const misfit = keyMisfit(certificate, key);
  return misfit ? [...found, misfit] : found;
}

/** Whether a key can be read and is of this kind. */
export function keyHasAlgorithm(key: SecretPem, algorithm: KeyAlgorithm): boolean {
  try {
    return keyAlgorithm(privateKey(key)) === algorithm;
  } catch (error) {
    if (error instanceof PemError) return false;
    throw error;
  }
}
