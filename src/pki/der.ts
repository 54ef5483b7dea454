import { PemError } from './pem-blocks.ts';

/**
 * Reads what is asked of a certificate straight from its DER; whatever is written goes through node-forge.
 *
 * Not with node's X509Certificate alone, for two reasons. It does not give raw names (which Go compares byte by byte),
 * key usage and key identifiers. And it takes OpenSSL 0.15 ms to load one, which for the 38 certificates of three
 * masters is more than all else that `render` does with them. What is read here is believed only once the signature
 * of the CA over these very bytes has been verified.
 */
export interface CertificateParts {
  /** What is signed, tag and length included, as is every element here. */
  readonly tbs: Buffer;
  readonly signatureAlgorithm: Buffer;
  readonly signature: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The value of each extension by its OID in DER (without tag and length), as hex: `551d0e` is subjectKeyIdentifier. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;

const SEQUENCE = 0x30;
const BIT_STRING = 0x03;

/** @throws PemError where it is not a certificate. */
export function certificateParts(certificate: Buffer): CertificateParts {
  const [tbs, outerAlgorithm, signature, ...more] = derElements(certificate);
  // What the signature does not cover must be in order to the last bit; what it covers is checked by it.
  const wrapped = certificate[0] === SEQUENCE && header(certificate, 0).end === certificate.length && !more.length;
  if (!wrapped || signature?.[0] !== BIT_STRING || derContent(signature)[0] !== 0) throw unreadable();
  const fields = tbs ? derElements(tbs) : [];
  // TBSCertificate, RFC 5280 section 4.1: [0] version, serial, algorithm, issuer, validity, subject, key, …, [3] extensions
  const [, signatureAlgorithm, issuer, validity, subject, publicKey] =
    fields[0]?.[0] === VERSION ? fields.slice(1) : fields;
  const [notBefore, notAfter] = validity ? derElements(validity) : [];
  const whole = tbs && signature && signatureAlgorithm && issuer && subject && publicKey && notBefore && notAfter;
  if (!whole || !outerAlgorithm?.equals(signatureAlgorithm)) throw unreadable();
  return {
    tbs,
    signatureAlgorithm,
    signature,
    issuer,
    subject,
    publicKey,
    notBefore: derTime(notBefore),
    notAfter: derTime(notAfter),
    extensions: extensions(fields.find((field) => field[0] === EXTENSIONS)),
  };
}

function unreadable(): PemError {
  return new PemError('holds a certificate that cannot be read');
}

function extensions(wrapped: Buffer | undefined): ReadonlyMap<string, Buffer> {
  const [list] = wrapped ? derElements(wrapped) : [];
  const found = new Map<string, Buffer>();
  for (const extension of list ? derElements(list) : []) {
    const parts = derElements(extension);
    const [id, value] = [parts[0], parts.at(-1)];
    if (id && value) found.set(derContent(id).toString('hex'), derContent(value));
  }
  return found;
}

/** RFC 5280 section 4.1.2.5: years in UTCTime are 1950 to 2049. */
function derTime(element: Buffer): number {
  const text = derContent(element).toString('latin1');
  const century = element[0] === UTC_TIME ? (text < '50' ? '20' : '19') : '';
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + text);
  if (!match || (element[0] !== UTC_TIME && element[0] !== GENERALIZED_TIME)) {
    throw new PemError('holds a certificate with a date that cannot be read');
  }
  const [year, month, date, hour, minute, second] = match.slice(1).map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, date, hour, minute, second);
}

/** The content of one DER element. @throws PemError where it is cut off. */
export function derContent(element: Buffer): Buffer {
  const { content, end } = header(element, 0);
  return element.subarray(content, end);
}

/** The elements inside a constructed one, each with tag and length. @throws PemError where one is cut off. */
export function derElements(element: Buffer): readonly Buffer[] {
  const inside = derContent(element);
  const elements: Buffer[] = [];
  for (let at = 0; at < inside.length; ) {
    const { end } = header(inside, at);
    elements.push(inside.subarray(at, end));
    at = end;
  }
  return elements;
}

function header(der: Buffer, at: number): { readonly content: number; readonly end: number } {
  const first = der[at + 1] ?? 0x80;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const content = at + 2 + lengthBytes;
  // 0x80 alone is the indefinite length of BER, which DER does not have.
  const broken = first === 0x80 || lengthBytes > 4 || content > der.length;
  const length = broken ? Number.NaN : lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
  const end = content + length;
  if (!(end <= der.length)) throw new PemError('holds a certificate or key that is cut off');
  return { content, end };
}
