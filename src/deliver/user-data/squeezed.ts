import { gzipSync } from 'node:zlib';

/** Offset of the byte that names the operating system (RFC 1952 section 2.3), and its value for one that is not known. */
const SYSTEM_AT = 9;
const UNKNOWN = 255;

/**
 * zlib begins a block, with codes of its own, after 64 << memLevel symbols (deflate.c, deflateInit2_): text, DER and base64
 * behind one another want other codes each, but every block costs some. Which is best shows only when it is done.
 */
const MEM_LEVELS = [3, 4, 5, 6, 7, 8, 9] as const;

/** Compresses with gzip, as small as zlib can; the same bytes for the same zlib. */
export function squeezed(content: Buffer): Buffer {
  const all = MEM_LEVELS.map((memLevel) => gzipSync(content, { level: 9, memLevel }));
  const packed = all.reduce((best, next) => (next.length < best.length ? next : best));
  packed[SYSTEM_AT] = UNKNOWN;
  return packed;
}
