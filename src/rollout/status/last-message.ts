import { oneLine } from './words.ts';

/** klog: `E1123 15:08:08.109045   22071 run.go:72] "command failed" err="…"`. */
const KLOG = /^([IWEF])\d{4} [\d:.]+\s+\d+ [^\]\s]+\] (.*)$/;

interface Line {
  readonly text: string;
  readonly bad: boolean;
}

/**
 * The one line of a log that says why its process ended: the last one that is an error, or else the last one.
 * @returns '' where there is none
 */
export function lastMessage(log: string): string {
  const lines = log
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(read);
  const found = lines.findLast((line) => line.bad) ?? lines.at(-1);
  return oneLine(found?.text ?? '');
}

function read(line: string): Line {
  const klog = KLOG.exec(line);
  if (klog) return { text: structured(klog[2] ?? ''), bad: klog[1] === 'E' || klog[1] === 'F' };
  const entry = etcdEntry(line);
  if (entry) return entry;
  return { text: line, bad: /^(Error|error|panic|fatal|F\d{4})\b/.test(line.trimStart()) };
}

/** `"command failed" err="…"` is `command failed: …`; whatever else stands there is left out. */
function structured(text: string): string {
  const [, message] = /^("(?:[^"\\]|\\.)*")(?= \w+=|$)/.exec(text) ?? [];
  if (message === undefined) return text;
  const [, error] = / err=("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
  return [message, ...(error === undefined ? [] : [error])].map(unquoted).join(': ');
}

/** Go's quoting is near enough to that of JSON; where it is not, it stays. */
function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

/** etcd writes one JSON object a line. */
function etcdEntry(line: string): Line | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== 'object' || entry === null) return undefined;
    const text = (key: string) => {
      const value = (entry as Readonly<Record<string, unknown>>)[key];
      return typeof value === 'string' ? value : '';
    };
    if (!text('msg')) return undefined;
    const bad = ['error', 'fatal', 'panic', 'dpanic'].includes(text('level'));
    return { text: [text('msg'), text('error')].filter(Boolean).join(': '), bad };
  } catch {
    return undefined;
  }
}
