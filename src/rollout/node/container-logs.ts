import type { ContainerLog, LogLine } from '../agent.ts';

/** A line of a log as the CRI has it written: `2026-11-24T00:39:35.773Z stderr F text`; P: the line goes on in the next. */
const LINE = /^(\S+) (stdout|stderr) ([FP])(?: (.*))?$/s;

/** Reads what the script's verb `container-logs` printed. No line of a log begins as that of a container does. */
export function parseContainerLogs(output: string): readonly ContainerLog[] {
  const logs: (Omit<ContainerLog, 'lines'> & { readonly lines: LogLine[] })[] = [];
  const begun = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [word, container = '', uid = '', attempt, size] = line.split('\t');
    if (word === 'container' && size !== undefined) {
      logs.push({ container, uid, attempt: Number(attempt), size: Number(size), lines: [] });
      begun.clear();
      continue;
    }
    if (line === '') continue;
    const [, time = '', stream, kind, text = ''] = LINE.exec(line) ?? [];
    if (stream !== 'stdout' && stream !== 'stderr') {
      // another form than the CRI's, as it is
      logs.at(-1)?.lines.push({ time: '', stream: 'stdout', text: line });
    } else if (kind === 'P') {
      begun.set(stream, `${begun.get(stream) ?? ''}${text}`);
    } else {
      logs.at(-1)?.lines.push({ time, stream, text: `${begun.get(stream) ?? ''}${text}` });
      begun.delete(stream);
    }
  }
  return logs;
}

/** The line with which the script learns how far a log was read. */
export function readUpTo({ container, uid, attempt, size }: ContainerLog): string {
  return `container\t${container}\t${uid}\t${attempt}\t${size}\n`;
}
