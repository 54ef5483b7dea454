import { randomBytes } from 'node:crypto';
import { BootstrapError } from '../../base/errors.ts';
import type { Pem } from '../../base/pem.ts';
import { SecretPem } from '../../base/pem.ts';
import { readCertificate } from '../certificate.ts';
import type { Inventory } from '../inventory.ts';
import type { Sources } from '../issue.ts';
import { matchesCertificate, privateKey } from '../keys.ts';
import { unlessDamaged } from '../pem-blocks.ts';
import type { PkiFile, PkiStore } from '../store.ts';
import { issueAuthority } from '../x509.ts';
import type { Subject } from './journal.ts';
import { NEW } from './overlay.ts';

/** A new CA whose key is kept elsewhere. */
export interface GivenAuthority {
  readonly subject: Subject;
  readonly certificate: Pem;
}

/**
 * Puts the new keys, then the new CA certificates under `pki/rotation/new/`, where nothing uses them yet. What a killed
 * run has left there is taken up.
 * @param store without the overlay of a rotation
 * @param given new CAs for those whose keys are kept elsewhere
 * @throws BootstrapError where the old one's key is kept elsewhere and no new certificate is given
 */
export async function prepareNew(
  subjects: readonly Subject[],
  inventory: Inventory,
  store: PkiStore,
  sources: Sources,
  given: readonly GivenAuthority[] = [],
): Promise<readonly string[]> {
  const entries = inventory.authorities.filter(({ name }) => subjects.includes(name));
  const written: string[] = [];
  const write = async (files: readonly PkiFile[]) => {
    await store.write(files);
    written.push(...files.map(({ path }) => path));
  };
  for (const entry of entries) {
    const path = `${NEW}/${entry.path}`;
    const other = given.find(({ subject }) => subject === entry.name);
    if (other) {
      if (store.read(`${path}.crt`)?.text !== other.certificate)
        await write([{ path: `${path}.crt`, content: other.certificate }]);
      continue;
    }
    if (!store.read(`${entry.path}.key`)) {
      throw new BootstrapError(
        'usage',
        `the key of the CA ${entry.name} is not here: ${store.shown(`${entry.path}.key`)}`,
        {
          hint: `make the new CA where the old one's key is, and give its certificate: --new-ca ${entry.name}=FILE`,
        },
      );
    }
    const there = store.read(`${path}.key`);
    const key = there ? new SecretPem(there.text) : await sources.generateKey(inventory.algorithm);
    if (!there) await write([{ path: `${path}.key`, content: key }]);
    if (there && fits(store, path, key)) continue;
    const issuing = { now: sources.now, validity: inventory.caValidity, serial: randomBytes(16) };
    await write([{ path: `${path}.crt`, content: await issueAuthority(entry, key, issuing) }]);
  }
  if (subjects.includes('service-account') && !store.read(`${NEW}/sa.key`)) {
    await write([{ path: `${NEW}/sa.key`, content: await sources.generateKey(inventory.serviceAccountAlgorithm) }]);
  }
  return written;
}

/** Whether there is a certificate for this key already. */
function fits(store: PkiStore, path: string, key: SecretPem): boolean {
  const stored = store.read(`${path}.crt`);
  if (!stored) return false;
  const read = () => Boolean(privateKey(key)) && matchesCertificate(readCertificate(stored.text), key);
  return unlessDamaged(read, () => {}) ?? false;
}
