import type { Located } from '../../base/fault.ts';
import type { Cluster, ClusterNode } from '../../spec/cluster.ts';
import { locate, type Segment } from '../../spec/tree.ts';

/** A field that a value is computed from: in the spec, in the node's own entry, or in its merged component blocks. */
export type SpecPath = readonly ['spec' | 'node' | 'block', ...Segment[]];

/** For every name in a view the fields that it is computed from, for `explain`. */
export type ViewSources<View> = { readonly [Name in keyof View]: readonly SpecPath[] };

/** Where those fields were written for this node. */
export function locateSource(cluster: Cluster, node: ClusterNode, [where, ...path]: SpecPath): Located {
  if (where === 'block') return locate(node.blocks, path);
  if (where === 'spec') return locate(cluster.spec, path);
  return locate(cluster.spec, ['nodes', cluster.nodes.indexOf(node), ...path]);
}
