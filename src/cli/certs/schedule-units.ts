import { systemdWord } from '../../render/template/systemd-quote.ts';
import type { Job } from './schedule.ts';

export interface Unit {
  /** Where it belongs. */
  readonly path: string;
  readonly content: string;
}

/** A service and a timer for each job. */
export function unitsFor(jobs: readonly Job[], cluster: string, user: string): readonly Unit[] {
  return jobs.flatMap((job) => {
    const base = `/etc/systemd/system/bootstrap-certs-${job.name}-${cluster.replace(/[^A-Za-z0-9_.-]/g, '-')}`;
    return [
      { path: `${base}.service`, content: service(job, user) },
      { path: `${base}.timer`, content: timer(job) },
    ];
  });
}

function service({ description, argv: [program, ...words] }: Job, user: string): string {
  return `[Unit]
Description=${specifiers(description)}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=${specifiers(user)}
ExecStart=${[programWord(program), ...words.map(systemdWord)].join(' ')}
`;
}

function timer({ description, often, onCalendar }: Job): string {
  return `[Unit]
Description=${specifiers(description)}

[Timer]
OnCalendar=${specifiers(onCalendar ?? often)}
RandomizedDelaySec=${often === 'daily' && onCalendar === undefined ? '6h' : '10min'}
Persistent=true

[Install]
WantedBy=timers.target
`;
}

/** What is run itself is unquoted as the arguments are, but no variables are put into it (systemd.service(5)). */
function programWord(path: string): string {
  return systemdWord(path).replaceAll('$$', '$');
}

function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}
