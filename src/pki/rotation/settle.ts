import { SecretPem } from '../../base/pem.ts';
import { readCertificates } from '../certificate.ts';
import { AUTHORITY_PATHS } from '../inventory.ts';
import type { PkiFile, PkiStore } from '../store.ts';
import { current, JOURNAL, type Journal, type Subject } from './journal.ts';
import { acceptedKeys, NEW, trusted } from './overlay.ts';

/** Writes the journal: from that moment on another phase's files count. */
export async function writeJournal(store: PkiStore, journal: Journal): Promise<void> {
  await store.write([{ path: JOURNAL, content: `${JSON.stringify(journal, undefined, 2)}\n` }]);
}

/**
 * Ends a rotation. One that has come to its end puts the new keys and certificates in the places of the old ones, which
 * are gone then; one that was taken back leaves those. Until the journal is removed all is read as in the last phase,
 * so that a killed run does no harm, and the same call goes on.
 * @param store without the overlay of a rotation
 */
export async function settle(store: PkiStore, journal: Journal): Promise<void> {
  if (current(journal).phase === 'distrust') {
    for (const subject of journal.subjects) await replace(store, subject);
  }
  await store.remove([JOURNAL]);
  await store.removeTree('rotation');
}

async function replace(store: PkiStore, subject: Subject): Promise<void> {
  if (subject === 'service-account') {
    const key = store.read(`${NEW}/sa.key`);
    const accepted = acceptedKeys(store, 'distrust');
    // in this order, because the old key tells its own public half from others that are accepted besides it
    if (key) await store.write([{ path: 'sa.pub', content: accepted }, secret('sa.key', key.text)]);
    return;
  }
  const path = AUTHORITY_PATHS[subject];
  const [key, certificate] = [store.read(`${NEW}/${path}.key`), store.read(`${NEW}/${path}.crt`)];
  if (!certificate) return;
  const bundle = trusted(store, path, 'distrust');
  // the bundle first: it is what tells the old certificate from others that were trusted besides it
  if (readCertificates(bundle).length > 1) await store.write([{ path: `${path}-bundle.crt`, content: bundle }]);
  else await store.remove([`${path}-bundle.crt`]);
  await store.write([
    ...(key ? [secret(`${path}.key`, key.text)] : []),
    { path: `${path}.crt`, content: certificate.text },
  ]);
  if (!key) await store.remove([`${path}.key`]);
}

function secret(path: string, text: string): PkiFile {
  return { path, content: new SecretPem(text) };
}
