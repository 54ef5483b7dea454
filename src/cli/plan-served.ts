import type { ServedChange } from '../deliver/serve/publish.ts';
import { printable } from './printable.ts';
import { wrap } from './wrap.ts';

const DO = { start: 'starts', restart: 'is replaced', stop: 'ends' } as const;

/** What changes with the lists that kubelets poll; nodes with the same in one line. */
export function servedLines(served: readonly ServedChange[], columns: number): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const { node, pods } of served) {
    const text = pods.map(({ name, kind }) => `${name} ${DO[kind]}`).join(', ');
    groups.set(text, [...(groups.get(text) ?? []), node]);
  }
  return [...groups].flatMap(([text, nodes]) => {
    const line = `${nodes.join(', ')}: ${text}, at the next poll of the URL`;
    return wrap(printable(line), columns, 'by URL   ');
  });
}
