import { createHash } from 'node:crypto';
import type { Bundle, BundleFile } from '../../bundle/bundle.ts';
import { checkLine, effectWord, inPlacingOrder } from '../../bundle/revision-index.ts';
import { squeezed } from './squeezed.ts';

/** What one machine gets, as one file that a POSIX shell with coreutils can take apart (templates/user-data/install.sh). */
export interface Payload {
  readonly content: Buffer;
  /** Hex, over the list and then the contents of all files in its order: what must be there once it is taken apart. */
  readonly sha256: string;
}

/**
 * Packs the files of a bundle. In front is a list: a line for each directory (`d`, mode, owner, path) and each file (`f`,
 * mode, owner, kind of effect, path), in the order in which they are put in place, after each file the segments that it
 * consists of, `end`. Then come the bytes of all segments, one after the other. All of it is compressed. A segment is
 * `text`; or `pem`, a PEM block that stands there as its DER; or `data`, the base64 of such a block, as kubeconfigs hold it.
 * DER takes three quarters of PEM, and only there do equal names, keys and extensions of two certificates look alike to
 * gzip, which sees bytes: base64 moves them by six bits.
 * @throws BootstrapError `refused` for a path that no line of the list can hold
 */
export function packPayload(bundle: Bundle): Payload {
  const files = inPlacingOrder(bundle.files).map((file) => ({ file, segments: segmentsOf(file.content) }));
  const directories = bundle.directories.map(({ path, mode, owner }) => ['d', mode.toString(8), owner, path]);
  for (const line of [...directories, ...bundle.files.map(fileLine)]) checkLine(bundle.node, line);
  const list = [
    ...directories,
    ...files.flatMap(({ file, segments }) => [fileLine(file), ...segments.map(segmentLine)]),
    ['end'],
  ];
  const head = Buffer.from(list.map((line) => `${line.join('\t')}\n`).join(''));
  const bytes = files.flatMap(({ segments }) => segments.map((segment) => segment.bytes));
  const hash = createHash('sha256').update(head);
  for (const { file } of files) hash.update(file.content);
  return { content: squeezed(Buffer.concat([head, ...bytes])), sha256: hash.digest('hex') };
}

function fileLine({ path, mode, owner, effect }: BundleFile): readonly string[] {
  return ['f', mode.toString(8), owner, effectWord(effect), path];
}

interface Segment {
  readonly kind: 'text' | 'pem' | 'data';
  readonly label: string;
  readonly bytes: Buffer;
}

function segmentLine({ kind, label, bytes }: Segment): readonly string[] {
  return [kind, String(bytes.length), ...(kind === 'text' ? [] : [label])];
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\n(?:[A-Za-z0-9+/=]+\n)+-----END \1-----\n/;
/** A PEM block, or the base64 of something as long as one. */
const CANDIDATES = new RegExp(`${BLOCK.source}|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{120,}={0,2}(?![A-Za-z0-9+/=])`, 'g');

/** Only what comes back as the very same bytes is taken for what it looks like. */
function segmentsOf(content: Buffer): readonly Segment[] {
  // one character a byte, whatever is in it
  const text = content.toString('latin1');
  const segments: Segment[] = [];
  let end = 0;
  for (const match of text.matchAll(CANDIDATES)) {
    const segment = readPem('pem', match[0]) ?? readPem('data', Buffer.from(match[0], 'base64').toString('latin1'));
    if (!segment || restored(segment) !== match[0]) continue;
    segments.push(...plain(text.slice(end, match.index)), segment);
    end = match.index + match[0].length;
  }
  return [...segments, ...plain(text.slice(end))];
}

function plain(text: string): readonly Segment[] {
  return text === '' ? [] : [{ kind: 'text', label: '', bytes: Buffer.from(text, 'latin1') }];
}

function readPem(kind: 'pem' | 'data', text: string): Segment | undefined {
  const match = BLOCK.exec(text);
  if (!match || match[0] !== text) return undefined;
  const lines = text.trimEnd().split('\n').slice(1, -1);
  return { kind, label: match[1] ?? '', bytes: Buffer.from(lines.join(''), 'base64') };
}

/** As the node does it: lines of 64 characters (RFC 7468 section 2). */
function restored({ kind, label, bytes }: Segment): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  const pem = [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
  return kind === 'data' ? Buffer.from(pem, 'latin1').toString('base64') : pem;
}
