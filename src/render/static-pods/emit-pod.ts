import { emitYaml, type YamlValue } from '../../base/yaml-emit.ts';
import type { JsonMap } from '../json.ts';

/** The manifest as it lies on the node: the same bytes for the same data. */
export function emitPod({ manifest }: { readonly manifest: JsonMap }): string {
  return emitYaml(manifest as YamlValue);
}
