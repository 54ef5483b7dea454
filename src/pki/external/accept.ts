import { createPublicKey, type KeyObject } from 'node:crypto';
import { errorAt, type Fault, warningAt } from '../../base/fault.ts';
import { SecretPem } from '../../base/pem.ts';
import { lifeFault } from '../assess.ts';
import { type Certificate, sameCertificate, subjectText } from '../certificate.ts';
import { type Demands, type Misfit, misfits } from '../fit.ts';
import type { AuthorityEntry, Inventory, LeafEntry } from '../inventory.ts';
import { matchesCertificate, privateKey } from '../keys.ts';
import { unlessDamaged } from '../pem-blocks.ts';
import type { PkiFile, PkiStore } from '../store.ts';
import { failWith, readStoredPki, type Stored } from '../stored.ts';
import { type GivenCertificate, type GivenFile, type GivenKey, readGiven } from './given.ts';
import { pendingKey } from './pending.ts';

export interface AcceptOptions {
  readonly now: Date;
  /** Milliseconds of life below which a certificate is said to end soon. */
  readonly renewBefore: number;
}

/** What is taken in of the files that were handed in, all of it checked; nothing is written yet. */
export interface Accepted {
  readonly leaves: readonly AcceptedLeaf[];
  /** CAs whose key comes back. */
  readonly authorities: readonly {
    readonly entry: AuthorityEntry;
    readonly key: SecretPem;
    readonly isThere: boolean;
  }[];
  /** What was left aside, and why. */
  readonly notes: readonly string[];
  readonly warnings: readonly Fault[];
}

interface AcceptedLeaf {
  readonly entry: LeafEntry;
  readonly certificate: Certificate;
  /** The key for which it was requested; undefined where that is the one in use. */
  readonly pendingKey: SecretPem | undefined;
  /** This very certificate is in its place already. */
  readonly isThere: boolean;
  /** How to call the file that it is from. */
  readonly file: string;
}

/**
 * Finds out what files that were handed in are for: certificates by their public key, among the keys that are pending
 * and those that are in use; private keys by the CA certificate to which they belong. CA certificates that come along
 * are compared with those that are here and never taken over.
 * @throws BootstrapError naming everything that cannot be used, with the reason
 */
export function acceptGiven(
  inventory: Inventory,
  store: PkiStore,
  files: readonly GivenFile[],
  { now, renewBefore }: AcceptOptions,
): Accepted {
  const stored = readStoredPki(inventory, store);
  const given = readGiven(files);
  const { algorithm, certValidity } = inventory;
  const acceptor = new Acceptor(stored, store, { algorithm, certValidity, now, renewBefore });
  for (const key of given.keys) acceptor.key(key);
  for (const each of unique(given.certificates)) {
    if (each.isAuthority) acceptor.authority(each);
    else acceptor.leaf(each);
  }
  const leaves = acceptor.bestLeaves();
  failWith([...given.faults, ...acceptor.faults], 'what was handed in');
  const { authorities, notes, warnings } = acceptor;
  return { leaves, authorities, notes, warnings: [...stored.warnings, ...warnings] };
}

/**
 * Puts it in its places: each key, then its certificate; at last the pending keys go. All of it is in temporary files
 * on the disk before the first is renamed; the same call with the same files goes on after a SIGKILL.
 * @returns what was written, relative to the cluster directory
 */
export async function takeIn({ leaves, authorities }: Accepted, store: PkiStore): Promise<readonly string[]> {
  const files: PkiFile[] = [
    ...authorities
      .filter(({ isThere }) => !isThere)
      .map(({ entry, key }) => ({ path: `${entry.path}.key`, content: key })),
    ...leaves
      .filter(({ isThere }) => !isThere)
      .flatMap(({ entry, certificate, pendingKey: key }) => [
        ...(key ? [{ path: `${entry.path}.key`, content: key }] : []),
        { path: `${entry.path}.crt`, content: certificate.pem },
      ]),
  ];
  if (files.length) await store.write(files);
  const done = leaves.filter((leaf) => leaf.pendingKey).map(({ entry }) => pendingKey(entry.path));
  if (done.length) await store.remove(done);
  return files.map(({ path }) => `pki/${path}`);
}

