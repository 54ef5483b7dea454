import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { BootstrapError } from '../base/errors.ts';
import type { Pem, SecretPem } from '../base/pem.ts';
import { addressBytes, canonicalAddress } from './addresses.ts';
import type { Certificate } from './certificate.ts';
import { derContent, derElements } from './der.ts';
import { type Asn1, type Forge, loadForge } from './forge.ts';
import type { AuthorityEntry, LeafEntry, Subject } from './inventory.ts';
import { privateKey, signatureDigest } from './keys.ts';

/** What differs from one issuing to the next. */
export interface Issuing {
  /** 16 random bytes. */
  readonly serial: Buffer;
  readonly now: Date;
  /** Milliseconds from `now` to the end. */
  readonly validity: number;
}

/** An authority ready to sign. */
export interface Signer {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

/** How far back a certificate is dated, for nodes whose clocks are behind. */
const BACKDATED = 5 * 60_000;

/** RFC 5280 section 4.1.2.5: the last moment that a certificate can name. */
const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59);
const FIRST_GENERALIZED_TIME = Date.UTC(2050, 0, 1);

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  /** PKCS#9, RFC 2985 section 5.4.2. */
  extensionRequest: '1.2.840.113549.1.9.14',
} as const;

/** X.509 GeneralName tags. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** RSA carries NULL parameters, ECDSA none (RFC 4055 section 5, RFC 5758 section 3.2). */
const RSA_WITH_SHA256 = '1.2.840.113549.1.1.11';
const ECDSA_WITH = {
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
} as const;

/**
 * Signs a CA certificate with its own key, as kubeadm has it (no path length, no cRLSign, its common name as DNS name).
 * @throws PemError where the key cannot be read.
 */
export async function issueAuthority(entry: AuthorityEntry, key: SecretPem, issuing: Issuing): Promise<Pem> {
  const forge = await loadForge();
  const signer = privateKey(key);
  const publicKey = createPublicKey(signer);
  const subject = distinguishedName(forge, entry.subject);
  const extensions = [
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true, keyCertSign: true },
    { name: 'basicConstraints', critical: true, cA: true },
    { id: OID.subjectKeyIdentifier, value: keyIdentifier(forge, publicKey) },
    subjectAltName([entry.subject.commonName], []),
  ];
  return signed(forge, { issuer: subject, subject, publicKey, extensions, signer, issuing, notAfter: LAST_MOMENT });
}

/**
 * Signs a certificate for `key`. It never outlives its issuer.
 * @throws PemError where the key cannot be read; BootstrapError where a name or address cannot stand in a certificate.
 */
export async function issueLeaf(entry: LeafEntry, key: SecretPem, signer: Signer, issuing: Issuing): Promise<Pem> {
  const forge = await loadForge();
  const { certificate } = signer;
  const issuerKeyId = certificate.extensions.get('551d0e');
  const extensions = [
    ...leafUsage(entry),
    // Left out where the issuer has no identifier: OpenSSL refuses any other value than the issuer's own.
    ...(issuerKeyId
      ? [{ name: 'authorityKeyIdentifier', keyIdentifier: derContent(issuerKeyId).toString('latin1') }]
      : []),
    ...leafNames(entry),
  ];
  return signed(forge, {
    issuer: sameBytes(forge, certificate.subject),
    subject: distinguishedName(forge, entry.subject),
    publicKey: createPublicKey(privateKey(key)),
    extensions,
    signer: signer.key,
    issuing,
    notAfter: certificate.notAfter,
  });
}

/** What a leaf may be used for, as forge's extensions. */
function leafUsage({ usages }: LeafEntry): readonly object[] {
  return [
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', ...Object.fromEntries(usages.map((usage) => [usage, true])) },
    { name: 'basicConstraints', critical: true, cA: false },
  ];
}

function leafNames({ dnsNames, addresses }: LeafEntry): readonly object[] {
  return dnsNames.length + addresses.length ? [subjectAltName(dnsNames, addresses)] : [];
}

