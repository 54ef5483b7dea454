import { errorAt, type Fault } from '../../base/fault.ts';
import type { Patch, PatchTarget } from '../../spec/cluster.ts';
import { isMap, type JsonMap } from '../json.ts';
import { JsonPatchError, jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';

export interface Patched {
  readonly data: JsonMap;
  /** The patches that were laid on it, in order. */
  readonly applied: readonly Patch[];
  readonly faults: readonly Fault[];
}

/** Lays the patches for `target` over `data`, one after the other; one that fails is left out and reported. */
export function applyPatches(data: JsonMap, target: PatchTarget, patches: readonly Patch[]): Patched {
  const applied: Patch[] = [];
  const faults: Fault[] = [];
  let patched = data;
  for (const patch of patches.filter((p) => p.target === target)) {
    try {
      const next = patch.type === 'json' ? jsonPatch(patched, patch.patch) : mergePatch(patched, patch.patch);
      if (!isMap(next)) {
        faults.push(errorAt(patch.at, `makes something of ${target} that is no map`));
        continue;
      }
      patched = next;
      applied.push(patch);
    } catch (error) {
      if (!(error instanceof JsonPatchError)) throw error;
      faults.push(errorAt(patch.at, `operation ${error.operation} on ${target}: ${error.message}`));
    }
  }
  return { data: patched, applied, faults };
}
