import { shellQuoted } from '../../../base/posix-quote.ts';
import { withFields } from '../../../spec/edit/edit-static-pods.ts';
import { change } from './change.ts';
import type { Entry } from './entries.ts';
import { nodeOptions } from './file-only.ts';
import { entriesMeant } from './meant.ts';
import { concerned } from './nodes.ts';
import type { PodsChangeOptions } from './options.ts';

const OTHER = { stop: 'start', start: 'stop' } as const;

/** Says in the cluster file where a pod is stopped, and goes on as `apply`. */
export function setStopped(options: PodsChangeOptions, verb: 'stop' | 'start', pod: string): Promise<number> {
  return change(options, `pods ${verb}`, async ({ cluster, current, entries: all }) => {
    const { called, entries } = entriesMeant(all, pod, verb, options.node ?? []);
    const meant = (entry: Entry) =>
      options.node?.length ? entry.nodes.filter((node) => options.node?.includes(node)) : entry.nodes;
    const text = entries.reduce((now, entry) => {
      const stopped = stoppedAfter(entry, verb, meant(entry));
      if (stopped.length === entry.stopped.length) return now;
      const value = stopped.length === entry.nodes.length ? true : stopped.length ? stopped : undefined;
      return withFields({ ...current, text: now }, entry.index, { stopped: value });
    }, current.text);
    const where = options.node?.length ? ` on ${options.node.join(', ')}` : '';
    const again = { stop: 'is stopped already', start: 'is not stopped' }[verb];
    const done = { stop: 'is stopped', start: 'is started' }[verb];
    return {
      text,
      said: `${called} ${text === current.text ? again : done}${where}`,
      data: {
        pods: [...new Set(entries.flatMap(({ pods }) => pods))],
        stopped: verb === 'stop',
        nodes: options.node ?? null,
      },
      nodes: concerned(cluster, entries.flatMap(meant)),
      undo: `bootstrap pods ${OTHER[verb]} ${shellQuoted(called)}${nodeOptions(options.node)}`,
    };
  });
}

/** Nodes on which an entry is stopped then: those that are written already keep their places. */
function stoppedAfter(
  { nodes, stopped, writtenStopped }: Entry,
  verb: 'stop' | 'start',
  meant: readonly string[],
): readonly string[] {
  const before = typeof writtenStopped === 'object' ? writtenStopped.filter((node) => nodes.includes(node)) : stopped;
  if (verb === 'start') return before.filter((node) => !meant.includes(node));
  return [...before, ...meant.filter((node) => !before.includes(node))];
}
