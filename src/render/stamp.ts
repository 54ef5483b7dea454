import { createHash } from 'node:crypto';
import { isMap, type JsonMap, withEntries } from './json.ts';
import { isWithin } from './view/host-dirs.ts';

/** Over the files that the pod's process reads only at start. */
export const INPUTS_DIGEST = 'bootstrap/inputs-digest';
/** Over the manifest itself: the mirror pod that carries it was made of this very one. */
export const MANIFEST_DIGEST = 'bootstrap/manifest-digest';

interface Content {
  readonly path: string;
  readonly content: Buffer;
}

/** SHA-256 (hex) over path and content of those files that are among `starts` or below a directory that is. */
export function inputsDigest(starts: ReadonlySet<string>, files: readonly Content[]): string {
  const hash = createHash('sha256');
  const inputs = files.filter(({ path }) => isStartFile(starts, path)).sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, content } of inputs) hash.update(`${path}\0${content.length}\0`).update(content);
  return hash.digest('hex');
}

export function isStartFile(starts: ReadonlySet<string>, path: string): boolean {
  return starts.has(path) || [...starts].some((dir) => isWithin(path, dir));
}

/**
 * Fifth step: the digest becomes part of the pod, so that another one makes the kubelet start it anew; and one of all
 * that, by which the pod that runs is told from the one before.
 */
export function stampPod(pod: JsonMap, inputs: string): JsonMap {
  const stamped = annotated(pod, INPUTS_DIGEST, inputs);
  return annotated(stamped, MANIFEST_DIGEST, createHash('sha256').update(JSON.stringify(stamped)).digest('hex'));
}

function annotated(pod: JsonMap, name: string, value: string): JsonMap {
  const metadata = pod['metadata'];
  if (!isMap(metadata)) return pod;
  const annotations = isMap(metadata['annotations']) ? metadata['annotations'] : {};
  return withEntries(pod, {
    metadata: withEntries(metadata, { annotations: withEntries(annotations, { [name]: value }) }),
  });
}
