import { SecretPem } from '../../base/pem.ts';
import { readCertificate } from '../certificate.ts';
import { keyMisfit, misfits } from '../fit.ts';
import type { Inventory, LeafEntry } from '../inventory.ts';
import { keyAlgorithm, privateKey, publicKeys } from '../keys.ts';
import { leafName, leafNode } from '../select.ts';
import type { PkiStore } from '../store.ts';
import { SERVICE_ACCOUNT } from '../stored.ts';
import { readOr, type SeenAuthority, seenAuthorities } from './authorities.ts';
import { type CertificateFacts, factsOf } from './facts.ts';
import { type IssuerOf, issuerNames, type KnownAuthority } from './issuers.ts';
import { lifeState, usualWindow } from './life.ts';
import type { ListedCertificate, ListedKeys, ListedPki } from './listed.ts';

export interface ListOptions {
  readonly now: Date;
  /** Milliseconds: what ends so soon is `ending`; where nothing is said what `render` would issue again. */
  readonly within?: number | undefined;
}

/**
 * Everything that the inventory names, as it lies under `pki/` just now. Nothing is issued, nothing is refused: what is
 * missing, damaged or expired is said in its place.
 * @param store with the overlay of a rotation, where there is one
 */
export function listPki(inventory: Inventory, store: PkiStore, { now, within }: ListOptions): ListedPki {
  const seen = inventory.authorities.flatMap((entry) => seenAuthorities(entry, store));
  const issuerOf = issuerNames(knownAuthorities(seen));
  const timeOf = (facts: CertificateFacts, usual: number) => lifeState(facts, now.getTime(), within ?? usual);
  const authorities = seen.map((authority): ListedCertificate => {
    const { entry, certificate, roles, path, hasKey, age } = authority;
    const common = { name: entry.name, kind: 'authority', node: undefined, authority: entry.name, age, roles } as const;
    const place = { path: `pki/${path}`, hasKey };
    if (typeof certificate === 'string') return { ...common, ...place, ...without(certificate) };
    const facts = factsOf(certificate, issuerOf(certificate));
    const time = timeOf(facts, usualWindow(facts.notAfter - facts.notBefore));
    return { ...common, ...place, state: time, time, problems: [], facts };
  });
  const leaves = inventory.leaves.map((entry): ListedCertificate => {
    const { authority, path } = entry;
    const issuer = seen.find((each) => each.entry.name === authority && each.roles.includes('issues'));
    const { facts, hasKey, problems } = readLeaf(entry, store, inventory, issuer, issuerOf, now);
    const common = {
      name: leafName(entry),
      kind: 'leaf',
      node: leafNode(entry),
      authority,
      age: undefined,
      roles: [],
      path: `pki/${path}.crt`,
      hasKey,
    } as const;
    if (!facts) return { ...common, ...without(problems[0] ?? '') };
    const time = timeOf(facts, usualWindow(inventory.certValidity));
    const isMisfit = problems.length > 0 && (time === 'ok' || time === 'ending');
    return { ...common, state: isMisfit ? 'misfit' : time, time, problems, facts };
  });
  return { certificates: [...authorities, ...leaves], serviceAccount: listKeys(store) };
}

/** Tells by whose key a certificate is signed that was found elsewhere. */
export function knownIssuers(inventory: Inventory, store: PkiStore): IssuerOf {
  return issuerNames(knownAuthorities(inventory.authorities.flatMap((entry) => seenAuthorities(entry, store))));
}

/** The CAs by which issuers are told; those of a rotation with their ages. */
function knownAuthorities(seen: readonly SeenAuthority[]): readonly KnownAuthority[] {
  return seen.flatMap(({ entry, age, certificate }) =>
    typeof certificate === 'string' ? [] : [{ name: entry.name, age, certificate }],
  );
}

const MISSING = 'is missing';

function without(why: string): Pick<ListedCertificate, 'state' | 'time' | 'problems' | 'facts'> {
  return { state: why === MISSING ? 'missing' : 'misfit', time: undefined, problems: [why], facts: undefined };
}

function readLeaf(
  entry: LeafEntry,
  store: PkiStore,
  { algorithm, certValidity }: Inventory,
  issuer: SeenAuthority | undefined,
  issuerOf: IssuerOf,
  now: Date,
): Pick<ListedCertificate, 'facts' | 'hasKey' | 'problems'> {
  const stored = store.read(`${entry.path}.crt`);
  const keyFile = store.read(`${entry.path}.key`);
  const hasKey = keyFile !== undefined;
  const certificate = stored ? readOr(() => readCertificate(stored.text)) : MISSING;
  const facts =
    typeof certificate === 'string' ? certificate : readOr(() => factsOf(certificate, issuerOf(certificate)));
  if (typeof certificate === 'string' || typeof facts === 'string') {
    return { facts: undefined, hasKey, problems: [String(typeof facts === 'string' ? facts : certificate)] };
  }
  const demands = { algorithm, certValidity, now, renewBefore: 0 };
  const wrong = typeof issuer?.certificate === 'object' ? misfits(certificate, entry, issuer.certificate, demands) : [];
  const key = keyFile && keyMisfit(certificate, new SecretPem(keyFile.text));
  return {
    facts,
    hasKey,
    problems: [
      // its time is told apart
      ...wrong
        .filter(({ kind }) => kind !== 'life')
        // both bear the same name
        .map(({ kind, text }) => (kind === 'issuer' && issuer?.age ? `was issued by the ${facts.issuer}` : text)),
      ...(hasKey ? (key ? [key.text] : []) : ['has no key beside it']),
    ],
  };
}

function listKeys(store: PkiStore): ListedKeys {
  const [key, accepted] = [store.read(SERVICE_ACCOUNT.key), store.read(SERVICE_ACCOUNT.publicKeys)];
  const algorithm = key && readOr(() => keyInWords(new SecretPem(key.text)));
  const keys = accepted ? readOr(() => publicKeys(accepted.text)) : [];
  return {
    path: `pki/${SERVICE_ACCOUNT.key}`,
    hasKey: key !== undefined,
    algorithm: typeof algorithm === 'object' ? algorithm.words : undefined,
    accepted: typeof keys === 'string' ? 0 : keys.length,
    problems: [
      ...(key ? [] : [MISSING]),
      ...(typeof algorithm === 'string' ? [algorithm] : []),
      ...(typeof keys === 'string' ? [`the public keys beside it: ${keys}`] : []),
    ],
  };
}

/** Not a bare string, which would be taken for the words of a failure. */
function keyInWords(key: SecretPem): { readonly words: string } {
  return { words: keyAlgorithm(privateKey(key)) };
}
