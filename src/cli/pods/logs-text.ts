import type { Json } from '../../spec/tree.ts';
import type { NodeLogs } from './logs.ts';

/** What stands before each line: its node, its container, or both, where there are several; else nothing. */
export function linePrefix(all: readonly NodeLogs[], node: string, container: string): string {
  const names = [...(all.length > 1 ? [node] : []), ...(all.some(({ logs }) => logs.length > 1) ? [container] : [])];
  return names.length ? `${names.join(' ')}: ` : '';
}

/** A line of others, which can do nothing to a terminal. Colours of theirs go too. */
export function plainText(text: string): string {
  return text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '').replace(/[^\P{Cc}\t]+/gu, ' ');
}

/** The logs for `-o json` and `-o yaml`. */
export function logData(pod: string, all: readonly NodeLogs[]): Json {
  return {
    pod,
    logs: all.flatMap(({ node, logs }) =>
      logs.map(({ container, attempt, lines }) => ({
        node,
        container,
        attempt,
        lines: lines.map(({ time, stream, text }) => ({ time, stream, text })),
      })),
    ),
  };
}
