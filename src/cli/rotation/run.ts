import type { Journal } from '../../pki/rotation/journal.ts';
import { writeJournal } from '../../pki/rotation/settle.ts';
import type { PkiStore } from '../../pki/store.ts';
import type { Io } from '../io.ts';
import type { CheckedCluster } from '../load.ts';
import type { Workspace } from '../workspace.ts';
import type { RotationSettings } from './options.ts';

/** One run of a command that carries a rotation on. The caller holds the directory's lock. */
export interface RotationRun {
  readonly io: Io;
  readonly space: Workspace;
  readonly loaded: CheckedCluster;
  /** Without the rotation's overlay. */
  readonly store: PkiStore;
  readonly settings: RotationSettings;
  readonly verbose: boolean;
}

/** Notes how far it is, durably, before anything else is done. */
export async function noted(run: RotationRun, journal: Journal): Promise<Journal> {
  await writeJournal(run.store, journal);
  return journal;
}
