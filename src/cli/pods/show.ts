import { EXIT_STATUS } from '../../base/errors.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { sameCluster } from '../same-cluster.ts';
import { lookAround, noneReached, type PodsLookOptions, podsSite } from './look.ts';
import { podOfName } from './named.ts';
import { showData } from './show-data.ts';
import { showText } from './show-text.ts';

/** `pods show NAME`: all of one pod: its manifest, where it is declared, and how it is on each node; status 2 as `list`. */
export async function show(options: PodsLookOptions, name: string): Promise<number> {
  const io = processIo(options);
  const site = await podsSite(options, io);
  const { declared } = site.wanted;
  const { seen, truth } = await lookAround(site, io);
  const known = [...truth.rows.map(({ pod }) => pod), ...declared.map(({ called }) => called)];
  const pod = podOfName(name, known, site.nodes);
  const shown = {
    pod,
    declared: declared.filter(({ called }) => called === pod),
    rows: truth.rows.filter((row) => row.pod === pod),
    problems: truth.problems.filter((problem) => problem.pod === pod || problem.pod === undefined),
    notes: truth.notes,
  };
  printResult(io, options.output, showData(shown), () =>
    showText(shown, { columns: io.columns, color: io.color, now: Date.now(), within: sameCluster(site.space) }),
  );
  if (noneReached(seen)) return EXIT_STATUS.unreachable;
  return shown.problems.length ? EXIT_STATUS.difference : 0;
}
