import type { ApplyContext } from '../../rollout/apply/context.ts';
import type { Mode } from '../../rollout/plan.ts';
import type { ApplyInput } from './apply-cluster.ts';
import { applyProgress } from './apply-progress.ts';
import type { Crew } from './crew.ts';

/** Seconds that the rest of the cluster may take to be well before a step. */
const GATE_SECONDS = 60;

export interface Run {
  readonly crew: Crew;
  readonly signal: AbortSignal;
  /** Gets the revisions that have become current. */
  readonly revisions: Map<string, number>;
  readonly nodes: readonly string[];
  readonly mode: Mode;
}

/** What all steps of this run have in common; what they tell is shown. */
export function applyContext(
  { io, times }: Pick<ApplyInput, 'io' | 'times'>,
  { crew, signal, revisions, nodes, mode }: Run,
): ApplyContext {
  const progress = applyProgress(io, nodes);
  return {
    observer: crew.observer,
    tell: (event) => {
      if (event.kind === 'committed') revisions.set(event.node, event.revision);
      progress(event);
    },
    signal,
    gateSeconds: GATE_SECONDS,
    proofSeconds: mode === 'rolling' ? times.proofSeconds : times.bootSeconds,
    confirmSeconds: times.confirmSeconds,
  };
}
