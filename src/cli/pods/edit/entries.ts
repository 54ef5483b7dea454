import { dirname, resolve } from 'node:path';
import { BootstrapError } from '../../../base/errors.ts';
import { describeOrigin, type Located, type Origin } from '../../../base/fault.ts';
import { podCalled } from '../../../render/static-pods/manifest-file.ts';
import { podsOfSource } from '../../../render/static-pods/plan-static-pods.ts';
import { allNodes } from '../../../spec/all-nodes.ts';
import type { Cluster } from '../../../spec/cluster.ts';
import { asBoolean, asList, asStrings, asText } from '../../../spec/read-tree.ts';
import { at, type Tree } from '../../../spec/tree.ts';
import type { Workspace } from '../../workspace.ts';

/** An entry of `spec.staticPods` of the cluster file. */
export interface Entry {
  readonly index: number;
  readonly at: Located;
  /** As it is written there; undefined where the manifest stands in the cluster file itself. */
  readonly source: string | undefined;
  /** The same as an absolute path. */
  readonly file: string | undefined;
  /** The other name that it gives its pod. */
  readonly rename: string | undefined;
  readonly via: 'file' | 'http';
  /** Nodes that it is for, in the order of the cluster file; and as they are written, where they are. */
  readonly nodes: readonly string[];
  readonly written: readonly string[] | undefined;
  /** Those of them on which it is stopped; and as that is written. */
  readonly stopped: readonly string[];
  readonly writtenStopped: boolean | readonly string[] | undefined;
  /** What its pods are called. */
  readonly pods: readonly string[];
}

/**
 * The entries of the cluster file, which was checked before.
 * @throws BootstrapError where they come from somewhere else: a change of the file would not count, or would hide them
 */
export function entriesOf({ clusterFile, show }: Workspace, cluster: Cluster): readonly Entry[] {
  const list = at(cluster.spec, ['staticPods']);
  const items = asList(list);
  const foreign = items.length && list ? originElsewhere(list) : undefined;
  if (foreign) throw elsewhere(foreign, show(clusterFile));
  const names = allNodes(cluster).map(({ name }) => name);
  const sources = allNodes(cluster).flatMap(({ staticPods }) => staticPods.map(({ source }) => source));
  return items.map((tree, index) => {
    const [nodes, stopped] = [at(tree, ['nodes']), at(tree, ['stopped'])];
    const written = nodes && asStrings(nodes);
    const writtenStopped = stopped?.kind === 'list' ? asStrings(stopped) : stopped && asBoolean(stopped);
    const mine = names.filter((name) => written?.includes(name) ?? true);
    const source = asText(at(tree, ['source']));
    const read = sources.find((each) => each.at.path === tree.path);
    return {
      index,
      at: tree,
      source,
      file: source === undefined ? undefined : resolve(dirname(clusterFile), source),
      rename: asText(at(tree, ['name'])),
      via: asText(at(tree, ['via'])) === 'http' ? 'http' : 'file',
      nodes: mine,
      written,
      stopped: mine.filter((name) =>
        typeof writtenStopped === 'object' ? writtenStopped.includes(name) : writtenStopped === true,
      ),
      writtenStopped,
      pods: read ? podsOfSource(read).map(({ namespace, name }) => podCalled(namespace, name)) : [],
    };
  });
}

/** Where an entry stands, for messages: `cluster.yaml:12:7`. */
export const placeOf = ({ at: { origin } }: Entry): string => describeOrigin(origin);

/** The first part of a tree that the cluster file itself does not say. */
function originElsewhere(tree: Tree): Origin | undefined {
  if (tree.origin.kind !== 'file') return tree.origin;
  const below = tree.kind === 'map' ? [...tree.entries.values()] : tree.kind === 'list' ? tree.items : [];
  for (const each of below) {
    const found = originElsewhere(each);
    if (found) return found;
  }
  return undefined;
}

function elsewhere(origin: Origin, clusterFile: string): BootstrapError {
  if (origin.kind === 'profile') {
    return new BootstrapError(
      'cluster-file',
      `spec.staticPods stands in the profile ${origin.profile} (${describeOrigin(origin)}), not in ${clusterFile}`,
      { hint: 'a list there would replace it: change the profile, then run `bootstrap apply`' },
    );
  }
  return new BootstrapError(
    'usage',
    `spec.staticPods is given by ${describeOrigin(origin)}, for this run only, so ${clusterFile} cannot be changed by it`,
    { hint: 'leave that option out' },
  );
}