/**
 * A PKCS#10 request (RFC 2986) for a certificate as {@link issueLeaf} would issue it, signed with its own key.
 * @throws PemError where the key cannot be read; BootstrapError where a name or address cannot stand in a certificate
 */
export async function requestLeaf(entry: LeafEntry, key: SecretPem): Promise<Pem> {
  const forge = await loadForge();
  const { asn1 } = forge;
  const own = privateKey(key);
  const spki = createPublicKey(own).export({ type: 'spki', format: 'der' });
  const [extensions] = wrappedExtensions(forge, [...leafUsage(entry), ...leafNames(entry)]).value as Asn1[];
  if (!extensions) throw new BootstrapError('internal', 'a request without extensions');
  const extensionRequest = sequence(forge, [
    primitive(forge, asn1.Type.OID, asn1.oidToDer(OID.extensionRequest).getBytes()),
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [extensions]),
  ]);
  const info = sequence(forge, [
    primitive(forge, asn1.Type.INTEGER, '\0'),
    distinguishedName(forge, entry.subject),
    sameBytes(forge, spki),
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [extensionRequest]),
  ]);
  return signedPem(forge, 'CERTIFICATE REQUEST', info, own);
}

interface Contents {
  readonly issuer: Asn1;
  readonly subject: Asn1;
  readonly publicKey: KeyObject;
  readonly extensions: readonly object[];
  readonly signer: KeyObject;
  readonly issuing: Issuing;
  /** The latest end, milliseconds since 1970. */
  readonly notAfter: number;
}

function signed(forge: Forge, contents: Contents): Pem {
  const { asn1 } = forge;
  const { now, validity, serial } = contents.issuing;
  const spki = contents.publicKey.export({ type: 'spki', format: 'der' });
  const tbs = sequence(forge, [
    asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [primitive(forge, asn1.Type.INTEGER, '\x02')]),
    primitive(forge, asn1.Type.INTEGER, positive(serial)),
    signatureAlgorithm(forge, contents.signer),
    contents.issuer,
    sequence(forge, [
      time(forge, now.getTime() - BACKDATED),
      time(forge, Math.min(now.getTime() + validity, contents.notAfter, LAST_MOMENT)),
    ]),
    contents.subject,
    sameBytes(forge, spki),
    wrappedExtensions(forge, contents.extensions),
  ]);
  return signedPem(forge, 'CERTIFICATE', tbs, contents.signer);
}

/** `[3] EXPLICIT Extensions`, as a certificate holds them. */
function wrappedExtensions({ pki }: Forge, extensions: readonly object[]): Asn1 {
  const withExtensions = pki.createCertificate();
  withExtensions.setExtensions(extensions);
  return pki.certificateExtensionsToAsn1(withExtensions.extensions);
}

