import type { Tell } from './events.ts';
import type { Observer } from './observer.ts';

/** What all steps of one run have in common. */
export interface ApplyContext {
  readonly observer: Observer;
  readonly tell: Tell;
  /** The user has interrupted it. */
  readonly signal: AbortSignal;
  /** Seconds that a master may take to prove what it does. */
  readonly proofSeconds: number;
  /** Seconds that the rest of the cluster may take to be well before a step. */
  readonly gateSeconds: number;
  /** Seconds after which a node takes back by itself what nobody has confirmed. */
  readonly confirmSeconds: number;
}
