/** `starting`: on its way, nothing says that it fails. `unknown`: could not be seen. */
export type State = 'ok' | 'starting' | 'failing' | 'absent' | 'unknown';

/** Why a component is not well, as far as it decides on what to do about it. */
type Cause = 'none' | 'no-manifest' | 'older-manifest' | 'image' | 'not-well' | 'not-seen';

export interface Verdict {
  readonly state: State;
  /** In words; '' where there is nothing to say. */
  readonly detail: string;
  readonly cause: Cause;
}
