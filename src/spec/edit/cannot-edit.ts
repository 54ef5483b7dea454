/** Thrown where YAML is written in a way that cannot be changed without touching more than was asked for. */
export class CannotEdit extends Error {
  override readonly name = 'CannotEdit';
  /** Where in the text that is, if anywhere. */
  readonly offset: number | undefined;

  /** @param why as the end of a sentence: `an alias stands there` */
  constructor(why: string, offset?: number) {
    super(why);
    this.offset = offset;
  }
}