interface Candidate {
  readonly entry: LeafEntry;
  readonly pending: SecretPem | undefined;
  readonly publicKey: Buffer;
}

interface Match {
  readonly given: GivenCertificate;
  readonly candidate: Candidate;
  readonly wrong: readonly Misfit[];
}

/** Collects on its way, so that the user is told everything at once. */
class Acceptor {
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  readonly notes: string[] = [];
  readonly authorities: { readonly entry: AuthorityEntry; readonly key: SecretPem; readonly isThere: boolean }[] = [];
  readonly #matches: Match[] = [];
  readonly #strangers: GivenCertificate[] = [];
  readonly #stored: Stored;
  readonly #store: PkiStore;
  readonly #demands: Demands;
  readonly #candidates: readonly Candidate[];

  constructor(stored: Stored, store: PkiStore, demands: Demands) {
    this.#stored = stored;
    this.#store = store;
    this.#demands = demands;
    this.#candidates = candidates(stored, store);
  }

  /** A private key is one of a CA, or it is not for us. */
  key({ file, key }: GivenKey): void {
    const fault = (message: string, hint?: string) =>
      this.faults.push(errorAt(undefined, `${file.name}: ${message}`, hint));
    unlessDamaged(
      () => {
        privateKey(key);
        const authority = [...this.#stored.authorities.values()].find(
          ({ certificate }) => certificate && matchesCertificate(certificate, key),
        );
        if (authority) this.authorities.push({ entry: authority.entry, key, isThere: authority.key !== undefined });
        else fault('holds a private key that belongs to no CA here', `certificates of CAs: ${this.#authorityFiles()}`);
      },
      ({ message, hint }) => fault(message, hint),
    );
  }

