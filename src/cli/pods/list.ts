import { EXIT_STATUS } from '../../base/errors.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { sameCluster } from '../same-cluster.ts';
import { listData } from './list-data.ts';
import { listText } from './list-text.ts';
import { lookAround, noneReached, type PodsLookOptions, podsSite } from './look.ts';

/** `pods list`: the user's static pods as they are, and where that is not as it should be; status 2 where it is not. */
export async function list(options: PodsLookOptions): Promise<number> {
  const io = processIo(options);
  const site = await podsSite(options, io);
  const { seen, truth } = await lookAround(site, io);
  printResult(io, options.output, listData(truth), () =>
    listText(truth, {
      columns: io.columns,
      color: io.color,
      now: Date.now(),
      within: sameCluster(site.space),
    }),
  );
  if (noneReached(seen)) return EXIT_STATUS.unreachable;
  return truth.problems.length ? EXIT_STATUS.difference : 0;
}
