import { BootstrapError } from '../../base/errors.ts';
import { Interrupted } from '../interrupted.ts';
import type { Io } from '../io.ts';

/**
 * Asks before something is changed on live machines; `--yes` answers it beforehand.
 * @throws Interrupted where the answer is no; BootstrapError `usage` where nobody can be asked
 */
export async function confirm(io: Io, question: string, yes: boolean | undefined): Promise<void> {
  if (yes) return;
  refuseUnasked(io, yes);
  const { confirm: ask, isCancel } = await import('@clack/prompts');
  const answer = await ask({ message: question, initialValue: false, output: process.stderr });
  if (isCancel(answer) || !answer) throw new Interrupted('Nothing was changed.');
}

/**
 * The same before a long wait that a question nobody can answer would follow.
 * @param other what the user may do instead of saying yes
 * @throws BootstrapError `usage`
 */
export function refuseUnasked(io: Io, yes: boolean | undefined, other?: string): void {
  if (yes || io.interactive) return;
  throw new BootstrapError('usage', 'nobody can be asked whether this shall be done: stdin or stderr is no terminal', {
    hint: `look at what it does with --dry-run, then add --yes${other === undefined ? '' : `, ${other}`}`,
  });
}