  authority({ file, certificate }: GivenCertificate): void {
    const all = [...this.#stored.authorities.values()];
    const known = all.some(
      (each) =>
        (each.certificate && sameCertificate(each.certificate, certificate)) ||
        each.bundle.some((other) => sameCertificate(other, certificate)),
    );
    if (!known)
      this.notes.push(
        `${file.name}: the CA certificate ${subjectText(certificate)} in it is none of this cluster's, and is not taken over`,
      );
  }

  leaf(given: GivenCertificate): void {
    const { certificate, file } = given;
    const matching = this.#candidates.filter(({ publicKey }) => publicKey.equals(certificate.publicKey));
    if (!matching.length) {
      if (!file.named) this.#strangers.push(given);
      else this.#fault(given, `${subjectText(certificate)} belongs to no key here`);
      return;
    }
    const matches = matching.map((candidate) => ({ given, candidate, wrong: this.#misfits(given, candidate.entry) }));
    const fitting = matches.find(({ wrong }) => !isHarmful(wrong)) ?? matches[0];
    if (fitting) this.#matches.push(fitting);
  }

  /** One for each certificate that is wanted: the one that fits and lasts longest. */
  bestLeaves(): readonly AcceptedLeaf[] {
    const byEntry = new Map<LeafEntry, Match[]>();
    for (const match of this.#matches) {
      const { entry } = match.candidate;
      byEntry.set(entry, [...(byEntry.get(entry) ?? []), match]);
    }
    const strangers = this.#strangers;
    if (!byEntry.size && !this.authorities.length) {
      for (const each of strangers) this.#fault(each, `${subjectText(each.certificate)} belongs to no key here`);
    }
    for (const { file, certificate } of byEntry.size ? strangers : [])
      this.notes.push(`${file.name}: ${subjectText(certificate)} belongs to no key here, and is left aside`);
    return this.#stored.leaves.flatMap(({ entry }) => this.#best(byEntry.get(entry) ?? []));
  }

  #best(matches: readonly Match[]): readonly AcceptedLeaf[] {
    const rank = ({ wrong, given }: Match) => (isHarmful(wrong) ? 0 : given.certificate.notAfter);
    const [best, ...others] = [...matches].sort((a, b) => rank(b) - rank(a));
    if (!best) return [];
    const { given, candidate, wrong } = best;
    const { entry, pending } = candidate;
    for (const other of others)
      this.notes.push(`${other.given.file.name}: left aside for ${given.file.name}, which is for the same key`);
    for (const { text, harmful } of wrong) {
      if (harmful) this.#fault(given, `the certificate for ${entry.path} ${text}`);
      else this.warnings.push(warningAt(undefined, `${given.file.name}: the certificate for ${entry.path} ${text}`));
    }
    const there = this.#stored.leaves.find((leaf) => leaf.entry === entry);
    const { certificate } = given;
    const isThere =
      there?.certificate !== undefined &&
      sameCertificate(there.certificate, certificate) &&
      (pending === undefined || isPublicKeyOf(there.key, certificate));
    return [{ entry, certificate, pendingKey: pending, isThere, file: given.file.name }];
  }

  #misfits({ certificate }: GivenCertificate, entry: LeafEntry): readonly Misfit[] {
    const issuer = this.#stored.authorities.get(entry.authority);
    if (!issuer?.certificate) {
      const file = this.#store.shown(`${issuer?.entry.path}.crt`);
      return [{ kind: 'issuer', text: `cannot be checked: ${file} is missing`, harmful: true }];
    }
    const life = lifeFault(issuer.certificate, this.#store.shown(`${issuer.entry.path}.crt`), this.#demands.now);
    if (life) return [{ kind: 'issuer', text: `is of no use: ${life.message}`, harmful: true }];
    return misfits(certificate, entry, issuer.certificate, this.#demands);
  }

  #authorityFiles(): string {
    const found = [...this.#stored.authorities.values()].filter(({ certificate }) => certificate);
    return found.map(({ entry }) => this.#store.shown(`${entry.path}.crt`)).join(', ') || 'none';
  }

  #fault({ file }: GivenCertificate, message: string): void {
    this.faults.push(errorAt(undefined, `${file.name}: ${message}`));
  }
}

const isHarmful = (wrong: readonly Misfit[]): boolean => wrong.some(({ harmful }) => harmful);

/** The keys for which a certificate may come, those that are pending first. */
function candidates({ leaves }: Stored, store: PkiStore): readonly Candidate[] {
  const pending = leaves.flatMap(({ entry }) => {
    const file = store.read(pendingKey(entry.path));
    const key = file && new SecretPem(file.text);
    const publicKey = key && publicKeyOfSecret(key);
    return key && publicKey ? [{ entry, pending: key, publicKey }] : [];
  });
  const inUse = leaves.flatMap(({ entry, key }) => {
    const publicKey = key && publicKeyOfSecret(key);
    return publicKey ? [{ entry, pending: undefined, publicKey }] : [];
  });
  return [...pending, ...inUse];
}

/** As a certificate holds it; undefined where the key cannot be read. */
function publicKeyOfSecret(key: SecretPem): Buffer | undefined {
  const own = unlessDamaged<KeyObject>(
    () => createPublicKey(privateKey(key)),
    () => undefined,
  );
  return own?.export({ type: 'spki', format: 'der' });
}

function isPublicKeyOf(key: SecretPem | undefined, { publicKey }: Certificate): boolean {
  return key !== undefined && publicKeyOfSecret(key)?.equals(publicKey) === true;
}

function unique(certificates: readonly GivenCertificate[]): readonly GivenCertificate[] {
  return certificates.filter(
    ({ certificate }, i) => certificates.findIndex((other) => sameCertificate(other.certificate, certificate)) === i,
  );
}
