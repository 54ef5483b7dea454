import { createHash } from 'node:crypto';
import { posixQuoted } from '../../base/posix-quote.ts';
import type { Job } from './schedule.ts';

/**
 * A line of a user's crontab for each job. Which minute it is follows from the command, so that many clusters are not
 * renewed at once, and the same one always at the same time.
 */
export function cronLines(jobs: readonly Job[]): readonly string[] {
  return jobs.map(({ argv, often }) => {
    const [first = 0, second = 0] = createHash('sha256').update(argv.join('\0')).digest();
    const when = often === 'hourly' ? `${first % 60} * * * *` : `${first % 60} ${1 + (second % 5)} * * *`;
    return `${when} ${argv.map(cronWord).join(' ')}`;
  });
}

/**
 * A % ends the command unless a backslash stands before it (crontab(5)). Some crons take that away and some leave it to
 * the shell, which does so outside quotes only.
 */
function cronWord(word: string): string {
  const parts = word.split('%').map((part) => (part === '' ? '' : posixQuoted(part)));
  return parts.join('\\%') || "''";
}
