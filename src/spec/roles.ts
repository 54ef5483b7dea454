import { asList, asText } from './read-tree.ts';
import { at, type Tree } from './tree.ts';

/** The entry of a host that runs a kubelet and nothing of the control plane (`role: node`). */
export function isPlain(node: Tree): boolean {
  return asText(at(node, ['role'])) === 'node';
}

/** The entries of the masters. */
export function masterTrees(spec: Tree): readonly Tree[] {
  return asList(at(spec, ['nodes'])).filter((node) => !isPlain(node));
}
