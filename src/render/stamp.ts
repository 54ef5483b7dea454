import { createHash } from 'node:crypto';
import { isMap, type JsonMap, withEntries } from './json.ts';
import { isWithin } from './view/host-dirs.ts';

const DIGEST_ANNOTATION = 'bootstrap/inputs-digest';

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

/** Fifth step: the digest becomes part of the pod, so that another one makes the kubelet start it anew. */
export function stampPod(pod: JsonMap, digest: string): JsonMap {
  const metadata = pod['metadata'];
  if (!isMap(metadata)) return pod;
  const annotations = isMap(metadata['annotations']) ? metadata['annotations'] : {};
  return withEntries(pod, {
    metadata: withEntries(metadata, { annotations: withEntries(annotations, { [DIGEST_ANNOTATION]: digest }) }),
  });
}
