import { type Fault, warningAt } from '../base/fault.ts';
import type { LeafVerdict } from './assess.ts';
import { publicKeyOf } from './certificate.ts';
import { day, days } from './fit.ts';
import type { Inventory } from './inventory.ts';
import { keyAlgorithm } from './keys.ts';
import type { PkiStore } from './store.ts';
import { SERVICE_ACCOUNT, type Stored, type StoredAuthority } from './stored.ts';

const MONTH = 30 * 86_400_000;

/** What the user should know although nothing is done about it: CAs and the service-account key are never replaced. */
export function advice(
  inventory: Inventory,
  stored: Stored,
  verdicts: readonly LeafVerdict[],
  now: Date,
  store: PkiStore,
): readonly Fault[] {
  const authorities = [...stored.authorities.values()].flatMap((authority) =>
    authorityAdvice(authority, inventory, verdicts, now, store),
  );
  const { algorithm } = stored.serviceAccount;
  if (algorithm === undefined || algorithm === inventory.serviceAccountAlgorithm) return authorities;
  const file = store.shown(SERVICE_ACCOUNT.key);
  const text = `${file}: stays ${algorithm}, though spec.pki.serviceAccountAlgorithm says ${inventory.serviceAccountAlgorithm}`;
  return [...authorities, warningAt(undefined, text, `say ${algorithm} there, or rotate the key`)];
}

function authorityAdvice(
  { entry, certificate }: StoredAuthority,
  inventory: Inventory,
  verdicts: readonly LeafVerdict[],
  now: Date,
  store: PkiStore,
): readonly Fault[] {
  if (!certificate) return [];
  const out: Fault[] = [];
  const file = store.shown(`${entry.path}.crt`);
  const left = certificate.notAfter - now.getTime();
  // Less than what a certificate should last, and the last third of its own life or its last month; but not at once
  // where certificates are meant to last as long as their CA.
  const lastPart = Math.max((certificate.notAfter - certificate.notBefore) / 3, MONTH);
  if (left < Math.min(inventory.certValidity * 0.9, lastPart)) {
    const end = `the CA ends on ${day(certificate.notAfter)}, in ${days(left)}`;
    out.push(warningAt(undefined, `${file}: ${end}; what it signs ends with it`));
  }
  // An imported CA may well be of another kind than the leaves; it is news only when the user changes the algorithm.
  const changing = verdicts.some(
    (verdict) =>
      verdict.kind === 'issued' &&
      verdict.entry.authority === entry.name &&
      verdict.reasons.some((reason) => reason.kind === 'algorithm'),
  );
  const kind = keyAlgorithm(publicKeyOf(certificate));
  if (changing && kind !== inventory.algorithm) {
    const text = `the CA's own key stays ${kind}, though spec.pki.algorithm says ${inventory.algorithm}`;
    out.push(warningAt(undefined, `${file}: ${text}`));
  }
  return out;
}
