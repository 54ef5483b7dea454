import { BootstrapError } from '../../../base/errors.ts';
import { COMPONENTS } from '../../../kubernetes/component.ts';
import { podOfName } from '../named.ts';
import { type Entry, placeOf } from './entries.ts';

/** What a command is about. */
export interface Meant {
  /** What it is called in what is said: `default/static-web`, or the source with several pods. */
  readonly called: string;
  readonly entries: readonly Entry[];
}

/**
 * The entries that NAME means: a pod's, or the source of several. A pod that shares its source with others cannot be
 * meant alone: an entry is all or nothing.
 * @param verb what is to be done with it, for the message: `stop`
 * @param nodes `--node`, each of which there is
 * @throws BootstrapError `usage` with what to do
 */
export function entriesMeant(
  entries: readonly Entry[],
  name: string,
  verb: 'remove' | 'stop' | 'start',
  nodes: readonly string[],
): Meant {
  const bySource = entries.filter(({ source }) => source === name);
  const called = bySource.length ? name : podNamed(entries, name);
  const all = bySource.length ? bySource : entries.filter(({ pods }) => pods.includes(called));
  const found = nodes.length ? all.filter((entry) => entry.nodes.some((node) => nodes.includes(node))) : all;
  const missing = nodes.filter((node) => !found.some((entry) => entry.nodes.includes(node)));
  if (missing.length) {
    const on = [...new Set(all.flatMap((entry) => entry.nodes))];
    throw new BootstrapError('usage', `${called} is not meant for ${missing.join(', ')}`, {
      hint: `by the cluster file it is for ${on.join(', ')}`,
    });
  }
  const shared = bySource.length ? undefined : found.find(({ pods }) => pods.length > 1);
  if (shared) throw notAlone(shared, called, verb);
  return { called, entries: found };
}

function podNamed(entries: readonly Entry[], name: string): string {
  const pods = entries.flatMap((entry) => entry.pods);
  const bare = name.replace(/^kube-system\//, '');
  if (!pods.includes(bare) && COMPONENTS.some((component) => component === bare)) {
    throw new BootstrapError('usage', `${bare} is part of the control plane, not a static pod of yours`, {
      hint: '`bootstrap pods list` shows your own',
    });
  }
  // a node's name behind it is not taken off here: who names one node does not mean all of them
  return podOfName(name, pods, []);
}

function notAlone(entry: Entry, called: string, verb: string): BootstrapError {
  const others = entry.pods.filter((pod) => pod !== called);
  const from = entry.source ?? 'its manifest';
  const message = `${called} comes with ${others.join(', ')} from ${from} (${placeOf(entry)})`;
  const again = entry.source === undefined ? '' : `\`bootstrap pods ${verb} ${entry.source}\` ${verb}s all of them; `;
  const hint =
    verb === 'remove'
      ? `${again}for this one alone take it out of ${from}, then \`bootstrap apply\``
      : `${again}for this one alone give each an entry of its own`;
  return new BootstrapError('usage', message, { hint });
}
