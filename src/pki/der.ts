import { PemError } from './pem-blocks.ts';

/**
 * Reads the few parts of a certificate that node's X509Certificate does not give: raw names, key usage, key identifiers.
 * It only ever reads DER that OpenSSL has parsed already; whatever is written goes through node-forge.
 */
export interface CertificateParts {
  /** The names as they were encoded, tag and length included: Go compares issuer and subject byte by byte. */
  readonly issuer: Buffer;
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  /** The value of each extension by its OID in DER (without tag and length), as hex: `551d0e` is subjectKeyIdentifier. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

export function certificateParts(certificate: Buffer): CertificateParts {
  const [tbs] = derElements(certificate);
  const fields = tbs ? derElements(tbs) : [];
  // TBSCertificate, RFC 5280 section 4.1: [0] version, serial, algorithm, issuer, validity, subject, key, …, [3] extensions
  const offset = fields[0]?.[0] === VERSION ? 1 : 0;
  const [issuer, subject, publicKey] = [fields[offset + 2], fields[offset + 4], fields[offset + 5]];
  if (!issuer || !subject || !publicKey) throw new PemError('is not an X.509 certificate');
  const wrapped = fields.find((field) => field[0] === EXTENSIONS);
  const [list] = wrapped ? derElements(wrapped) : [];
  const extensions = new Map<string, Buffer>();
  for (const extension of list ? derElements(list) : []) {
    const parts = derElements(extension);
    const [id, value] = [parts[0], parts.at(-1)];
    if (id && value) extensions.set(derContent(id).toString('hex'), derContent(value));
  }
  return { issuer, subject, publicKey, extensions };
}

/** The content of one DER element. */
export function derContent(element: Buffer): Buffer {
  const { content, end } = header(element, 0);
  return element.subarray(content, end);
}

/** The elements inside a constructed one, each with tag and length. */
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
  const length =
    first < 0x80
      ? first
      : lengthBytes >= 1 && lengthBytes <= 4 && content <= der.length
        ? der.readUIntBE(at + 2, lengthBytes)
        : Number.NaN;
  const end = content + length;
  if (!(end <= der.length)) throw new PemError('is not valid DER');
  return { content, end };
}
