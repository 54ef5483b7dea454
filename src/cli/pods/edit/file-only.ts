import type { Fault } from '../../../base/fault.ts';
import { shellQuoted } from '../../../base/posix-quote.ts';
import { loadUnifiedDiff } from '../../../base/unified-diff.ts';
import { plan } from '../../commands/plan.ts';
import { paintedDiff } from '../../diff-text.ts';
import { printResult } from '../../format.ts';
import type { Io } from '../../io.ts';
import { printable } from '../../printable.ts';
import { reportFaults } from '../../report.ts';
import { sameCluster } from '../../same-cluster.ts';
import { withLock } from '../../with-lock.ts';
import type { Workspace } from '../../workspace.ts';
import type { ReadyChange } from './change.ts';
import type { CurrentFile } from './current-file.ts';
import type { PodsChangeOptions } from './options.ts';

/** Where and how a change is made. */
export interface How {
  readonly io: Io;
  readonly space: Workspace;
  readonly options: PodsChangeOptions;
  readonly current: CurrentFile;
}

/** `--no-apply`: the cluster file, and what is next. */
export async function writeOnly(
  { io, space, options, current }: How,
  change: ReadyChange,
  name: string,
  warnings: readonly Fault[],
): Promise<number> {
  if (change.hasText) await withLock(space.dir, `bootstrap ${name}`, io, change.edit.write);
  reportFaults(warnings, io);
  printResult(io, options.output, { ...change.data, changed: change.hasText, applied: false }, () =>
    [
      `${current.shown}: ${change.said}`,
      ...(change.hasText && change.leftBehind !== undefined ? [change.leftBehind] : []),
      ...(options.quiet ? [] : [`next: bootstrap apply${sameCluster(space)}${nodeOptions(change.nodes)}`]),
    ].join('\n'),
  );
  return 0;
}

/** `--dry-run`: how the cluster file would change, and the plan of that; status 2 where it would change anything on a node. */
export async function showChange({ io, space, options, current }: How, change: ReadyChange): Promise<number> {
  const isAlone = options.apply === false;
  const lines = [`${current.shown}: ${change.said}`, ...(await changedLines(space, current, change, io))].join('\n');
  if (isAlone) {
    printResult(io, options.output, { ...change.data, changed: change.hasText, applied: false }, () => lines);
    return 0;
  }
  io.note(lines);
  return plan({ ...options, node: change.nodes ?? [], edit: change.edit });
}

async function changedLines(
  space: Workspace,
  current: CurrentFile,
  { text, files = [] }: ReadyChange,
  io: Io,
): Promise<readonly string[]> {
  const diff = (await loadUnifiedDiff())(current.text, text) ?? '';
  return [
    ...files.map(({ path }) => io.color.green(`+ ${space.show(path)}`)),
    ...paintedDiff(
      diff
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => printable(line.replace(/\r$/, ''))),
      io.color,
    ),
  ];
}

/** ` --node cp1 --node cp2`, or nothing for all of them. */
export function nodeOptions(nodes: readonly string[] | undefined): string {
  return (nodes ?? []).map((node) => ` --node ${shellQuoted(node)}`).join('');
}
