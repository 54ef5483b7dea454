import type { PlacedFile } from './placed.ts';
import type { FileUse } from './uses.ts';

/** What happens on a node when certificates or keys there get a new content. */
export interface OnChange {
  /** `own`: the kubelet renews its certificate by itself, and starts with this one where it has none. */
  readonly kind: 'reload' | 'restart' | 'own' | 'nothing';
  /** What is started anew: pods by the kubelet, the kubelet by `apply`. */
  readonly restarts: readonly string[];
  /** Where its readers notice by themselves: within so many seconds; 0 = with the next connection. */
  readonly seconds: number | undefined;
  /** `reload within 1 min`, `restart kube-apiserver`. */
  readonly text: string;
}

/**
 * What a change of these files brings about. Whether anything restarts is what the bundle says of each (its effect), not
 * what is known here.
 * @param uses of files of that node, these among them
 * @param rotatesItself these hold the client certificate of a kubelet that renews its own
 */
export function onChange(files: readonly PlacedFile[], uses: readonly FileUse[], rotatesItself = false): OnChange {
  const restarts = [...new Set(files.flatMap(restartsOf))].sort();
  if (restarts.length) return { kind: 'restart', restarts, seconds: undefined, text: `restart ${restarts.join(', ')}` };
  if (rotatesItself) return { kind: 'own', restarts, seconds: undefined, text: 'the kubelet renews its own' };
  const paths = new Set(files.map(({ path }) => path));
  const seconds = uses.filter(({ path }) => paths.has(path)).map((use) => use.reloadSeconds);
  if (!seconds.length) return { kind: 'nothing', restarts, seconds: undefined, text: 'nothing: no process holds it' };
  const most = Math.max(...seconds);
  const text = most ? `reload within ${Math.ceil(most / 60)} min` : 'reload with the next connection';
  return { kind: 'reload', restarts, seconds: most, text };
}

function restartsOf({ effect }: PlacedFile): readonly string[] {
  switch (effect.kind) {
    case 'pods':
      return [...effect.pods, ...(effect.kubelet ? ['kubelet'] : [])];
    case 'manifest':
      return [effect.pod];
    case 'kubelet':
    case 'kubelet-unit':
      return ['kubelet'];
    case 'none':
      return [];
  }
}
