import type { Fault } from '../../base/fault.ts';
import type { Patch } from '../../spec/cluster.ts';

/**
 * Faults that only a patch brings about, placed at the patch after which they are there.
 * @param check the faults after the first `count` patches
 */
export function blamePatches(
  faults: readonly Fault[],
  applied: readonly Patch[],
  check: (count: number) => readonly Fault[],
): readonly Fault[] {
  if (!faults.length || !applied.length) return faults;
  const steps = applied.map((_, count) => new Set(check(count).map(key)));
  return faults.map((fault) => {
    // Also what is mended in between counts from the last time that it came.
    const clean = steps.findLastIndex((step) => !step.has(key(fault)));
    const patch = clean < 0 ? undefined : applied[clean];
    return patch ? { ...fault, at: patch.at } : fault;
  });
}

function key({ severity, message }: Fault): string {
  return `${severity} ${message}`;
}
