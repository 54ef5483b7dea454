import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory, writeFileAtomic } from '../../base/atomic-file.ts';
import { BootstrapError } from '../../base/errors.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { parseTime, printResult } from '../format.ts';
import { checkOptions } from '../init/check-options.ts';
import { clusterText } from '../init/cluster-text.ts';
import { initReport } from '../init/init-report.ts';
import { processIo } from '../io.ts';
import { type CheckedCluster, loadChecked } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import { type Produced, produce, producedData } from '../produce.ts';
import { reportFaults } from '../report.ts';
import { keyProgress, withLock } from '../with-lock.ts';
import { type Workspace, workspace } from '../workspace.ts';

export interface InitOptions extends CommonOptions {
  readonly name?: string;
  readonly endpoint?: string;
  readonly node?: readonly string[];
  readonly host?: readonly string[];
  readonly fromKubeadm?: string;
  readonly pki?: string;
  readonly renewBefore?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly apply?: boolean;
}

/** Everything secret or made again; the cluster file and the user's own profiles, templates and files are theirs to keep. */
const GITIGNORE = `# made by bootstrap init: keys and what is rendered from them
/pki/
/nodes/
/admin.conf
/super-admin.conf
/serve/
/.bootstrap.lock*
`;

/**
 * `init`: the cluster file where there is none, the PKI where there is none, everything rendered. Nothing is written
 * before the whole cluster file and every flag in it have been found good.
 */
export async function init(options: InitOptions): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const renewBefore = options.renewBefore === undefined ? undefined : parseTime('--renew-before', options.renewBefore);
  checkOptions(options);
  const text = await clusterText(space, options, io);
  const overlay: CommonOptions = text.written ? { ...options, set: [], profile: [] } : options;
  const loaded = await loadChecked(space, overlay, text.content);
  const dryRun = options.dryRun === true;
  if (dryRun && options.apply) {
    throw new BootstrapError('usage', '--dry-run and --apply do not go together', {
      hint: '`bootstrap init --dry-run` shows what would be made; `bootstrap plan` what applying that would do',
    });
  }
  const settings = { renewBefore, dryRun, founding: true, importFrom: options.pki, onKey: keyProgress(io) };
  if (dryRun) return finish(loaded, await produce(space, loaded, settings));

  await makeDirectory(space.dir, 0o755);
  const work = () => produce(space, loaded, settings, () => writeOwn(space, text.written));
  const produced = await withLock(space.dir, 'bootstrap init', io, work);
  if (!options.apply) return finish(loaded, produced);
  // the result, and the warnings, are those of apply
  for (const note of [...text.notes, ...produced.notes]) io.note(note);
  io.progress('');
  io.note(report(loaded.cluster, produced, true));
  // what was asked for, and what the questions answered, stands in the cluster file by now
  const { set: _set, profile: _profile, ...written } = options;
  const { apply } = await import('./apply.ts');
  return apply({ ...(text.written === undefined ? options : written), node: [] });

  function report(cluster: Cluster, produced: Produced, quiet: boolean): string {
    return initReport(space, cluster, produced, {
      created: text.written !== undefined,
      dryRun,
      quiet,
      color: io.color,
    });
  }

  function finish({ cluster, warnings }: CheckedCluster, produced: Produced): number {
    io.progress('');
    reportFaults([...text.warnings, ...warnings, ...produced.warnings], io);
    for (const note of [...text.notes, ...produced.notes]) io.note(note);
    const data = {
      clusterFile: { path: space.show(space.clusterFile), created: text.written !== undefined },
      ...producedData(produced),
    };
    printResult(io, options.output, data, () => report(cluster, produced, options.quiet === true));
    return 0;
  }
}

/** The files that are the user's from then on: written only where there are none. */
async function writeOwn({ dir, clusterFile }: Workspace, text: string | undefined): Promise<void> {
  if (text !== undefined) {
    if (existsSync(clusterFile))
      throw new BootstrapError('locked', `${clusterFile} has appeared meanwhile`, { hint: 'run the command again' });
    await makeDirectory(dirname(clusterFile), 0o755);
    await writeFileAtomic(clusterFile, text, 0o644);
  }
  const ignore = join(dir, '.gitignore');
  const present = existsSync(ignore) ? readFileSync(ignore, 'utf8') : '';
  if (!present.includes(GITIGNORE))
    await writeFileAtomic(ignore, present.replace(/([^\n])$/, '$1\n') + GITIGNORE, 0o644);
}
