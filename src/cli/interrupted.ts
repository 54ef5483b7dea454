/** The user has pressed Ctrl-C at a question: no fault of anybody's, and nothing has been done. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
