import type { JsonMap } from '../../render/json.ts';
import { readPods, readPodTrees } from '../../render/static-pods/read-pods.ts';
import type { StaticPodSource } from '../../spec/cluster.ts';
import { asText } from '../../spec/read-tree.ts';
import { setAt, toJson } from '../../spec/tree.ts';

interface SourcePod {
  readonly namespace: string;
  readonly name: string;
  readonly manifest: JsonMap;
}

/** The pods of an entry of `spec.staticPods`, which was checked before. */
export function podsOfSource({ from, name }: StaticPodSource): readonly SourcePod[] {
  const { pods } = from.kind === 'file' ? readPods(from) : readPodTrees([from.tree]);
  if (!name) return pods;
  return pods.slice(0, 1).map((pod) => ({
    namespace: pod.namespace,
    name: asText(name) ?? pod.name,
    manifest: toJson(setAt(pod.tree, ['metadata', 'name'], name)) as JsonMap,
  }));
}
