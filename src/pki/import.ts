import { createPublicKey, type KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BootstrapError } from '../base/errors.ts';
import { errorAt, type Fault } from '../base/fault.ts';
import { type Pem, SecretPem } from '../base/pem.ts';
import { lifeFault } from './assess.ts';
import { type Certificate, publicKeyOf, readCertificates, sameCertificate } from './certificate.ts';
import type { AuthorityEntry, Inventory } from './inventory.ts';
import {
  keyAlgorithm,
  matchesCertificate,
  privateKey,
  publicKeys,
  sameKey,
  samePublicKey,
  signatureDigest,
} from './keys.ts';
import { unlessDamaged } from './pem-blocks.ts';
import { type PkiFile, type PkiStore, readStored } from './store.ts';
import { failWith, SERVICE_ACCOUNT } from './stored.ts';

export interface ImportedPki {
  /** What was written, relative to the cluster directory, with slashes; nothing where it had been imported before. */
  readonly written: readonly string[];
  /** What the user should know: what was not found and is made new, what cannot be issued here. */
  readonly notes: readonly string[];
}

/**
 * Takes over the CAs and the service-account pair of an existing cluster from a directory laid out as kubeadm's
 * `/etc/kubernetes/pki`. Certificates and keys are copied as they are; of a `ca.crt` that holds several certificates
 * the first signs and all are trusted. Leaves are not taken over. The caller holds the lock on the cluster directory.
 *
 * @param source the directory that holds `ca.crt`.
 * @throws BootstrapError naming everything that cannot be used, or that differs from what is under `pki/` already.
 */
export async function importPki(
  source: string,
  inventory: Inventory,
  store: PkiStore,
  { now }: { readonly now: Date },
): Promise<ImportedPki> {
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BootstrapError('usage', `${source}: there is no such directory`);
  }
  store.removeStaleTemps();
  const importer = new Importer(source, store, now);
  for (const entry of inventory.authorities) importer.authority(entry);
  importer.serviceAccount();
  failWith(importer.faults, source);
  // Certificates first: a CA whose key alone had been taken over would be given a new certificate by the next `init`.
  const files = [...importer.publicFiles, ...importer.keyFiles];
  if (files.length) await store.write(files);
  return { written: files.map(({ path }) => `pki/${path}`), notes: importer.notes };
}

/** Collects faults on its way, so that the user sees all of them at once. */
class Importer {
  readonly faults: Fault[] = [];
  readonly notes: string[] = [];
  readonly publicFiles: PkiFile[] = [];
  readonly keyFiles: PkiFile[] = [];
  readonly #source: string;
  readonly #store: PkiStore;
  readonly #now: Date;

  constructor(source: string, store: PkiStore, now: Date) {
    this.#source = source;
    this.#store = store;
    this.#now = now;
  }

