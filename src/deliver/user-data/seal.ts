import { createCipheriv, createHash, hkdfSync, pbkdf2Sync } from 'node:crypto';
import { BootstrapError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import type { Sealed } from './machine.ts';

/** What `openssl enc -pbkdf2` takes where nothing is said (OpenSSL apps/enc.c): rounds, and bytes of salt, key and IV. */
const ROUNDS = 10_000;
const SALT = 8;
const KEY = 32;
const IV = 16;

/** Opens a sealed payload: one line of base64url, 256 bits. */
class SealKey extends Secret {
  declare readonly kind: 'seal';
}

/**
 * Encrypts what a machine will fetch, so that there `openssl enc -d -aes-256-cbc -pbkdf2 -md sha256 -pass file:KEY` undoes it
 * (1.1.1 and later; it has no authenticated mode, so the machine compares the SHA-256 before it decrypts).
 *
 * The same payload gives the same bytes, since user-data that changes by itself would have Terraform replace the machine:
 * key and salt are derived from the payload (RFC 5869). Such convergent encryption is weak where a payload can be guessed, for
 * whoever guesses it can check that. Here nobody can: a node's payload holds private keys, of 128 bits and more each, that
 * are nowhere else but with those who may know all of it. What it does not hide is that two payloads are equal, and how long
 * they are; and who once had the key can open the file again until something in the payload changes.
 */
export function seal(payload: Buffer): Sealed {
  const derived = (label: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', payload, '', `bootstrap user-data ${label}`, length));
  const key = derived('key', KEY).toString('base64url');
  const salt = derived('salt', SALT);
  const stretched = pbkdf2Sync(key, salt, ROUNDS, KEY + IV, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', stretched.subarray(0, KEY), stretched.subarray(KEY));
  const content = Buffer.concat([Buffer.from('Salted__'), salt, cipher.update(payload), cipher.final()]);
  return { content, sha256: createHash('sha256').update(content).digest('hex'), key: new SealKey(key) };
}

/** The file to be uploaded. Named after its content: an old one is never taken for it, and may stay where it is. */
export function sealedName(node: string, { sha256 }: Sealed): string {
  return `${node}-${sha256.slice(0, 16)}.bundle`;
}

const NODE = '{node}';
const FILE = '{file}';

/**
 * Checks what `--url` says, before anything is made with it.
 * @param nodes those that are to get user-data
 * @throws BootstrapError `usage` where it is no address, or the same one for several nodes
 */
export function checkUrl(template: string, nodes: readonly string[]): void {
  for (const node of nodes) urlFor(template, node, 'name');
  if (nodes.length < 2 || template.endsWith('/') || template.includes(NODE) || template.includes(FILE)) return;
  throw new BootstrapError('usage', `--url: this is one address, and the files are those of ${nodes.join(', ')}`, {
    hint: `end it with / for a file's name to follow, put ${NODE} or ${FILE} into it, or give one node at a time by --node`,
  });
}

/**
 * Where a machine fetches its file from: `{node}` and `{file}` are replaced wherever they stand, the file's name is put
 * behind a final `/`, and everything else is taken as it is, for the signature of a presigned address covers it.
 *
 * `http` is as good as `https` here: what is fetched is encrypted, and the user-data says what its SHA-256 is. Who listens
 * learns which machine fetches when, who interferes can do no more than keep it waiting.
 * @throws BootstrapError `usage`; the message holds nothing of a query, which may be a signature
 */
export function urlFor(template: string, node: string, name: string): string {
  const filled = template.replaceAll(NODE, node).replaceAll(FILE, name);
  const url = template.endsWith('/') && !template.includes(FILE) ? filled + name : filled;
  const fault = urlFault(url);
  if (fault) throw new BootstrapError('usage', `--url: ${fault.message}`, fault.hint ? { hint: fault.hint } : {});
  return url;
}

interface UrlFault {
  readonly message: string;
  readonly hint?: string;
}

/** Kept to what RFC 3986 has in an address, so that neither curl nor its configuration file can read anything else. */
function urlFault(url: string): UrlFault | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (!/^https?:\/\/[^/?#]/i.test(url)) return notFetchable(scheme);
  const foreign = /[^\w\-.~:/?#[\]@!$&'()*+,;=%]/u.exec(url);
  if (foreign) {
    const [char] = foreign;
    const placeholder = /^\{[^{}/?&=]*\}/.exec(url.slice(foreign.index));
    if (placeholder) return { message: `${placeholder[0]} is neither ${NODE} nor ${FILE}` };
    return { message: `${JSON.stringify(char)} cannot be in an address`, hint: `write it as ${percent(char)}` };
  }
  if (/^[^/]*\/\/[^/?#]*@/.test(url))
    return {
      message: 'there is a user name or password in the address',
      hint: 'whoever can read the user-data could use it elsewhere too; what is fetched is encrypted and may lie open, or presign the address',
    };
  if (url.includes('#')) return { message: 'a # ends an address', hint: 'write it as %23 where it belongs to a name' };
  if (!URL.canParse(url)) return { message: 'this is no address: its host or port is wrong' };
  return undefined;
}

function notFetchable(scheme: string | undefined): UrlFault {
  if (scheme === 'http' || scheme === 'https') return { message: `there is no host behind ${scheme}://` };
  const hint = `use https://…; ${
    scheme === 'file'
      ? 'what is on the machine already needs no fetching'
      : 'a bucket gives one if the object is public (it is encrypted) or its address presigned'
  }`;
  return { message: scheme ? `a machine that comes up cannot fetch from ${scheme}:` : 'this is no address', hint };
}

function percent(char: string): string {
  return [...Buffer.from(char)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
