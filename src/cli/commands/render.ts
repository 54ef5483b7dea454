import { parseTime, printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { load } from '../load.ts';
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
  const { cluster, warnings } = load(space, options);
  const dryRun = options.dryRun === true;
  const settings = {
    renewBefore: options.renewBefore === undefined ? undefined : parseTime('--renew-before', options.renewBefore),
    dryRun,
    nodes: chosenNodes(cluster, options.node),
    onKey: keyProgress(io),
  };
  const work = () => produce(space, cluster, settings);
  const produced = await (dryRun ? work() : withLock(space.dir, 'bootstrap render', io, work));
  io.progress('');
  reportFaults([...warnings, ...produced.warnings], io);
  const diff = dryRun && options.output === 'text' ? await producedDiff(produced, io.color) : '';
  printResult(io, options.output, producedData(produced), () =>
    [...(diff ? [diff] : []), ...producedLines(produced, { dryRun, summary: false })].join('\n'),
  );
  return 0;
}
