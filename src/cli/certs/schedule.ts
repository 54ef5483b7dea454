import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { BootstrapError } from '../../base/errors.ts';
import { usualWindow } from '../../pki/list/life.ts';
import { parseTime, printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { load } from '../load.ts';
import type { CommonOptions } from '../options.ts';
import { workspace } from '../workspace.ts';
import { wrap } from '../wrap.ts';
import { cronLines } from './schedule-cron.ts';
import { unitsFor } from './schedule-units.ts';

export interface CertsScheduleOptions extends CommonOptions {
  readonly systemd?: boolean;
  readonly cron?: boolean;
  /** As systemd.time(7) has it. */
  readonly onCalendar?: string;
  readonly expiresWithin?: string;
  /** A file for node_exporter's textfile collector, to be written regularly as well. */
  readonly prometheus?: string;
}

/** What runs when: one unit pair, or one line of a crontab. */
export interface Job {
  /** `renew`, `metrics`: part of the units' names. */
  readonly name: string;
  /** What it does, in words. */
  readonly description: string;
  /** Program and arguments; all paths absolute. */
  readonly argv: readonly [string, ...string[]];
  /** How often, where the user has not said when. */
  readonly often: 'daily' | 'hourly';
  /** As the user said it. */
  readonly onCalendar: string | undefined;
}

const TWO_DAYS = 2 * 864e5;

/** `certs schedule`: prints what renews certificates in time; installs nothing. */
export async function certsSchedule(options: CertsScheduleOptions): Promise<number> {
  const io = processIo(options);
  const { cron = false, systemd = false, onCalendar, prometheus } = options;
  if (cron && systemd) throw new BootstrapError('usage', '--systemd and --cron exclude each other');
  if (cron && onCalendar !== undefined) {
    throw new BootstrapError('usage', "--on-calendar is systemd's; a cron line says the time itself", {
      hint: 'change the first five fields of the line',
    });
  }
  if (onCalendar !== undefined && !/^[\x20-\x7e]*\S[\x20-\x7e]*$/.test(onCalendar)) {
    throw new BootstrapError('usage', `--on-calendar ${JSON.stringify(onCalendar)} is no time: see systemd.time(7)`);
  }
  if (prometheus === '-') throw new BootstrapError('usage', '--prometheus wants a file here');
  const space = workspace(options);
  const { cluster } = load(space, options);
  const life = cluster.pki.certValidityHours * 3.6e6;
  const { expiresWithin = inDays(usualWindow(life)) } = options;
  const within = parseTime('--expires-within', expiresWithin);
  if (within >= life) {
    throw new BootstrapError(
      'usage',
      `--expires-within ${expiresWithin} is not shorter than certificates are valid (spec.pki.certValidity)`,
      { hint: 'every run would issue all of them again' },
    );
  }
  const where = [
    '--dir',
    space.dir,
    ...(options.file === undefined ? [] : ['--file', space.clusterFile]),
    ...(options.profile ?? []).flatMap((profile) => ['--profile', profile]),
    ...(options.set ?? []).flatMap((set) => ['--set', set]),
  ];
  const run = (...words: readonly string[]): Job['argv'] => [
    process.execPath,
    resolve(process.argv[1] ?? ''),
    ...words,
  ];
  const jobs: readonly Job[] = [
    {
      name: 'renew',
      description: `Renew certificates of the Kubernetes control plane "${cluster.name}"`,
      argv: run('certs', 'renew', '--expires-within', expiresWithin, '--apply', '--yes', ...where),
      often: within > TWO_DAYS ? 'daily' : 'hourly',
      onCalendar,
    },
    ...(prometheus === undefined
      ? []
      : [
          {
            name: 'metrics',
            description: `Write when certificates of the Kubernetes control plane "${cluster.name}" end`,
            argv: run('certs', 'list', '--prometheus', resolve(prometheus), ...where),
            often: 'hourly',
            onCalendar: undefined,
          } as const,
        ]),
  ];
  const user = userInfo().username;
  if (cron) {
    const lines = cronLines(jobs);
    printResult(io, options.output, { user, crontab: [...lines] }, () => lines.join('\n'));
    note(io, `put ${lines.length > 1 ? 'these lines' : 'this line'} into the crontab of ${user}: \`crontab -e\``);
  } else {
    const units = unitsFor(jobs, cluster.name, user);
    printResult(io, options.output, { user, units: units.map(({ path, content }) => ({ path, content })) }, () =>
      units
        .map(({ path, content }) => `# ${path}\n${content}`)
        .join('\n')
        .trimEnd(),
    );
    const timers = units.filter(({ path }) => path.endsWith('.timer')).map(({ path }) => path.split('/').at(-1));
    note(
      io,
      `put each part into the file that its first line names, then: \`systemctl daemon-reload\`, \`systemctl enable --now ${timers.join(' ')}\``,
    );
  }
  note(io, `it runs as ${user}: ssh has to reach the nodes without an agent, and without asking for a passphrase`);
  return 0;
}

function note(io: ReturnType<typeof processIo>, text: string): void {
  for (const line of wrap(text, io.columns)) io.note(line);
}

/** Whole days where it is some, hours where it is less. */
function inDays(milliseconds: number): string {
  const days = Math.floor(milliseconds / 864e5);
  return days ? `${days}d` : `${Math.max(1, Math.floor(milliseconds / 6e4))}m`;
}
