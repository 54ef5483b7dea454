import type { Tree } from '../../spec/tree.ts';

/**
 * A document as the kubelet reads it: a field without a value is no field, and a number with a leading zero is octal
 * (YAML 1.1, which sigs.k8s.io/yaml reads; `defaultMode: 0644` is 420, not 644).
 */
export function asKubernetesReads(tree: Tree): Tree {
  switch (tree.kind) {
    case 'scalar':
      if (typeof tree.value !== 'number' || !/^[-+]?0[0-7]+$/.test(tree.source)) return tree;
      return { ...tree, value: Number.parseInt(tree.source, 8) };
    case 'list':
      return { ...tree, items: tree.items.map(asKubernetesReads) };
    case 'map': {
      const entries = [...tree.entries].flatMap(([key, value]) =>
        value.kind === 'scalar' && value.value === null ? [] : [[key, asKubernetesReads(value)] as const],
      );
      return { ...tree, entries: new Map(entries) };
    }
  }
}
