import { resolve } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BootstrapError, EXIT_STATUS } from '../../base/errors.ts';
import { prometheusText } from '../../rollout/certificates/prometheus.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { listData } from './list-data.ts';
import { listText } from './list-text.ts';
import { noneReached, type OverviewOptions, overview } from './overview.ts';

export interface CertsListOptions extends OverviewOptions {
  /** A file for node_exporter's textfile collector; `-` = stdout. */
  readonly prometheus?: string;
}

/** `certs list`: every certificate, where it lies, what uses it and what happens when it is renewed. */
export async function certsList(options: CertsListOptions): Promise<number> {
  const io = processIo(options);
  const { prometheus } = options;
  const isData = options.output === 'json' || options.output === 'yaml';
  if (prometheus === '-' && isData) {
    throw new BootstrapError('usage', `--prometheus - and -o ${options.output} both want stdout`, {
      hint: 'name a file for one of them',
    });
  }
  const found = await overview(options, io);
  if (prometheus !== undefined) {
    const text = prometheusText({ ...found, cluster: found.cluster.name });
    if (prometheus === '-') io.out(text.trimEnd());
    // its reader is another user
    else await writeFileAtomic(resolve(prometheus), text, 0o644);
  }
  // who has it written every hour wants no table in the log
  if (prometheus === undefined || isData) {
    const { columns, color } = io;
    printResult(io, options.output, listData(found), () =>
      listText(found, { columns, color, verbose: options.verbose === true }),
    );
  }
  for (const { name, why } of found.live?.nodes ?? []) {
    if (why !== undefined) io.err(`${io.color.yellow('warning:')} ${name} cannot be looked at: ${why}`);
  }
  return noneReached(found) ? EXIT_STATUS.unreachable : 0;
}
