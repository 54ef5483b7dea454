import type { GivenSources } from '../spec/contents.ts';

/** A cluster file that is about to be changed: what it will say holds already, and it is written once that is decided. */
export interface ClusterFileEdit {
  /** Without byte-order mark, with LF. */
  readonly text: string;
  /** Files that it names and that are not there yet. */
  readonly sources: GivenSources;
  /** Is called under the lock of the cluster directory. @throws BootstrapError where the file has changed meanwhile */
  readonly write: () => Promise<void>;
}

/** Options that every command understands, as commander hands them over. */
export interface CommonOptions {
  readonly dir?: string;
  readonly file?: string;
  readonly profile?: readonly string[];
  readonly set?: readonly string[];
  readonly output?: 'text' | 'json' | 'yaml';
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
  /** Not of the command line: `pods add` and its like go on as `apply` or `plan`. */
  readonly edit?: ClusterFileEdit;
}
