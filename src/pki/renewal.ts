import type { Certificate } from './certificate.ts';
import { endsWithIssuer } from './fit.ts';
import type { LeafEntry } from './inventory.ts';

/** Which certificates are issued again although they still fit. */
export interface Renewal {
  /** Their paths under `pki/`, without ending. */
  readonly paths: ReadonlySet<string>;
  /** They were asked for by name: where the key of their CA is kept elsewhere, that is an error. */
  readonly named: boolean;
  /** Only those that end within so many milliseconds. */
  readonly within: number | undefined;
  /** A new certificate for the key that is there, where that is of the right kind. */
  readonly keepKeys: boolean;
}

/** One that is not there is issued anyway; and one that ends with its CA would end no later if it were issued again. */
export function isDue(
  { paths, within }: Renewal,
  { entry, certificate }: { readonly entry: LeafEntry; readonly certificate: Certificate | undefined },
  issuer: Certificate,
  now: Date,
): boolean {
  if (!certificate || !paths.has(entry.path)) return false;
  if (within === undefined) return true;
  return certificate.notAfter < now.getTime() + within && !endsWithIssuer(certificate, issuer);
}
