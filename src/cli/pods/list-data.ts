import { describeOrigin } from '../../base/fault.ts';
import { podNamed } from '../../render/static-pods/manifest-file.ts';
import { runningDigest } from '../../rollout/pods/runs.ts';
import type { PodProblem, PodRow, PodsTruth } from '../../rollout/pods/truth-types.ts';
import type { Json } from '../../spec/tree.ts';

/** The list for `-o json` and `-o yaml`. Keys are stable; what is not known is null. */
export function listData({ rows, problems, notes }: PodsTruth): Json {
  return {
    ok: problems.length === 0,
    pods: rows.map((row) => ({
      pod: row.pod,
      ...podNamed(row.pod),
      ...rowData(row),
      problems: problemsOf(row, problems),
    })),
    nodes: problems
      .filter(({ pod }) => pod === undefined)
      .map(({ node, ...problem }) => ({ node, ...problemData(problem) })),
    notes: [...notes],
  };
}

/** One pod on one node. */
export function rowData({ node, declared, source, path, run, mirror }: PodRow): { readonly [key: string]: Json } {
  return {
    node,
    declared: declared
      ? {
          state: declared.isStopped ? 'stopped' : 'running',
          via: declared.via,
          at: describeOrigin(declared.at.origin),
          source: known(declared.source),
          digest: known(declared.digest),
        }
      : null,
    source,
    file: known(path),
    runtime: {
      state: run.state,
      since: known(run.since),
      restarts: run.pod ? run.restarts : null,
      uid: known(run.pod?.uid),
      from: known(run.pod?.configSource),
      digest: known(run.pod && runningDigest(run.pod)),
      containers: (run.pod?.containers ?? []).map(({ name, id, image, state, restarts, startedAt }) => ({
        name,
        id,
        image,
        state,
        restarts,
        startedAt: known(startedAt),
      })),
    },
    mirror: {
      state: mirror.kind,
      ...('pod' in mirror && {
        phase: mirror.pod.phase,
        ready: mirror.pod.ready,
        restarts: mirror.pod.restarts,
        waiting: known(mirror.pod.waitingReason),
        labels: mirror.pod.labels,
      }),
    },
  };
}

/** What is wrong with one pod on one node. */
export function problemsOf(row: PodRow, problems: readonly PodProblem[]): readonly Json[] {
  return problems.filter(({ node, pod }) => node === row.node && pod === row.pod).map(problemData);
}

function problemData({ code, what, todo }: Pick<PodProblem, 'code' | 'what' | 'todo'>): {
  readonly [key: string]: Json;
} {
  return { code, what, todo };
}

function known<T extends Json>(value: T | undefined): T | null {
  return value ?? null;
}
