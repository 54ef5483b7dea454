import type { AtomicFile } from '../../../base/atomic-file.ts';
import { BootstrapError } from '../../../base/errors.ts';
import type { Cluster } from '../../../spec/cluster.ts';
import type { GivenSources } from '../../../spec/contents.ts';
import { asRead } from '../../../spec/edit/edit-static-pods.ts';
import type { Json } from '../../../spec/tree.ts';
import { type Io, processIo } from '../../io.ts';
import { type CheckedCluster, loadChecked } from '../../load.ts';
import { chosenNodes } from '../../nodes.ts';
import type { ClusterFileEdit } from '../../options.ts';
import { refuseUnasked } from '../../rollout/confirm.ts';
import { rolloutTimes } from '../../rollout/options.ts';
import { type Workspace, workspace } from '../../workspace.ts';
import { applyChange } from './apply-change.ts';
import { type CurrentFile, readCurrent, writeCurrent } from './current-file.ts';
import { type Entry, entriesOf } from './entries.ts';
import { showChange, writeOnly } from './file-only.ts';
import type { PodsChangeOptions } from './options.ts';

/** What a command works with. */
export interface Site {
  readonly io: Io;
  readonly space: Workspace;
  readonly cluster: Cluster;
  readonly current: CurrentFile;
  readonly entries: readonly Entry[];
}

/** What a command has decided on. */
export interface Change {
  /** What happens, without the file's name: `default/static-web is stopped on cp1`. */
  readonly said: string;
  readonly data: { readonly [key: string]: Json };
  /** The new text of the cluster file; where it is as before, there is nothing to write. */
  readonly text: string;
  /** Files that are written with it. */
  readonly files?: readonly AtomicFile[];
  readonly sources?: GivenSources;
  /** Nodes that it concerns; undefined = all. */
  readonly nodes: readonly string[] | undefined;
  /** The command that takes it back, where there is one: `bootstrap pods remove default/static-web`. */
  readonly undo?: string;
  /** Says more of what is wrong with the new cluster file than its own checks can. */
  readonly explained?: (error: unknown) => unknown;
  /** What is done once all nodes are as they shall be. */
  readonly afterApply?: () => Promise<void>;
  /** What is said where nothing is applied. */
  readonly leftBehind?: string;
}

/** A change together with how it is written. */
export interface ReadyChange extends Change {
  readonly edit: ClusterFileEdit;
  readonly isWritten: () => boolean;
  readonly hasText: boolean;
}

/**
 * A change of the cluster file, and then what `apply` does with it. Nothing is written before all checks have passed and
 * the user has said yes; with `--no-apply` only the file is written, with `--dry-run` nothing.
 * @param name of the command, for who finds the directory locked: `pods stop`
 */
export async function change(
  options: PodsChangeOptions,
  name: string,
  decide: (site: Site) => Promise<Change>,
): Promise<number> {
  const io = processIo(options);
  const willApply = options.apply !== false;
  if (willApply) rolloutTimes(options);
  if (willApply && !options.dryRun) refuseUnasked(io, options.yes, 'or --no-apply');
  const space = workspace(options);
  const current = readCurrent(space);
  const { cluster } = await loadChecked(space, options, asRead(current.text));
  chosenNodes(cluster, options.node);
  const decided = await decide({ io, space, cluster, current, entries: entriesOf(space, cluster) });
  const ready = readyChange(space, current, decided);
  const checked = await checkedAfter(space, options, ready);
  const how = { io, space, options, current };
  if (options.dryRun) return showChange(how, ready);
  if (!willApply) return writeOnly(how, ready, name, checked.warnings);
  return applyChange(how, ready);
}

function readyChange(space: Workspace, current: CurrentFile, decided: Change): ReadyChange {
  let isWritten = false;
  const hasText = decided.text !== current.text;
  const edit: ClusterFileEdit = {
    text: asRead(decided.text),
    sources: decided.sources ?? new Map(),
    write: async () => {
      if (!hasText) return;
      await writeCurrent(space, current, decided.text, decided.files ?? []);
      isWritten = true;
    },
  };
  return { ...decided, edit, hasText, isWritten: () => isWritten };
}

async function checkedAfter(
  space: Workspace,
  options: PodsChangeOptions,
  { edit, explained }: ReadyChange,
): Promise<CheckedCluster> {
  try {
    return await loadChecked(space, { ...options, edit });
  } catch (error) {
    throw explained && error instanceof BootstrapError ? explained(error) : error;
  }
}
