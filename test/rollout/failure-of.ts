import { BootstrapError } from '../../src/base/errors.ts';

/** What the work fails with. @throws Error where it does not, or with something that is not meant for the user */
export async function failureOf(work: Promise<unknown>): Promise<BootstrapError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BootstrapError)) throw new Error(`no failure but ${String(error)}`);
  return error;
}
