import { parseAllDocuments } from 'yaml';
import { below, isMap, type JsonMap, sameJson } from '../../render/json.ts';
import { readBlockYaml } from '../../render/read-block-yaml.ts';
import { podCalled, podNamed } from '../../render/static-pods/manifest-file.ts';
import type { Json } from '../../spec/tree.ts';

/** The kubelet takes ten times as much (pkg/kubelet/config/file.go), but no manifest is that long. */
const MAX_LENGTH = 1 << 20;

/** A manifest as data, the first document as the kubelet has it; undefined where it is no map in YAML or JSON. */
export function readManifest(content: Buffer): JsonMap | undefined {
  if (content.length > MAX_LENGTH) return undefined;
  const text = content.toString();
  const data = readBlockYaml(text) ?? parsed(text, '1.2');
  return isMap(data) ? data : undefined;
}

function parsed(text: string, version: '1.1' | '1.2'): Json | undefined {
  try {
    const [document] = parseAllDocuments(text, { version, logLevel: 'silent' });
    if (!document || !('toJS' in document) || document.errors.length) return undefined;
    return document.toJS({ maxAliasCount: 20 }) as Json;
  } catch {
    return undefined;
  }
}

/**
 * Whether two manifests are the same to the kubelet: comments, spaces and the order of keys do not matter to it
 * (shared/reference/kubelet-static-pods.md). They must be so by YAML 1.2 and by 1.1, which Go reads for the most part.
 */
export function sameManifest(a: Buffer, b: Buffer): boolean {
  if (a.equals(b)) return true;
  const [before, after] = [readManifest(a), readManifest(b)];
  if (!before || !after || !sameJson(before, after)) return false;
  const [older, newer] = [parsed(a.toString(), '1.1'), parsed(b.toString(), '1.1')];
  return older !== undefined && sameJson(older, newer);
}

/** What the pod that a manifest declares is called. */
export function calledIn(manifest: JsonMap): string | undefined {
  const pod = podOf(manifest);
  if (pod === undefined) return undefined;
  const { namespace, name } = podNamed(pod);
  return podCalled(namespace, name);
}

/** `namespace/name` of the pod that a manifest declares. */
export function podOf(manifest: JsonMap): string | undefined {
  const name = below(manifest, 'metadata', 'name');
  const namespace = below(manifest, 'metadata', 'namespace');
  // the kubelet fills in `default` (pkg/kubelet/config/common.go)
  const space = typeof namespace === 'string' && namespace ? namespace : 'default';
  return typeof name === 'string' && name ? `${space}/${name}` : undefined;
}
