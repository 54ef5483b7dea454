import { at, fromJson, type MapTree, mergeTrees, type Tree } from './tree.ts';

/** The component blocks that may be overridden for one node: where each stands in the spec and in a node's entry. */
const BLOCKS = [
  ['apiServer', ['apiServer']],
  ['controllerManager', ['controllerManager']],
  ['scheduler', ['scheduler']],
  ['etcd', ['etcd', 'local']],
  ['kubelet', ['kubelet']],
] as const;

/** One node's component blocks: the cluster-wide ones with the node's own laid over them. */
export function blocksOf(spec: MapTree, node: Tree): MapTree {
  const entries = new Map<string, Tree>();
  for (const [name, path] of BLOCKS) {
    const empty = fromJson({}, ['spec', ...path].join('.'), spec.origin);
    entries.set(name, mergeTrees(at(spec, path), at(node, path)) ?? empty);
  }
  return { kind: 'map', path: node.path, origin: node.origin, entries };
}
