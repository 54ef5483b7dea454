import { createPublicKey, type KeyObject } from 'node:crypto';
import { BootstrapError } from '../base/errors.ts';
import { errorAt, type Fault, warningAt } from '../base/fault.ts';
import { type Pem, SecretPem } from '../base/pem.ts';
import type { SecretText } from '../base/secret.ts';
import { type Certificate, publicKeyOf, readCertificate, readCertificates, sameCertificate } from './certificate.ts';
import type { AuthorityEntry, Inventory, LeafEntry, TokenEntry } from './inventory.ts';
import { keyAlgorithm, matchesCertificate, privateKey, publicKeys, samePublicKey, signatureDigest } from './keys.ts';
import { PemError, unlessDamaged } from './pem-blocks.ts';
import type { AuthorityName, AuthorityPair } from './pki.ts';
import type { PkiStore, StoredFile } from './store.ts';
import { readToken } from './tokens.ts';

/** What lies under `pki/` now, read and checked as far as that takes no clock. */
export interface Stored {
  readonly authorities: ReadonlyMap<AuthorityName, StoredAuthority>;
  readonly serviceAccount: StoredServiceAccount;
  readonly leaves: readonly StoredLeaf[];
  readonly tokens: readonly StoredToken[];
  readonly warnings: readonly Fault[];
}

/** The key belongs to the certificate where both are there. */
export interface StoredAuthority {
  readonly entry: AuthorityEntry;
  readonly certificate: Certificate | undefined;
  readonly key: SecretPem | undefined;
  /** What the controller-manager signs with; undefined where that is this CA itself. */
  readonly signer: AuthorityPair | undefined;
  /** Everything that is trusted, the certificate included where it is there. */
  readonly bundle: readonly Certificate[];
}

interface StoredServiceAccount {
  readonly key: SecretPem | undefined;
  readonly algorithm: string | undefined;
  /** As on disk; the key's own is among them. */
  readonly publicKeys: Pem | undefined;
}

export interface StoredLeaf {
  readonly entry: LeafEntry;
  readonly certificate: Certificate | undefined;
  readonly key: SecretPem | undefined;
  /** Why there is a certificate file and yet no certificate, in words that follow its name. */
  readonly damage: string | undefined;
}

export interface StoredToken {
  readonly entry: TokenEntry;
  readonly token: SecretText | undefined;
}

/** The service-account pair's files, and their common stem. */
export const SERVICE_ACCOUNT = { path: 'sa', key: 'sa.key', publicKeys: 'sa.pub' } as const;

/**
 * Reads all that the inventory names. Damage to what can be made again (a leaf) is part of the result.
 * @throws BootstrapError naming every file of a CA, of the service-account pair or with a token that is damaged or does
 * not fit.
 */
export function readStoredPki(inventory: Inventory, store: PkiStore): Stored {
  const reader = new PkiReader(store);
  const authorities = new Map(inventory.authorities.map((entry) => [entry.name, reader.authority(entry)]));
  const serviceAccount = reader.serviceAccount();
  const leaves = inventory.leaves.map((entry) => reader.leaf(entry));
  const tokens = inventory.tokens.map((entry) => reader.token(entry));
  failWith(reader.faults, store.directory);
  return { authorities, serviceAccount, leaves, tokens, warnings: reader.warnings };
}

/** Throws where there are faults: one by itself, several together. `way` is the way out of all of them. */
export function failWith(faults: readonly Fault[], where: string, way?: string): void {
  const [first, ...others] = faults;
  if (!first) return;
  const hint = way ?? (others.length ? undefined : first.hint);
  const message = others.length ? `${where}: ${faults.length} things are wrong` : first.message;
  throw new BootstrapError('failed', message, {
    ...(others.length && { faults }),
    ...(hint !== undefined && { hint }),
  });
}

/** Collects faults on its way, so that the user sees all of them at once. */
class PkiReader {
  readonly faults: Fault[] = [];
  readonly warnings: Fault[] = [];
  readonly #store: PkiStore;

  constructor(store: PkiStore) {
    this.#store = store;
  }

