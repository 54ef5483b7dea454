import { describeFault, type Fault, uniqueFaults } from '../../base/fault.ts';
import type { Journal } from '../../pki/rotation/journal.ts';
import { writeJournal } from '../../pki/rotation/settle.ts';
import type { PkiStore } from '../../pki/store.ts';
import type { Io } from '../io.ts';
import type { CheckedCluster } from '../load.ts';
import { reportFaults } from '../report.ts';
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
  /** Shows warnings, each once however many phases come upon it. */
  readonly warn: (faults: readonly Fault[]) => void;
}

export function warnOnce(io: Io): RotationRun['warn'] {
  const told = new Set<string>();
  return (faults) => {
    const fresh = uniqueFaults(faults).filter((fault) => !told.has(describeFault(fault)));
    for (const fault of fresh) told.add(describeFault(fault));
    reportFaults(fresh, io);
  };
}

/** Notes how far it is, durably, before anything else is done. */
export async function noted(run: RotationRun, journal: Journal): Promise<Journal> {
  await writeJournal(run.store, journal);
  return journal;
}
