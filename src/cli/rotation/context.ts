import type { Pki } from '../../pki/pki.ts';
import type { Journal } from '../../pki/rotation/journal.ts';
import type { Crew } from '../rollout/crew.ts';
import type { RotationRun } from './run.ts';

/** What the acts and checks of one phase work with: ways to all masters, with the identities of this phase. */
export interface RotationContext {
  readonly run: RotationRun;
  readonly crew: Crew;
  readonly journal: Journal;
  readonly pki: Pki;
  readonly signal: AbortSignal;
}