  authority(entry: AuthorityEntry): StoredAuthority {
    const [certificateFile, keyFile, bundleFile] = [
      `${entry.path}.crt`,
      `${entry.path}.key`,
      `${entry.path}-bundle.crt`,
    ];
    const certificate = this.#parse(certificateFile, (text) => signingCertificate(text, this.#store.shown(bundleFile)));
    const key = this.#secret(keyFile, (pem) => this.#signing(keyFile, privateKey(pem)));
    const bundle = this.#parse(bundleFile, (text) => readCertificates(text).map(checked)) ?? [];
    if (certificate) {
      if (!certificate.x509().ca) this.#fault(certificateFile, 'is not the certificate of a CA');
      this.#signing(certificateFile, publicKeyOf(certificate));
      if (key && this.#parsed(keyFile, () => !matchesCertificate(certificate, key))) {
        this.#fault(
          keyFile,
          `does not belong to ${this.#store.shown(certificateFile)}`,
          'put the two that belong together there',
        );
      }
      if (bundle.length && !bundle.some((other) => sameCertificate(other, certificate))) {
        this.#fault(
          bundleFile,
          `does not hold ${this.#store.shown(certificateFile)}`,
          'add it: what it signs would not be trusted',
        );
      }
    }
    const signer = this.#signer(entry);
    return { entry, certificate, key, signer, bundle: bundle.length || !certificate ? bundle : [certificate] };
  }

  /** Only a rotation has one, and shows it under these names. */
  #signer({ path }: AuthorityEntry): AuthorityPair | undefined {
    const [certificateFile, keyFile] = [`${path}-signer.crt`, `${path}-signer.key`];
    const certificate = this.#parse(certificateFile, (text) => checked(readCertificate(text)));
    return certificate && { certificate: certificate.pem, key: this.#secret(keyFile) };
  }

  serviceAccount(): StoredServiceAccount {
    const { key: keyFile, publicKeys: publicFile } = SERVICE_ACCOUNT;
    const key = this.#secret(keyFile);
    const own = key && this.#parsed(keyFile, () => createPublicKey(privateKey(key)));
    if (own) this.#signing(keyFile, own);
    const text = this.#store.read(publicFile)?.text;
    const others = text === undefined ? undefined : this.#parsed(publicFile, () => publicKeys(text));
    if (others && !others.length) this.#fault(publicFile, 'holds no public key in PEM form');
    else if (own && others && !others.some((other) => samePublicKey(other, own))) {
      this.#fault(
        publicFile,
        `does not hold the public key of ${this.#store.shown(keyFile)}`,
        'remove it to have it made again from the key',
      );
    }
    return { key, algorithm: own && keyAlgorithm(own), publicKeys: text as Pem | undefined };
  }

  leaf(entry: LeafEntry): StoredLeaf {
    const key = this.#secret(`${entry.path}.key`);
    const stored = this.#store.read(`${entry.path}.crt`);
    try {
      return { entry, key, certificate: stored && readCertificate(stored.text), damage: undefined };
    } catch (error) {
      if (!(error instanceof PemError)) throw error;
      return { entry, key, certificate: undefined, damage: error.message };
    }
  }

  /** Made anew it would lock its node out until the next `apply`: that is the user's to decide, by removing the file. */
  token(entry: TokenEntry): StoredToken {
    const stored = this.#store.read(entry.path);
    if (!stored) return { entry, token: undefined };
    this.#warnOfMode(entry.path, stored, 'token');
    const token = readToken(stored.text);
    if (!token) {
      this.#fault(
        entry.path,
        'is not a token: 43 letters, digits, "-" and "_" on one line',
        `put it back from your copy of pki/, or remove it: a new one is made, and \`bootstrap apply\` brings it to ${entry.node}`,
      );
    }
    return { entry, token };
  }

  #secret(file: string, check: (key: SecretPem) => void = () => {}): SecretPem | undefined {
    const stored = this.#store.read(file);
    if (!stored) return undefined;
    this.#warnOfMode(file, stored, 'key');
    const key = new SecretPem(stored.text);
    const before = this.faults.length;
    this.#parsed(file, () => check(key));
    return this.faults.length === before ? key : undefined;
  }

  #warnOfMode(file: string, { mode }: StoredFile, what: 'key' | 'token'): void {
    if (!(mode & 0o077)) return;
    const shown = this.#store.shown(file);
    const text = `${shown}: others may read this ${what} (mode ${mode.toString(8).padStart(4, '0')})`;
    this.warnings.push(warningAt(undefined, text, `chmod 600 ${shown}`));
  }

  #signing(file: string, key: KeyObject): void {
    if (signatureDigest(key)) return;
    this.#fault(
      file,
      `holds a key of the kind ${keyAlgorithm(key)}`,
      'use RSA with 2048 bits or more, or ECDSA on P-256, P-384 or P-521',
    );
  }

  #parse<T>(file: string, read: (text: string) => T): T | undefined {
    const text = this.#store.read(file)?.text;
    return text === undefined ? undefined : this.#parsed(file, () => read(text));
  }

  #parsed<T>(file: string, read: () => T): T | undefined {
    return unlessDamaged(read, ({ message, hint }) => this.#fault(file, message, hint));
  }

  #fault(file: string, message: string, hint = 'restore it from a backup; it is never overwritten'): void {
    this.faults.push(errorAt(undefined, `${this.#store.shown(file)}: ${message}`, hint));
  }
}

/** More than one would stop the controller-manager: "expected 1 certificate, found 2". */
function signingCertificate(text: string, bundleFile: string): Certificate {
  const [first, ...others] = readCertificates(text);
  if (first && !others.length) return checked(first);
  throw new PemError(
    `holds ${others.length + 1} certificates instead of one`,
    `keep the one that signs there and put all that are trusted into ${bundleFile}`,
  );
}

/** CAs are few, and they are handed on to others: OpenSSL, too, has to be able to read them. */
function checked(certificate: Certificate): Certificate {
  certificate.x509();
  return certificate;
}
