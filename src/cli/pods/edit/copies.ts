import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { removeFiles } from '../../../base/atomic-file.ts';
import { podNamed } from '../../../render/static-pods/manifest-file.ts';
import { asList, asText } from '../../../spec/read-tree.ts';
import { at } from '../../../spec/tree.ts';
import { load } from '../../load.ts';
import type { CommonOptions } from '../../options.ts';
import { withLock } from '../../with-lock.ts';
import type { Workspace } from '../../workspace.ts';
import type { Site } from './change.ts';
import type { Entry } from './entries.ts';
import { COPIES } from './manifest.ts';

/** The copy that `pods add` has made of an entry's manifest: what the user has put there is called otherwise. */
export function copyOf({ dir }: Workspace, { file, pods }: Entry): string | undefined {
  const [first] = pods;
  if (file === undefined || first === undefined) return undefined;
  const { namespace, name } = podNamed(first);
  return file === join(dir, COPIES, `${namespace}_${name}.yaml`) ? file : undefined;
}

/** Removes copies that nothing in the cluster file refers to. */
export async function removeCopies(
  { io, space }: Pick<Site, 'io' | 'space'>,
  options: CommonOptions,
  paths: readonly string[],
): Promise<void> {
  await withLock(space.dir, 'bootstrap pods remove', io, async () => {
    const { spec } = load(space, options).cluster;
    const sources = ['staticPods', 'files', 'patches']
      .flatMap((key) => asList(at(spec, [key])))
      .flatMap((entry) => asText(at(entry, ['source'])) ?? [])
      .map((source) => resolve(dirname(space.clusterFile), source));
    const unused = paths.filter((path) => !sources.includes(path) && existsSync(path));
    await removeFiles(unused);
    for (const path of unused) io.note(`removed ${space.show(path)}`);
    const folder = join(space.dir, COPIES);
    if (unused.length && !readdirSync(folder).length) rmdirSync(folder);
  });
}
