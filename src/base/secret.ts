import { inspect } from 'node:util';

/** A text that prints as `[secret]` everywhere; only `reveal()` gives it. */
export abstract class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself, to be handed to whom it is meant for and nobody else. */
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

/** A secret that is a line of text: a token. */
export class SecretText extends Secret {
  declare readonly kind: 'text';
}
