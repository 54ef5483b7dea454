import type { Located } from '../../base/fault.ts';
import type { Cluster, ClusterNode } from '../../spec/cluster.ts';
import { at, locate, type Segment } from '../../spec/tree.ts';

/** A field that a value is computed from: in the spec, in the node's own entry, or in its merged component blocks. */
export type SpecPath = readonly ['spec' | 'node' | 'block', ...Segment[]];

/** For every name in a view the fields that it is computed from, for `explain`. */
export type ViewSources<View> = { readonly [Name in keyof View]: readonly SpecPath[] };

/**
 * Where the fields were written for this node. A value may depend on fields of which only some are set: then only those
 * are given, and where none is, all of them.
 */
export function locateSources(cluster: Cluster, node: ClusterNode, paths: readonly SpecPath[]): readonly Located[] {
  const all = paths.map(([where, ...path]) => {
    const root = where === 'block' ? node.blocks : cluster.spec;
    const full = where === 'node' ? ['nodes', node.index, ...path] : path;
    return { located: locate(root, full), isSet: at(root, full) !== undefined };
  });
  const set = all.filter(({ isSet }) => isSet);
  const unique = new Map((set.length ? set : all).map(({ located }) => [located.path, located]));
  return [...unique.values()];
}
