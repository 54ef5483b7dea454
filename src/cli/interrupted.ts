/** The user has pressed Ctrl-C: no fault of anybody's. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  /** What a shell takes for "ended by" the signal. */
  readonly status: number;
  readonly hint: string | undefined;

  /** @param status by default that of SIGINT */
  constructor(message: string, { status = 130, hint }: { readonly status?: number; readonly hint?: string } = {}) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}
