import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BootstrapError } from '../../../base/errors.ts';
import { apply } from '../../commands/apply.ts';
import { loadChecked } from '../../load.ts';
import { produce } from '../../produce.ts';
import { sameCluster } from '../../same-cluster.ts';
import { withLock } from '../../with-lock.ts';
import type { ReadyChange } from './change.ts';
import type { How } from './file-only.ts';

/**
 * Goes on as `apply` does, for the nodes that the change concerns. The cluster file is written when the user has said yes;
 * until then everything is as it was, and afterwards it stays, as the nodes may have it by then.
 */
export async function applyChange(how: How, change: ReadyChange): Promise<number> {
  const { io, space, options, current } = how;
  io.note(`${current.shown}: ${change.said}`);
  const { edit, isWritten } = change;
  try {
    const status = await apply({ ...options, node: change.nodes ?? [], edit });
    if (status === 0) await tidied(how, change);
    return status;
  } catch (error) {
    if (isWritten()) {
      const within = sameCluster(space);
      io.progress('');
      const undo = change.undo === undefined ? '' : `;\n  \`${change.undo}${within}\` takes it back`;
      io.note(`${current.shown} stays changed: \`bootstrap apply${within}\` goes on from here${undo}`);
      throw error;
    }
    if (change.hasText) await renderAgain(how);
    throw error instanceof BootstrapError ? withoutApply(error) : error;
  }
}

/** What is left over by then harms nobody, so the command has gone well all the same. */
async function tidied({ io }: How, { afterApply, leftBehind }: ReadyChange): Promise<void> {
  try {
    await afterApply?.();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    io.err(`${io.color.yellow('warning:')} ${leftBehind ?? 'something is left behind'}: ${why}`);
  }
}

/** What was rendered for the plan is made again from the cluster file that there is. */
async function renderAgain({ io, space, options }: How): Promise<void> {
  if (!existsSync(join(space.dir, 'nodes'))) return;
  try {
    const loaded = await loadChecked(space, options);
    const settings = { renewBefore: undefined, dryRun: false, founding: false };
    await withLock(space.dir, 'bootstrap render', io, () => produce(space, loaded, settings));
  } catch {
    // another command is at work there, or what has stopped `apply` stops this too: the next render mends it
  }
}

/** Before a first boot no single node can be brought up: then only the file can be changed. */
function withoutApply(error: BootstrapError): BootstrapError {
  if (error.code !== 'usage' || error.hint !== 'leave --node out') return error;
  return new BootstrapError(error.code, error.message, {
    hint: '--no-apply changes the cluster file alone; then run `bootstrap apply`',
    cause: error,
  });
}
