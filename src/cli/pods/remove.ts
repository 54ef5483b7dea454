import { shellQuoted } from '../../base/posix-quote.ts';
import { type EntryFields, withFields, withoutEntry } from '../../spec/edit/edit-static-pods.ts';
import { type Change, change, type Site } from './edit/change.ts';
import { copyOf, removeCopies } from './edit/copies.ts';
import type { Entry } from './edit/entries.ts';
import { nodeOptions } from './edit/file-only.ts';
import { entriesMeant } from './edit/meant.ts';
import { concerned } from './edit/nodes.ts';
import type { PodsChangeOptions } from './edit/options.ts';

/** `pods remove NAME`: its entry, or with `--node` what that says of these nodes, and what `apply` does with that. */
export function remove(options: PodsChangeOptions, name = ''): Promise<number> {
  return change(options, 'pods remove', async (site) => {
    const { called, entries } = entriesMeant(site.entries, name, 'remove', options.node ?? []);
    const left = (entry: Entry) =>
      options.node?.length ? entry.nodes.filter((node) => !options.node?.includes(node)) : [];
    const gone = entries.filter((entry) => !left(entry).length);
    // from behind, so that the indices before it stay what they are
    const text = [...entries]
      .sort((a, b) => b.index - a.index)
      .reduce((now, entry) => {
        const file = { ...site.current, text: now };
        const rest = left(entry);
        return rest.length ? withFields(file, entry.index, narrowed(entry, rest)) : withoutEntry(file, entry.index);
      }, site.current.text);
    const copies = gone.flatMap((entry) => copyOf(site.space, entry) ?? []);
    const where = options.node?.length ? ` from ${options.node.join(', ')}` : '';
    const undo = undoOf(site, gone, entries);
    return {
      text,
      said: `${called} is removed${where}`,
      data: { pods: [...new Set(entries.flatMap(({ pods }) => pods))], nodes: options.node ?? null },
      nodes: concerned(site.cluster, options.node?.length ? options.node : entries.flatMap((entry) => entry.nodes)),
      ...(undo !== undefined && { undo }),
      ...(copies.length && {
        afterApply: () => removeCopies(site, options, copies),
        leftBehind: `${copies.map(site.space.show).join(', ')} is kept, though nothing refers to it any more`,
      }),
    } satisfies Change;
  });
}

/** The entry for the nodes that are left. */
function narrowed({ written, writtenStopped }: Entry, rest: readonly string[]): EntryFields {
  const nodes = written?.filter((node) => rest.includes(node)) ?? rest;
  if (typeof writtenStopped !== 'object') return { nodes };
  const stopped = writtenStopped.filter((node) => rest.includes(node));
  return { nodes, stopped: stopped.length === nodes.length ? true : stopped.length ? stopped : undefined };
}

/** How a single entry that is gone comes back, where a command can do that. */
function undoOf({ space }: Site, gone: readonly Entry[], entries: readonly Entry[]): string | undefined {
  const [entry, second] = entries;
  if (!entry || second || entry.file === undefined || entry.stopped.length) return undefined;
  const words = [
    shellQuoted(space.show(entry.file)),
    ...(entry.rename === undefined ? [] : ['--name', shellQuoted(entry.rename)]),
    ...(entry.via === 'http' ? ['--via', 'http'] : []),
  ];
  return gone.length ? `bootstrap pods add ${words.join(' ')}${nodeOptions(entry.written)}` : undefined;
}