/** What certificates and requests have in common: content, algorithm and signature. */
function signedPem(forge: Forge, label: string, content: Asn1, signer: KeyObject): Pem {
  const { asn1 } = forge;
  const signature = sign(signingDigest(signer), Buffer.from(asn1.toDer(content).getBytes(), 'latin1'), signer);
  const whole = sequence(forge, [
    content,
    signatureAlgorithm(forge, signer),
    primitive(forge, asn1.Type.BITSTRING, `\0${signature.toString('latin1')}`),
  ]);
  const base64 = Buffer.from(asn1.toDer(whole).getBytes(), 'latin1').toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n` as Pem;
}

function signingDigest(signer: KeyObject): keyof typeof ECDSA_WITH {
  const digest = signatureDigest(signer);
  if (!digest) throw new BootstrapError('internal', 'a key that cannot sign was not refused in time');
  return digest;
}

/** Go refuses a negative serial, OpenSSL warns of a zero one: the first byte gets 0 and 1 as its highest bits. */
function positive(serial: Buffer): string {
  if (serial.length !== 16) throw new BootstrapError('internal', 'a serial number takes 16 random bytes');
  const bytes = Buffer.from(serial);
  bytes[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('latin1');
}

function signatureAlgorithm(forge: Forge, signer: KeyObject): Asn1 {
  const { asn1 } = forge;
  const rsa = signer.asymmetricKeyType === 'rsa';
  const oid = asn1.oidToDer(rsa ? RSA_WITH_SHA256 : ECDSA_WITH[signingDigest(signer)]).getBytes();
  return sequence(forge, [
    primitive(forge, asn1.Type.OID, oid),
    ...(rsa ? [primitive(forge, asn1.Type.NULL, '')] : []),
  ]);
}

/** RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050; whole seconds. */
function time(forge: Forge, moment: number): Asn1 {
  const { asn1 } = forge;
  const date = new Date(Math.floor(moment / 1000) * 1000);
  return moment < FIRST_GENERALIZED_TIME
    ? primitive(forge, asn1.Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(forge, asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

/** Organization first, as Go writes it. Always UTF8String: forge does not check what it writes into a PrintableString. */
function distinguishedName({ asn1, pki }: Forge, { commonName, organization }: Subject): Asn1 {
  const attribute = (type: string, value: string) => {
    const wellFormed = Buffer.from(value, 'utf8').toString('utf8') === value;
    if (!value || !wellFormed || /[\x00-\x1f\x7f]/.test(value)) {
      throw new BootstrapError('cluster-file', `${JSON.stringify(value)} cannot stand as a name in a certificate`);
    }
    return { type, value, valueTagClass: asn1.Type.UTF8 };
  };
  return pki.distinguishedNameToAsn1({
    attributes: [
      ...(organization === undefined ? [] : [attribute(OID.organization, organization)]),
      attribute(OID.commonName, commonName),
    ],
  });
}

function subjectAltName(dnsNames: readonly string[], addresses: readonly string[]): object {
  const unfit = dnsNames.find((name) => !/^[\x21-\x7e]+$/.test(name));
  if (unfit !== undefined) {
    throw new BootstrapError('cluster-file', `${JSON.stringify(unfit)} cannot stand as a DNS name in a certificate`);
  }
  // Forge's own reading of addresses wraps octets around and takes zones: it gets bytes only.
  const bytes = addresses.map((address) => {
    if (canonicalAddress(address) !== address) throw new BootstrapError('internal', `"${address}" is not canonical`);
    return addressBytes(address).toString('latin1');
  });
  const altNames = [
    ...dnsNames.map((value) => ({ type: DNS_NAME, value })),
    ...bytes.map((value) => ({ type: IP_ADDRESS, value })),
  ];
  return { name: 'subjectAltName', altNames };
}

/** RFC 7093 section 2 (1), as Go since 1.25: the first 160 bits of the SHA-256 of the public key's bits. */
function keyIdentifier(forge: Forge, publicKey: KeyObject): Asn1 {
  const bits = derElements(publicKey.export({ type: 'spki', format: 'der' }))[1];
  if (!bits) throw new BootstrapError('internal', 'a public key without bits');
  // The first byte of a BIT STRING counts the unused bits: it is not part of the key.
  const digest = createHash('sha256').update(derContent(bits).subarray(1)).digest().subarray(0, 20);
  return primitive(forge, forge.asn1.Type.OCTETSTRING, digest.toString('latin1'));
}

/** DER that is to be taken over as it is. @throws BootstrapError where forge would write it in another way. */
function sameBytes({ asn1 }: Forge, der: Buffer): Asn1 {
  const binary = der.toString('latin1');
  const parsed = asn1.fromDer(binary);
  if (asn1.toDer(parsed).getBytes() !== binary) {
    throw new BootstrapError('failed', 'the subject of a CA certificate is encoded in a way that cannot be copied');
  }
  return parsed;
}

function sequence({ asn1 }: Forge, elements: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, elements);
}

function primitive({ asn1 }: Forge, type: Parameters<typeof asn1.create>[1], value: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}
