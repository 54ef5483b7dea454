import type * as forge from 'node-forge';

export type Asn1 = forge.asn1.Asn1;

/** The parts of node-forge that are used: an ASN.1 writer and its helpers for names and extensions. */
export interface Forge {
  readonly asn1: typeof forge.asn1;
  readonly pki: ForgePki;
}

/** `@types/node-forge` knows the package as a whole only, and not all of its functions. */
interface ForgePki {
  distinguishedNameToAsn1(name: { readonly attributes: readonly NameAttribute[] }): Asn1;
  certificateExtensionsToAsn1(extensions: readonly object[]): Asn1;
  createCertificate(): { setExtensions(extensions: readonly object[]): void; readonly extensions: readonly object[] };
}

interface NameAttribute {
  readonly type: string;
  readonly value: string;
  readonly valueTagClass: forge.asn1.Type;
}

let loaded: Promise<Forge> | undefined;

/** Loads it on first use: that takes about 20 ms, and most commands issue nothing. */
export function loadForge(): Promise<Forge> {
  loaded ??= import('./forge-library.ts');
  return loaded;
}
