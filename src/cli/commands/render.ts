import { parseTime, printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import { chosenNodes } from '../nodes.ts';
import type { CommonOptions } from '../options.ts';
import { produce, producedData } from '../produce.ts';
import { producedDiff, producedLines } from '../produced-lines.ts';
import { reportFaults } from '../report.ts';
import { keyProgress, withLock } from '../with-lock.ts';
import { workspace } from '../workspace.ts';

export interface RenderOptions extends CommonOptions {
  readonly node?: readonly string[];
  readonly renewBefore?: string;
  readonly dryRun?: boolean;
}

/** `render`: everything that follows from cluster.yaml and pki/, made again; certificates that no longer fit, too. */
export async function render(options: RenderOptions): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster, warnings } = loaded;
  const dryRun = options.dryRun === true;
  const settings = {
    renewBefore: options.renewBefore === undefined ? undefined : parseTime('--renew-before', options.renewBefore),
    dryRun,
    founding: false,
    nodes: chosenNodes(cluster, options.node),
    onKey: keyProgress(io),
  };
  const work = () => produce(space, loaded, settings);
  const produced = await (dryRun ? work() : withLock(space.dir, 'bootstrap render', io, work));
  io.progress('');
  reportFaults([...warnings, ...produced.warnings], io);
  const quiet = options.quiet === true;
  const diff = dryRun && !quiet && options.output === 'text' ? await producedDiff(produced, io.color) : '';
  printResult(io, options.output, producedData(produced), () => {
    const lines = producedLines(produced, { dryRun, summary: false });
    return [...(diff ? [diff] : []), ...lines.slice(quiet ? -1 : 0)].join('\n');
  });
  return 0;
}
