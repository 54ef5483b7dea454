import { type Certificate, readCertificate, readCertificates, sameCertificate } from '../certificate.ts';
import type { AuthorityEntry } from '../inventory.ts';
import { unlessDamaged } from '../pem-blocks.ts';
import { NEW, readJournal } from '../rotation/overlay.ts';
import type { PkiStore } from '../store.ts';
import type { Age, AuthorityRole } from './listed.ts';

/** A certificate of a CA, and what it is there for. */
export interface SeenAuthority {
  readonly entry: AuthorityEntry;
  readonly age: Age | undefined;
  readonly roles: readonly AuthorityRole[];
  /** Relative to `pki/`. */
  readonly path: string;
  readonly hasKey: boolean;
  /** Or why there is none, in words that follow the file's name. */
  readonly certificate: Certificate | string;
}

/**
 * All certificates of one CA as they count just now: the one that issues, the one that signs on the nodes, those that are
 * trusted. The old one comes first. Nothing is thrown for what is damaged: it is said.
 * @param store with the overlay of a rotation, where there is one
 */
export function seenAuthorities(entry: AuthorityEntry, store: PkiStore): readonly SeenAuthority[] {
  const [file, bundleFile, signerFile] = ['', '-bundle', '-signer'].map((what) => `${entry.path}${what}.crt`) as [
    string,
    string,
    string,
  ];
  const newFile = `${NEW}/${entry.path}.crt`;
  const isRotated = readJournal(store)?.subjects.includes(entry.name) ?? false;
  const [own, signer, fresh] = [single(store, file), single(store, signerFile), isRotated && single(store, newFile)];
  const bundle = several(store, bundleFile);
  const found: Found[] = [];
  const add = (certificate: Certificate, path: string, roles: readonly AuthorityRole[]) => {
    const known = found.find((each) => sameCertificate(each.certificate, certificate));
    if (known) known.roles.push(...roles);
    else found.push({ certificate, path, roles: [...roles] });
  };
  if (typeof bundle === 'object') for (const each of bundle) add(each, bundleFile, ['trusted']);
  if (typeof signer === 'object') add(signer, signerFile, ['signs']);
  if (typeof own === 'object') {
    add(own, file, ['issues', ...(signer ? [] : (['signs'] as const)), ...(bundle ? [] : (['trusted'] as const))]);
  }
  if (typeof fresh === 'object') add(fresh, newFile, []);
  const isNew = ({ certificate }: Found) => typeof fresh === 'object' && sameCertificate(certificate, fresh);
  // what else is trusted besides the two is neither; once the old one does nothing more it is the first in the bundle
  const others = typeof fresh === 'object' ? found.filter((each) => !isNew(each)) : [];
  const old = others.find(({ roles }) => roles.includes('issues') || roles.includes('signs')) ?? others[0];
  const damaged = (path: string, why: string, ...roles: readonly AuthorityRole[]): SeenAuthority => ({
    ...{ entry, age: undefined, roles, path, certificate: why },
    hasKey: store.read(`${entry.path}.key`) !== undefined,
  });
  return [
    ...(typeof own === 'object' ? [] : [damaged(file, own ?? 'is missing', 'issues', 'signs', 'trusted')]),
    ...(typeof bundle === 'string' ? [damaged(bundleFile, bundle, 'trusted')] : []),
    ...(typeof signer === 'string' ? [damaged(signerFile, signer, 'signs')] : []),
    ...found.map((each): SeenAuthority => {
      const { certificate, roles } = each;
      const keyFile = roles.includes('issues') ? file : isNew(each) ? newFile : roles.includes('signs') && signerFile;
      return {
        entry,
        age: isNew(each) ? 'new' : each === old ? 'old' : undefined,
        roles: roles.length ? roles : ['prepared'],
        // where it really lies: in a rotation the store shows others in these places
        path: isNew(each) ? newFile : roles.includes('issues') || each === old ? file : each.path,
        hasKey: keyFile !== false && store.read(keyFile.replace(/\.crt$/, '.key')) !== undefined,
        certificate,
      };
    }),
  ];
}

interface Found {
  readonly certificate: Certificate;
  readonly path: string;
  readonly roles: AuthorityRole[];
}

/** A string says why it cannot be read; undefined = there is no such file. */
function single(store: PkiStore, path: string): Certificate | string | undefined {
  const stored = store.read(path);
  return stored && readOr(() => loaded(readCertificate(stored.text)));
}

function several(store: PkiStore, path: string): readonly Certificate[] | string | undefined {
  const stored = store.read(path);
  return stored && readOr(() => readCertificates(stored.text).map(loaded));
}

function loaded(certificate: Certificate): Certificate {
  certificate.x509();
  return certificate;
}

export function readOr<T>(read: () => T): T | string {
  let why = '';
  return (
    unlessDamaged(read, ({ message }) => {
      why = message;
    }) ?? why
  );
}
