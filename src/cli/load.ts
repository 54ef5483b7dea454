import { BootstrapError } from '../base/errors.ts';
import { type LoadedCluster, loadCluster } from '../spec/load.ts';
import type { CommonOptions } from './options.ts';
import type { Workspace } from './workspace.ts';

/**
 * The cluster of this workspace, with the options of this run laid over it.
 * @param text the cluster file's text where it is not on disk yet
 */
export function load(space: Workspace, options: CommonOptions, text?: string): LoadedCluster {
  const { clusterFile, show, profileFolders } = space;
  try {
    return loadCluster({
      file: clusterFile,
      shown: show(clusterFile),
      profileFolders,
      ...(text !== undefined && { text }),
      ...(options.profile && { profiles: options.profile }),
      ...(options.set && { sets: options.set }),
    });
  } catch (error) {
    if (
      error instanceof BootstrapError &&
      error.code === 'usage' &&
      error.message.startsWith(`${show(clusterFile)}: `)
    ) {
      throw new BootstrapError('usage', error.message, {
        hint: '`bootstrap init` makes a cluster file; --dir and --file say where to look',
      });
    }
    throw error;
  }
}
