import { BootstrapError } from '../base/errors.ts';
import { type Fault, uniqueFaults } from '../base/fault.ts';
import type { RenderContext } from '../render/context.ts';
import { checkCluster } from '../render/render.ts';
import type { Cluster } from '../spec/cluster.ts';
import { clusterFileError, inspectCluster, type LoadedCluster, type LoadOptions, loadCluster } from '../spec/load.ts';
import type { CommonOptions } from './options.ts';
import { renderContext } from './render-context.ts';
import type { Workspace } from './workspace.ts';

/** A cluster in which nothing is wrong, down to the last flag, and what it is rendered with. */
export interface CheckedCluster {
  readonly cluster: Cluster;
  readonly context: RenderContext;
  readonly warnings: readonly Fault[];
}

/**
 * The cluster of this workspace, with the options of this run laid over it.
 * @throws BootstrapError with every fault of the cluster file
 */
export function load(space: Workspace, options: CommonOptions): LoadedCluster {
  return withHint(space, () => loadCluster(loadOptions(space, options)));
}

/**
 * The same, with what only shows once it is rendered: flags, patches, files, ports.
 * @param text the cluster file's text where it is not on disk yet
 * @throws BootstrapError with every fault there is, those of both kinds
 */
export async function loadChecked(space: Workspace, options: CommonOptions, text?: string): Promise<CheckedCluster> {
  const from = loadOptions(space, options, text);
  const { cluster, faults } = withHint(space, () => inspectCluster(from));
  if (!cluster) throw clusterFileError(from.shown, faults);
  const context = await renderContext(cluster, space);
  const all = uniqueFaults([...faults, ...checkCluster(cluster, context)]);
  if (all.some((fault) => fault.severity === 'error')) throw clusterFileError(from.shown, all);
  return { cluster, context, warnings: all };
}

function loadOptions(
  { clusterFile, show, profileFolders }: Workspace,
  options: CommonOptions,
  text = options.edit?.text,
): LoadOptions {
  return {
    file: clusterFile,
    shown: show(clusterFile),
    profileFolders,
    ...(text !== undefined && { text }),
    ...(options.edit && { sources: options.edit.sources }),
    ...(options.profile && { profiles: options.profile }),
    ...(options.set && { sets: options.set }),
  };
}

/** Where there is no cluster file, the error says how to come by one. */
export function withHint<T>({ clusterFile, show }: Workspace, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const isMissing =
      error instanceof BootstrapError && error.code === 'usage' && error.message.startsWith(`${show(clusterFile)}: `);
    if (!isMissing) throw error;
    const hint = '`bootstrap init` makes a cluster file; --dir and --file say where to look';
    throw new BootstrapError('usage', error.message, { hint });
  }
}
