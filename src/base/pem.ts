import { inspect } from 'node:util';

/** A public PEM block or several: certificates, public keys. */
export type Pem = string & { readonly __brand: 'Pem' };

/** A private PEM block. It prints as `[secret]` everywhere; only `reveal()` gives the text. */
export class SecretPem {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The PEM text itself, to be written into a 0600 file and nowhere else. */
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
