import { SecretText } from '../base/secret.ts';
import type { PkiFile } from './store.ts';
import type { StoredToken } from './stored.ts';

/** Bytes of a token: 256 bits, as of a key. */
const BYTES = 32;

/** Base64url without padding (RFC 4648, section 5): it goes into a header and into YAML as it is. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The token in a file, which ends with a line feed or not; undefined where it is damaged. */
export function readToken(text: string): SecretText | undefined {
  const token = text.replace(/\r?\n$/, '');
  return TOKEN.test(token) ? new SecretText(token) : undefined;
}

/** Tokens for the nodes that have none, by the paths of their files. */
export function newTokens(
  tokens: readonly StoredToken[],
  randomBytes: (size: number) => Buffer,
): ReadonlyMap<string, SecretText> {
  return new Map(
    tokens
      .filter(({ token }) => !token)
      .map(({ entry }) => [entry.path, new SecretText(randomBytes(BYTES).toString('base64url'))]),
  );
}

export function tokenFiles(made: ReadonlyMap<string, SecretText>): readonly PkiFile[] {
  return [...made].map(([path, token]) => ({ path, content: new SecretText(`${token.reveal()}\n`) }));
}

/** Node name → its token: the one that was there, or the new one. */
export function tokensByNode(
  tokens: readonly StoredToken[],
  made: ReadonlyMap<string, SecretText> = new Map(),
): ReadonlyMap<string, SecretText> {
  return new Map(
    tokens.flatMap(({ entry, token = made.get(entry.path) }) => (token ? [[entry.node, token] as const] : [])),
  );
}
