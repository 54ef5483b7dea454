import { verify } from 'node:crypto';
import type { SecretPem } from '../base/pem.ts';
import type { KeyAlgorithm } from '../spec/cluster.ts';
import { addressBytes } from './addresses.ts';
import { type Certificate, publicKeyOf, subjectText } from './certificate.ts';
import { derContent, derElements } from './der.ts';
import type { ExtendedUsage, LeafEntry, Subject } from './inventory.ts';
import { certificateAlgorithm, matchesCertificate } from './keys.ts';
import { PemError } from './pem-blocks.ts';

/** One way in which a certificate is not what the cluster needs. */
export interface Misfit {
  readonly kind: 'subject' | 'names' | 'issuer' | 'algorithm' | 'usage' | 'key' | 'life' | 'unreadable';
  /** In words that follow the certificate's name: `lacks the DNS name api.example.com`. */
  readonly text: string;
  /** It would not work as it is; otherwise it merely should be issued again. */
  readonly harmful: boolean;
}

/** What is asked of a certificate beyond its inventory entry. */
export interface Demands {
  readonly algorithm: KeyAlgorithm;
  readonly now: Date;
  /** Milliseconds of life that must be left. Where certificates are not even valid that long, a third of their life. */
  readonly renewBefore: number;
  /** Milliseconds for which certificates are issued. */
  readonly certValidity: number;
}

const DAY = 86_400_000;
/** A certificate that ends with its CA cannot last longer; this absorbs the rounding to whole seconds. */
const TOLERANCE = 60_000;

/** OIDs of extensions, usages and attributes in DER, as hex (RFC 5280 sections 4.2 and 4.1.2.4). */
const SUBJECT_KEY_ID = '551d0e';
const KEY_USAGE = '551d0f';
const SUBJECT_ALT_NAME = '551d11';
const BASIC_CONSTRAINTS = '551d13';
const AUTHORITY_KEY_ID = '551d23';
const EXTENDED_KEY_USAGE = '551d25';
const USAGES: Readonly<Record<ExtendedUsage, string>> = {
  serverAuth: '2b06010505070301',
  clientAuth: '2b06010505070302',
};
const COMMON_NAME = '550403';
const ORGANIZATION = '55040a';

/** BIT STRING digitalSignature, keyEncipherment. */
const LEAF_KEY_USAGE = '030205a0';
/** An empty SEQUENCE: `cA` is FALSE by default. */
const NOT_A_CA = '3000';

/** AlgorithmIdentifiers in DER, as hex: those that this program signs with. */
const SIGNATURE_DIGESTS: Readonly<Record<string, string>> = {
  '300d06092a864886f70d01010b0500': 'sha256',
  '300a06082a8648ce3d040302': 'sha256',
  '300a06082a8648ce3d040303': 'sha384',
  '300a06082a8648ce3d040304': 'sha512',
};

/** Tag of the key identifier in an authorityKeyIdentifier. */
const KEY_IDENTIFIER = 0x80;
/** GeneralName tags, context-specific. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

/** Everything that is wrong with a certificate on disk; nothing where it fits. Its key is another matter. */
export function misfits(leaf: Certificate, entry: LeafEntry, issuer: Certificate, demands: Demands): readonly Misfit[] {
  try {
    const foreign = issuerMisfit(leaf, issuer);
    // Nothing else that it says is to be believed then.
    if (foreign) return [foreign];
    const found: (Misfit | undefined)[] = [
      subjectMisfit(leaf, entry.subject),
      ...nameMisfits(leaf, entry),
      algorithmMisfit(leaf, demands.algorithm),
      ...usageMisfits(leaf, entry.usages),
      lifeMisfit(leaf, issuer, demands),
    ];
    return found.filter((misfit) => misfit !== undefined);
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    return [harmful('unreadable', error.message)];
  }
}

/** What is wrong between a certificate and the key beside it. */
export function keyMisfit(leaf: Certificate, key: SecretPem): Misfit | undefined {
  try {
    return matchesCertificate(leaf, key) ? undefined : harmful('key', 'does not belong to the key beside it');
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    return harmful('key', `has a key file beside it that ${error.message}`);
  }
}

function issuerMisfit(leaf: Certificate, issuer: Certificate): Misfit | undefined {
  // OpenSSL compares names regardless of case and string type, Go compares their bytes.
  if (!leaf.issuer.equals(issuer.subject) || namesAnotherKey(leaf, issuer)) {
    return harmful('issuer', `was issued by another CA than ${subjectText(issuer)}`);
  }
  return isSignedBy(leaf, issuer) ? undefined : harmful('issuer', 'has a signature that is not its CA’s');
}

/** Go does not look at key identifiers; OpenSSL refuses a leaf whose authorityKeyIdentifier is not the CA's own. */
function namesAnotherKey(leaf: Certificate, issuer: Certificate): boolean {
  const [wanted, own] = [leaf.extensions.get(AUTHORITY_KEY_ID), issuer.extensions.get(SUBJECT_KEY_ID)];
  const named = wanted && derElements(wanted).find((field) => field[0] === KEY_IDENTIFIER);
  return own !== undefined && named !== undefined && !derContent(named).equals(derContent(own));
}

function isSignedBy(leaf: Certificate, issuer: Certificate): boolean {
  const publicKey = publicKeyOf(issuer);
  const digest = SIGNATURE_DIGESTS[leaf.signatureAlgorithm.toString('hex')];
  // The first byte of a BIT STRING counts the unused bits.
  if (digest && verify(digest, leaf.tbs, publicKey, derContent(leaf.signature).subarray(1))) return true;
  return leaf.x509().verify(publicKey);
}

