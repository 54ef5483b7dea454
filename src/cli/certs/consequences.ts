import type { Bundle } from '../../bundle/bundle.ts';
import type { Produced } from '../produce.ts';

/** What restarts on a node once these files are brought to it, by name, sorted. */
export type Restarts = ReadonlyMap<string, readonly string[]>;

/** What bringing to the nodes will restart that this run has changed among the rendered files. */
export function restartsOf({ bundles, nodes }: Pick<Produced, 'bundles' | 'nodes'>): Restarts {
  const restarts = new Map<string, readonly string[]>();
  for (const bundle of bundles) {
    const changed = new Set(
      nodes.changes
        .filter(({ path }) => path.startsWith(`${bundle.node}/`))
        .map(({ path }) => path.slice(bundle.node.length)),
    );
    const found = [...new Set(restartedBy(bundle, changed))].sort();
    if (found.length) restarts.set(bundle.node, found);
  }
  return restarts;
}

function restartedBy({ files }: Bundle, changed: ReadonlySet<string>): readonly string[] {
  return files
    .filter(({ path }) => changed.has(path))
    .flatMap(({ effect }) => {
      if (effect.kind === 'manifest') return [effect.pod];
      if (effect.kind === 'pods') return [...effect.pods, ...(effect.kubelet ? ['kubelet'] : [])];
      return effect.kind === 'none' ? [] : ['kubelet'];
    });
}

/** The same in words: `restarts kube-scheduler on cp1, cp2, one master at a time`. */
export function restartWords(restarts: Restarts): string {
  if (!restarts.size) return 'nothing restarts: the processes take up the new files by themselves';
  const byNames = new Map<string, string[]>();
  for (const [node, names] of restarts) {
    const text = names.join(', ');
    byNames.set(text, [...(byNames.get(text) ?? []), node]);
  }
  const parts = [...byNames].map(([names, nodes]) => `${names} on ${nodes.join(', ')}`);
  return `restarts ${parts.join('; ')}${restarts.size > 1 ? ', one master at a time' : ''}`;
}