  authority(entry: AuthorityEntry): void {
    const [certificateFile, keyFile] = [`${entry.path}.crt`, `${entry.path}.key`];
    const key = this.#key(keyFile);
    const found = this.#certificates(certificateFile);
    if (!found) {
      if (key || entry.name === 'kubernetes') this.#fault(certificateFile, 'is missing');
      else if (!this.#store.read(certificateFile)) this.#note(certificateFile, 'is not there: a new CA is made');
      return;
    }
    const [certificate, ...others] = found;
    if (!certificate) return;
    this.#checkAuthority(certificateFile, certificate);
    if (!key) this.#note(keyFile, 'is not there: nothing can be issued by that CA here');
    else if (this.#guard(keyFile, () => !matchesCertificate(certificate, key))) {
      this.#fault(keyFile, `does not belong to ${this.#shown(certificateFile)}`);
    }
    this.#addCertificates(certificateFile, [certificate]);
    if (key) this.#addKey(keyFile, key);

    const bundleFile = `${entry.path}-bundle.crt`;
    const trusted = [certificate, ...others, ...(this.#certificates(bundleFile) ?? [])];
    const unique = trusted.filter((one, i) => trusted.findIndex((other) => sameCertificate(one, other)) === i);
    if (unique.length > 1) this.#addCertificates(bundleFile, unique);
  }

  serviceAccount(): void {
    const { key: keyFile, publicKeys: publicFile } = SERVICE_ACCOUNT;
    const key = this.#key(keyFile);
    const text = readStored(this.#shown(publicFile))?.text;
    const others = text === undefined ? undefined : this.#guard(publicFile, () => publicKeys(text));
    if (!key) {
      if (text !== undefined) this.#fault(keyFile, `is missing, yet ${this.#shown(publicFile)} is there`);
      else if (!this.#store.read(keyFile)) {
        this.#note(
          keyFile,
          'is not there: a new pair is made, and service-account tokens issued so far become invalid',
        );
      }
      return;
    }
    const own = this.#guard(keyFile, () => createPublicKey(privateKey(key)));
    if (own) this.#checkStrength(keyFile, own);
    if (own && others && !others.some((other) => samePublicKey(other, own))) {
      this.#fault(publicFile, `does not hold the public key of ${this.#shown(keyFile)}`);
    }
    this.#addKey(keyFile, key);
    if (text !== undefined && others) this.#addPublicKeys(publicFile, text, others);
  }

  #checkAuthority(file: string, certificate: Certificate): void {
    const x509 = certificate.x509();
    if (!x509.ca) this.#fault(file, 'is not the certificate of a CA');
    this.#checkStrength(file, publicKeyOf(certificate));
    const life = lifeFault(certificate, this.#shown(file), this.#now);
    if (life) this.faults.push(life);
    if (!x509.checkIssued(x509)) this.#note(file, 'is an intermediate CA: it is trusted by itself, without its issuer');
  }

  #checkStrength(file: string, key: KeyObject): void {
    if (!signatureDigest(key))
      this.#fault(file, `holds a key of the kind ${keyAlgorithm(key)}, which is not supported`);
  }

  #addCertificates(file: string, certificates: readonly Certificate[]): void {
    const there = this.#store.read(file)?.text;
    if (there === undefined) {
      this.publicFiles.push({ path: file, content: certificates.map(({ pem }) => pem).join('') });
      return;
    }
    const old = this.#guard(file, () => readCertificates(there)) ?? [];
    const same =
      old.length === certificates.length &&
      certificates.every((one) => old.some((other) => sameCertificate(one, other)));
    if (!same) this.#differs(file);
  }

  #addKey(file: string, key: SecretPem): void {
    const there = this.#store.read(file)?.text;
    if (there === undefined) this.keyFiles.push({ path: file, content: key });
    else if (!this.#guard(file, () => sameKey(new SecretPem(there), key))) this.#differs(file);
  }

  #addPublicKeys(file: string, text: string, keys: readonly KeyObject[]): void {
    const there = this.#store.read(file)?.text;
    if (there === undefined) {
      this.publicFiles.push({ path: file, content: text as Pem });
      return;
    }
    const old = this.#guard(file, () => publicKeys(there)) ?? [];
    if (old.length !== keys.length || !keys.every((one) => old.some((other) => samePublicKey(other, one))))
      this.#differs(file);
  }

  #certificates(file: string): readonly Certificate[] | undefined {
    const text = readStored(this.#shown(file))?.text;
    if (text === undefined) return undefined;
    const read = () => readCertificates(text).filter((certificate) => certificate.x509());
    return this.#guard(file, read) ?? [];
  }

  #key(file: string): SecretPem | undefined {
    const text = readStored(this.#shown(file))?.text;
    if (text === undefined) return undefined;
    const key = new SecretPem(text);
    return this.#guard(file, () => privateKey(key)) && key;
  }

  #shown(file: string): string {
    return join(this.#source, file);
  }

  #guard<T>(file: string, read: () => T): T | undefined {
    return unlessDamaged(read, ({ message, hint }) => this.#fault(file, message, hint));
  }

  #differs(file: string): void {
    const there = this.#store.shown(file);
    const hint = 'nothing there is overwritten: import into a new cluster directory';
    this.faults.push(errorAt(undefined, `${there}: is there already and differs from ${this.#shown(file)}`, hint));
  }

  #fault(file: string, message: string, hint?: string): void {
    this.faults.push(errorAt(undefined, `${this.#shown(file)}: ${message}`, hint));
  }

  #note(file: string, message: string): void {
    this.notes.push(`${this.#shown(file)}: ${message}`);
  }
}