function subjectMisfit(leaf: Certificate, wanted: Subject): Misfit | undefined {
  const expected = [
    ...(wanted.organization === undefined ? [] : [`${ORGANIZATION}=${wanted.organization}`]),
    `${COMMON_NAME}=${wanted.commonName}`,
  ];
  // RDNSequence: a SEQUENCE of SETs of SEQUENCEs of type and value
  const actual = derElements(leaf.subject).map((set) =>
    derElements(set)
      .map((attribute) => derElements(attribute).map(derContent))
      .map(([type, value]) => `${type?.toString('hex')}=${value?.toString('utf8')}`)
      .join(),
  );
  if (JSON.stringify(actual) === JSON.stringify(expected)) return undefined;
  const text = [wanted.organization && `O=${wanted.organization}`, `CN=${wanted.commonName}`]
    .filter(Boolean)
    .join(', ');
  return harmful('subject', `names ${subjectText(leaf)} instead of ${text}`);
}

function nameMisfits(leaf: Certificate, entry: LeafEntry): readonly Misfit[] {
  const wanted = new Map<string, string>();
  for (const name of entry.dnsNames) wanted.set(`DNS:${name}`, `the DNS name ${name}`);
  for (const address of entry.addresses)
    wanted.set(`IP:${addressBytes(address).toString('hex')}`, `the address ${address}`);
  const extension = leaf.extensions.get(SUBJECT_ALT_NAME);
  const extra: string[] = [];
  for (const name of extension ? derElements(extension) : []) {
    if (!wanted.delete(alternativeName(name))) extra.push(describeName(name));
  }
  const missing = [...wanted.values()];
  return [
    ...(missing.length ? [harmful('names', `lacks ${missing.join(', ')}`)] : []),
    ...(extra.length ? [harmless('names', `still holds ${extra.join(', ')}`)] : []),
  ];
}

function alternativeName(name: Buffer): string {
  const content = derContent(name);
  if (name[0] === DNS_NAME) return `DNS:${content.toString('latin1')}`;
  return name[0] === IP_ADDRESS ? `IP:${content.toString('hex')}` : 'other';
}

function describeName(name: Buffer): string {
  const content = derContent(name);
  if (name[0] === DNS_NAME) return `the DNS name ${JSON.stringify(content.toString('latin1')).slice(1, -1)}`;
  if (name[0] !== IP_ADDRESS) return 'a name of another kind';
  const groups = content.toString('hex').match(/.{4}/g) ?? [];
  return `the address ${content.length === 4 ? [...content].join('.') : groups.join(':')}`;
}

function algorithmMisfit(leaf: Certificate, wanted: KeyAlgorithm): Misfit | undefined {
  const actual = certificateAlgorithm(leaf);
  return actual === wanted ? undefined : harmless('algorithm', `has a key of the kind ${actual} instead of ${wanted}`);
}

function usageMisfits({ extensions }: Certificate, wanted: readonly ExtendedUsage[]): readonly Misfit[] {
  const found: Misfit[] = [];
  const hex = (oid: string) => extensions.get(oid)?.toString('hex');
  if (hex(KEY_USAGE) !== LEAF_KEY_USAGE || hex(BASIC_CONSTRAINTS) !== NOT_A_CA) {
    found.push(harmless('usage', 'has another key usage than digital signature and key encipherment'));
  }
  const extended = extensions.get(EXTENDED_KEY_USAGE);
  const actual = new Set((extended ? derElements(extended) : []).map((oid) => derContent(oid).toString('hex')));
  const missing = wanted.filter((usage) => !actual.delete(USAGES[usage]));
  if (missing.length) found.push(harmful('usage', `is not meant for ${missing.join(' and ')}`));
  if (actual.size) found.push(harmless('usage', 'is meant for more than it is used for'));
  return found;
}

function lifeMisfit({ notBefore, notAfter }: Certificate, issuer: Certificate, demands: Demands): Misfit | undefined {
  const { renewBefore, certValidity } = demands;
  const now = demands.now.getTime();
  if (notBefore > now) return harmful('life', `is not valid before ${new Date(notBefore).toISOString()}`);
  if (notAfter <= now) return harmful('life', `has expired on ${day(notAfter)}`);
  const window = renewBefore < certValidity ? renewBefore : certValidity / 3;
  if (notAfter >= now + window || endsWithIssuer({ notAfter }, issuer)) return undefined;
  return harmless('life', `expires on ${day(notAfter)}, in ${days(notAfter - now)}`);
}

/** Issued again it would end no later. */
export function endsWithIssuer(
  { notAfter }: Pick<Certificate, 'notAfter'>,
  issuer: Pick<Certificate, 'notAfter'>,
): boolean {
  return notAfter >= issuer.notAfter - TOLERANCE;
}

/** `12 days`; whole days, rounded down. */
export function days(milliseconds: number): string {
  const count = Math.floor(milliseconds / DAY);
  return count < 1 ? 'less than a day' : count === 1 ? '1 day' : `${count} days`;
}

/** `2026-11-23` (UTC). */
export function day(moment: number): string {
  return new Date(moment).toISOString().slice(0, 10);
}

function harmful(kind: Misfit['kind'], text: string): Misfit {
  return { kind, text, harmful: true };
}

function harmless(kind: Misfit['kind'], text: string): Misfit {
  return { kind, text, harmful: false };
}
