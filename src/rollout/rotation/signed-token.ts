import { createHash, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import type { Pem } from '../../base/pem.ts';
import { publicKeys } from '../../pki/keys.ts';
import type { Json } from '../../spec/tree.ts';
import { textAt } from './object-text.ts';

/** A service-account token. It prints as `[secret]` everywhere; only `reveal()` gives the text. */
export class SecretToken {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** To be sent to an apiserver and nowhere else. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** By what a token names the key that signed it: base64url of the SHA-256 of its DER (pkg/serviceaccount/jwt.go). */
export function keyIdOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

/** Those of all public keys of a PEM text. @throws PemError where it holds something else */
export function keyIdsOf(pem: Pem): ReadonlySet<string> {
  return new Set(publicKeys(pem).map(keyIdOf));
}

/** The id of the key that signed a token; undefined where it names none. */
export function signedWith(token: SecretToken): string | undefined {
  const [header = ''] = token.reveal().split('.');
  try {
    return textAt(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as Json, 'kid') || undefined;
  } catch {
    return undefined;
  }
}
