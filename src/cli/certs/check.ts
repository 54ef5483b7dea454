import { EXIT_STATUS } from '../../base/errors.ts';
import { parseTime, printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { checkData, checkText } from './check-text.ts';
import { findingsOf } from './findings.ts';
import { noneReached, type OverviewOptions, overview } from './overview.ts';

export interface CertsCheckOptions extends OverviewOptions {
  /** `30d`, `720h`; by default 30 days, or a third of a certificate's life where that is less. */
  readonly expiresWithin?: string;
}

/** `certs check`: status 2 where a certificate ends soon, or has ended; with what mends it. */
export async function certsCheck(options: CertsCheckOptions): Promise<number> {
  const io = processIo(options);
  const { expiresWithin } = options;
  const within = expiresWithin === undefined ? undefined : parseTime('--expires-within', expiresWithin);
  const found = await overview(options, io, within);
  const findings = findingsOf(found, expiresWithin);
  printResult(io, options.output, checkData(found, findings, expiresWithin), () =>
    checkText(found, findings, { columns: io.columns, color: io.color, within: expiresWithin }),
  );
  for (const { name, why } of found.live?.nodes ?? []) {
    if (why !== undefined) io.err(`${io.color.yellow('warning:')} ${name} cannot be looked at: ${why}`);
  }
  if (noneReached(found)) return EXIT_STATUS.unreachable;
  return findings.length ? EXIT_STATUS.difference : 0;
}
