import type { RolloutOptions } from '../../rollout/options.ts';

/** Options of the commands that change the cluster file and go on as `apply`. */
export interface PodsChangeOptions extends RolloutOptions {
  /** False with --no-apply: only the cluster file. */
  readonly apply?: boolean;
}

export interface PodsAddOptions extends PodsChangeOptions {
  /** Another name for a single pod. */
  readonly name?: string;
  readonly via?: 'file' | 'http';
}
