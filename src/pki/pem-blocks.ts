/** What is wrong with the content of a PEM file, in words that follow the file's name. Never holds any of it. */
export class PemError extends Error {
  override readonly name = 'PemError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** One block of RFC 7468: `label` as in `BEGIN CERTIFICATE`, `pem` the block as it was written, with a final newline. */
export interface PemBlock {
  readonly label: string;
  readonly pem: string;
  readonly der: Buffer;
}

const begin = '-----BEGIN ';
const dashes = '-----';
const base64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

/**
 * The PEM blocks of a text, in their order; text between them is skipped, as Go and OpenSSL skip it.
 * @throws PemError where a block is cut off or is not base64.
 */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let start = text.indexOf(begin); start >= 0; ) {
    const labelEnd = text.indexOf(dashes, start + begin.length);
    const label = text.slice(start + begin.length, labelEnd);
    if (labelEnd < 0 || label.includes('\n')) throw new PemError('holds a broken BEGIN line');
    const ending = `${dashes}END ${label}${dashes}`;
    const bodyEnd = text.indexOf(ending, labelEnd);
    if (bodyEnd < 0) throw new PemError(`is cut off: the block "${label}" has no end`);
    const end = bodyEnd + ending.length;
    blocks.push({
      label,
      pem: `${text.slice(start, end)}\n`,
      der: decode(label, text.slice(labelEnd + dashes.length, bodyEnd)),
    });
    start = text.indexOf(begin, end);
  }
  return blocks;
}

function decode(label: string, body: string): Buffer {
  if (body.includes('Proc-Type: 4,ENCRYPTED')) throw encrypted();
  if (!base64.test(body)) throw new PemError(`is damaged: the block "${label}" is not base64`);
  return Buffer.from(body, 'base64');
}

/** Neither Kubernetes nor etcd can ask for a passphrase. */
export function encrypted(): PemError {
  return new PemError(
    'is encrypted with a passphrase, which no component could ask for',
    'decrypt it with: openssl pkey -in KEY -out KEY.plain',
  );
}

/** What `read` gives; where it meets damaged PEM, that goes to `report` and there is nothing. */
export function unlessDamaged<T>(read: () => T, report: (error: PemError) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    report(error);
    return undefined;
  }
}
