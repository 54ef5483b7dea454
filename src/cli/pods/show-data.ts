import { describeOrigin } from '../../base/fault.ts';
import { podNamed } from '../../render/static-pods/manifest-file.ts';
import type { DeclaredPod } from '../../rollout/pods/declared.ts';
import type { PodProblem, PodRow, PodsTruth } from '../../rollout/pods/truth-types.ts';
import type { Json } from '../../spec/tree.ts';
import { problemsOf, rowData } from './list-data.ts';

/** One pod, as far as it is known. */
export interface ShownPod {
  readonly pod: string;
  /** On each node that shall have it, also on those that were not asked for; empty where nobody has declared it. */
  readonly declared: readonly DeclaredPod[];
  readonly rows: readonly PodRow[];
  /** Its own, and those of whole nodes. */
  readonly problems: readonly PodProblem[];
  readonly notes: PodsTruth['notes'];
}

/** One pod for `-o json` and `-o yaml`. Keys are stable; what is not known is null. */
export function showData({ pod, declared, rows, problems, notes }: ShownPod): Json {
  return {
    pod,
    ...podNamed(pod),
    ok: problems.length === 0,
    manifest: manifestOf(declared) ?? null,
    declared: declared.map(({ node, at, source, via, isStopped }) => ({
      node,
      at: describeOrigin(at.origin),
      source: source ?? null,
      via,
      state: isStopped ? 'stopped' : 'running',
    })),
    nodes: rows.map((row) => ({ ...rowData(row), problems: problemsOf(row, problems) })),
    notes: [...notes],
  };
}

/** As it is delivered; it is the same on all nodes, but for the digest of files that it mounts. */
export function manifestOf(declared: readonly DeclaredPod[]): DeclaredPod['manifest'] | undefined {
  return (declared.find(({ digest }) => digest !== undefined) ?? declared[0])?.manifest;
}
