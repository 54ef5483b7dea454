import { randomBytes } from 'node:crypto';
import { posixQuoted } from '../../base/posix-quote.ts';
import type { Ran } from './run-program.ts';

/**
 * What runs on the node around every command. What a login shell prints by itself comes before the mark, on both
 * outputs. The status comes back in the error output: ssh's own 255 says as well that the connection broke. `timeout`
 * makes a process group of the command, so that its process id is all one needs to end it from another session; it runs
 * in the background for that id to be known, where a shell would give it an empty input but for the third descriptor.
 */
const AROUND = `m=$1 n=$2
shift 2
exec 3<&0
printf "%s\\n" "$m"
printf "%s\\n" "$m" >&2
timeout -k 5 "$n" "$@" <&3 3<&- &
p=$!
exec 3<&- </dev/null
printf "%s pid %s\\n" "$m" "$p" >&2
wait "$p"
s=$?
printf "%s end %s\\n" "$m" "$s" >&2
exit "$s"`;

/** One word that no program prints by chance. */
export function newMark(): string {
  return `bootstrap-${randomBytes(8).toString('hex')}`;
}

/** A program with its arguments as one line for the node's shell. */
export function shellLine(argv: readonly string[], sudo: boolean): string {
  return [...(sudo ? ['sudo', '-n', '--'] : []), ...argv].map(posixQuoted).join(' ');
}

/**
 * The line that runs a command as root for at most so many seconds.
 * @param mark see `newMark`; another for every run
 */
export function markedLine(argv: readonly string[], mark: string, seconds: number, sudo: boolean): string {
  return shellLine(['sh', '-c', AROUND, 'sh', mark, String(seconds), ...argv], sudo);
}

/** What a marked line gave. */
export interface Marked {
  /** The command was started. */
  readonly began: boolean;
  /** Its status, where it has ended and that became known. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
  /** The command's own. Where it did not begin: all there is, of the login shell, sudo and ssh. */
  readonly stderr: string;
}

/** Takes the marks out of what came back. */
export function readMarked({ stdout, stderr }: Ran, mark: string): Marked {
  const text = stderr.toString('utf8');
  const start = text.indexOf(`${mark}\n`);
  const from = stdout.indexOf(`${mark}\n`);
  if (start < 0 || from < 0) return { began: start >= 0, status: undefined, stdout, stderr: text.trim() };
  const end = text.lastIndexOf(`${mark} end `);
  const own = text.slice(start + mark.length + 1, end < 0 ? undefined : end).replace(pidLine(mark), '');
  return {
    began: true,
    status: end < 0 ? undefined : Number.parseInt(text.slice(end + mark.length + 5), 10),
    stdout: stdout.subarray(from + mark.length + 1),
    stderr: own.replace(/\n+$/, ''),
  };
}

/** The command's process id on the node, once it has come. */
export function markedPid(stderr: string, mark: string): number | undefined {
  const found = pidLine(mark).exec(stderr)?.[1];
  return found === undefined ? undefined : Number(found);
}

const pidLine = (mark: string): RegExp => new RegExp(`${mark} pid (\\d+)\\n`);
