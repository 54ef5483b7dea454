import { BootstrapError } from '../../base/errors.ts';
import { SecretPem } from '../../base/pem.ts';
import { type Certificate, readCertificates } from '../certificate.ts';
import { AUTHORITY_PATHS } from '../inventory.ts';
import { publicKeys, publicPem, samePublicKey } from '../keys.ts';
import { type PemError, pemBlocks, unlessDamaged } from '../pem-blocks.ts';
import type { AuthorityName } from '../pki.ts';
import type { PkiStore, StoredFile } from '../store.ts';
import { current, JOURNAL, type Journal, type Phase, parseJournal, reached, type Subject } from './journal.ts';

/** Where the new keys and CA certificates lie until the rotation has ended; relative to `pki/`. */
export const NEW = 'rotation/new';

/** The rotation that is under way. @throws BootstrapError where its journal cannot be read */
export function readJournal(store: PkiStore): Journal | undefined {
  const stored = store.read(JOURNAL);
  return stored && parseJournal(stored.text, store.shown(JOURNAL));
}

/**
 * The store as it is to be seen in the present phase of a rotation; without a rotation the store itself. So that one
 * rename, that of the journal, takes everything from one phase to the next: whatever `render` and `apply` make at any
 * moment is of one phase.
 */
export function withRotation(store: PkiStore): PkiStore {
  const journal = readJournal(store);
  if (!journal) return store;
  const views = new Map(journal.subjects.flatMap((subject) => viewsOf(store, subject, current(journal).phase)));
  return {
    ...store,
    read: (path) => {
      const view = views.get(path);
      return view ? view() : store.read(path);
    },
  };
}

type View = () => StoredFile | undefined;

function viewsOf(store: PkiStore, subject: Subject, phase: Phase): readonly (readonly [string, View])[] {
  return subject === 'service-account' ? ofServiceAccount(store, phase) : ofAuthority(store, subject, phase);
}

function ofAuthority(store: PkiStore, subject: AuthorityName, phase: Phase): readonly (readonly [string, View])[] {
  const path = AUTHORITY_PATHS[subject];
  const from = (isNew: boolean, ending: string) => () =>
    store.read(isNew ? `${NEW}/${path}.${ending}` : `${path}.${ending}`);
  const isIssuing = reached(phase, 'issue');
  const bundle = (): StoredFile | undefined => {
    if (phase === 'prepare') return store.read(`${path}-bundle.crt`);
    return openFile(trusted(store, path, phase));
  };
  return [
    [`${path}.crt`, from(isIssuing, 'crt')],
    [`${path}.key`, from(isIssuing, 'key')],
    [`${path}-bundle.crt`, bundle],
    // kubelets get their certificates from the controller-manager, which goes over to the new CA one phase later
    ...(subject === 'kubernetes' && phase === 'issue'
      ? ([
          [`${path}-signer.crt`, from(false, 'crt')],
          [`${path}-signer.key`, from(false, 'key')],
        ] as const)
      : []),
  ];
}

function certificatesIn(store: PkiStore, file: string): readonly Certificate[] {
  const stored = store.read(file);
  if (!stored) return [];
  const damaged: PemError[] = [];
  const read = unlessDamaged(
    () => readCertificates(stored.text),
    (error) => damaged.push(error),
  );
  if (read) return read;
  throw new BootstrapError('failed', `${store.shown(file)}: ${damaged[0]?.message}`, {
    hint: 'put it back from your copy of pki/',
  });
}

/** What was trusted before, then the new one; at last without the old one. Each once, in an order that stays the same. */
export function trusted(store: PkiStore, path: string, phase: 'trust' | 'issue' | 'sign' | 'distrust'): string {
  const read = (file: string) => certificatesIn(store, file);
  const [old, fresh] = [read(`${path}.crt`), read(`${NEW}/${path}.crt`)];
  const isOld = (der: Buffer) =>
    phase === 'distrust' && old.some((one) => one.der.equals(der)) && !fresh.some((one) => one.der.equals(der));
  const all = [...read(`${path}-bundle.crt`), ...old, ...fresh].filter(({ der }) => !isOld(der));
  return all
    .filter(({ der }, i) => all.findIndex((other) => other.der.equals(der)) === i)
    .map(({ pem }) => pem)
    .join('');
}

function ofServiceAccount(store: PkiStore, phase: Phase): readonly (readonly [string, View])[] {
  const isSigning = reached(phase, 'sign');
  return [
    ['sa.key', () => store.read(isSigning ? `${NEW}/sa.key` : 'sa.key')],
    ['sa.pub', () => (phase === 'prepare' ? store.read('sa.pub') : openFile(acceptedKeys(store, phase)))],
  ];
}

/** The public keys whose tokens are accepted, as PEM; at last without that of the old key. */
export function acceptedKeys(store: PkiStore, phase: Phase): string {
  const [old, fresh] = [publicHalf(store, 'sa.key'), publicHalf(store, `${NEW}/sa.key`)];
  const all = [...pemBlocks(store.read('sa.pub')?.text ?? ''), ...pemBlocks(fresh)].map(({ pem }) => pem);
  const kept = phase === 'distrust' && old !== fresh ? all.filter((pem) => !isSameKey(pem, old)) : all;
  return kept.filter((pem, i) => kept.findIndex((other) => isSameKey(pem, other)) === i).join('');
}

function publicHalf(store: PkiStore, keyFile: string): string {
  const stored = store.read(keyFile);
  return stored ? publicPem(new SecretPem(stored.text)) : '';
}

function isSameKey(a: string, b: string): boolean {
  const [one, other] = [publicKeys(a)[0], publicKeys(b)[0]];
  return one !== undefined && other !== undefined && samePublicKey(one, other);
}

function openFile(text: string): StoredFile {
  return { text, mode: 0o644 };
}
