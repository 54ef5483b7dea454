import type { SecretPem } from '../base/pem.ts';
import type { KeyAlgorithm } from '../spec/cluster.ts';
import type { LeafVerdict } from './assess.ts';
import { readCertificate } from './certificate.ts';
import { loadForge } from './forge.ts';
import type { Inventory } from './inventory.ts';
import { privateKey, publicPem } from './keys.ts';
import type { CertifiedAuthority, LeafPair, PkiParts } from './parts.ts';
import type { AuthorityName } from './pki.ts';
import { SERVICE_ACCOUNT, type Stored, type StoredAuthority } from './stored.ts';
import { type Issuing, issueAuthority, issueLeaf, type Signer } from './x509.ts';

/** What the making of keys and certificates depends on. */
export interface Sources {
  readonly now: Date;
  readonly randomBytes: (size: number) => Buffer;
  /** Called for all keys at once; the order in which they are done does not matter. */
  readonly generateKey: (algorithm: KeyAlgorithm) => Promise<SecretPem>;
}

export type Authorities = ReadonlyMap<AuthorityName, CertifiedAuthority>;
/** New keys by path, without `.key`. */
export type NewKeys = ReadonlyMap<string, SecretPem>;

/** The CAs that have a certificate, and those of which a killed run left just the key: they are given theirs now. */
export async function certifyLoneKeys(stored: Stored, inventory: Inventory, sources: Sources): Promise<Authorities> {
  const certified = new Map<AuthorityName, CertifiedAuthority>();
  for (const { certificate, ...authority } of stored.authorities.values()) {
    const { entry, key } = authority;
    if (certificate) certified.set(entry.name, { ...authority, certificate });
    else if (key) certified.set(entry.name, await founded(authority, key, inventory, sources));
  }
  return certified;
}

/** A CA that had none gets its certificate. */
async function founded(
  { entry, signer, bundle }: Omit<StoredAuthority, 'certificate'>,
  key: SecretPem,
  { caValidity }: Inventory,
  sources: Sources,
): Promise<CertifiedAuthority> {
  const certificate = readCertificate(await issueAuthority(entry, key, issuing(caValidity, sources)));
  return { entry, certificate, key, signer, bundle: [certificate, ...bundle] };
}

/** Makes all the keys that are wanting, at once: they take nearly all of the time. Meanwhile node-forge is loaded. */
export async function makeKeys(
  stored: Stored,
  certified: Authorities,
  verdicts: readonly LeafVerdict[],
  { algorithm, serviceAccountAlgorithm }: Inventory,
  { generateKey }: Sources,
): Promise<NewKeys> {
  const making: Promise<readonly [string, SecretPem]>[] = [];
  const make = async (path: string, kind: KeyAlgorithm) => [path, await generateKey(kind)] as const;
  for (const { entry } of stored.authorities.values()) {
    if (!certified.has(entry.name)) making.push(make(entry.path, algorithm));
  }
  if (!stored.serviceAccount.key) making.push(make(SERVICE_ACCOUNT.path, serviceAccountAlgorithm));
  for (const verdict of verdicts) {
    if (verdict.kind === 'issued' && !verdict.key) making.push(make(verdict.entry.path, algorithm));
  }
  if (!making.length) return new Map();
  const [keys] = await Promise.all([Promise.all(making), loadForge()]);
  return new Map(keys);
}

/** Issues every certificate that is wanting, each CA's before its leaves', and adds what is kept. */
export async function issueAll(
  stored: Stored,
  certified: Authorities,
  verdicts: readonly LeafVerdict[],
  keys: NewKeys,
  inventory: Inventory,
  sources: Sources,
): Promise<Omit<PkiParts, 'tokens'>> {
  const authorities: CertifiedAuthority[] = [];
  for (const authority of stored.authorities.values()) {
    const { entry } = authority;
    const there = certified.get(entry.name);
    authorities.push(there ?? (await founded(authority, madeKey(keys, entry.path), inventory, sources)));
  }
  const serviceAccountKey = stored.serviceAccount.key ?? madeKey(keys, SERVICE_ACCOUNT.path);
  const publicKeys = stored.serviceAccount.publicKeys ?? publicPem(serviceAccountKey);

  const signer = signers(authorities);
  const leaves: LeafPair[] = [];
  for (const verdict of verdicts) {
    const { entry } = verdict;
    if (verdict.kind === 'kept') leaves.push(verdict);
    else {
      const key = verdict.key ?? madeKey(keys, entry.path);
      const issued = issueLeaf(entry, key, signer(entry.authority), issuing(inventory.certValidity, sources));
      leaves.push({ entry, pair: { key, certificate: await issued } });
    }
  }
  return { authorities, serviceAccount: { key: serviceAccountKey, publicKeys }, leaves };
}

/** Gives the signer of a CA; its key is parsed once, and only where something is signed with it. */
function signers(authorities: readonly CertifiedAuthority[]): (name: AuthorityName) => Signer {
  const parsed = new Map<AuthorityName, Signer>();
  return (name) => {
    const authority = authorities.find(({ entry }) => entry.name === name);
    if (!authority?.key) throw new Error(`the key of the authority ${name} is not here`);
    const signer = parsed.get(name) ?? { certificate: authority.certificate, key: privateKey(authority.key) };
    parsed.set(name, signer);
    return signer;
  };
}

function madeKey(keys: NewKeys, path: string): SecretPem {
  const key = keys.get(path);
  if (!key) throw new Error(`no key was made for ${path}`);
  return key;
}

function issuing(validity: number, { now, randomBytes }: Sources): Issuing {
  return { now, validity, serial: randomBytes(16) };
}
