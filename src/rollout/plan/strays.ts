import type { Bundle } from '../../bundle/bundle.ts';
import type { NodeFacts } from '../node-facts.ts';
import type { Clash } from '../plan.ts';
import { podOf, readManifest } from './read-manifest.ts';

/** Paths of what the kubelet runs without anybody having asked bootstrap for it. */
export function straysOf(bundle: Bundle, facts: NodeFacts, manifestsDir: string): readonly string[] {
  const known = new Set([...bundle.files, ...facts.index].map((file) => file.path));
  return facts.manifests
    .map((name) => `${manifestsDir}/${name}`)
    .filter((path) => !known.has(path))
    .sort();
}

/** Strays that declare a pod of ours, as far as their contents are known. */
export function clashesOf(
  bundle: Bundle,
  strays: readonly string[],
  contents: ReadonlyMap<string, Buffer>,
): readonly Clash[] {
  if (!strays.length) return [];
  const ours = new Map<string, string>();
  for (const { path, content, effect } of bundle.files) {
    const pod = effect.kind === 'manifest' ? podIn(content) : undefined;
    if (pod !== undefined) ours.set(pod, path);
  }
  return strays.flatMap((path) => {
    const pod = podIn(contents.get(path));
    const own = pod === undefined ? undefined : ours.get(pod);
    if (pod === undefined || own === undefined) return [];
    return [{ path, pod: pod.slice(pod.indexOf('/') + 1), ours: own, wins: path > own }];
  });
}

function podIn(content: Buffer | undefined): string | undefined {
  const manifest = content && readManifest(content);
  return manifest && podOf(manifest);
}
