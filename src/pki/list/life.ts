import { days } from '../fit.ts';

export interface Life {
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Where a certificate is in its time. */
export type LifeState = 'ok' | 'ending' | 'expired' | 'not-yet-valid';

const DAY = 864e5;
const THIRTY_DAYS = 30 * DAY;

/** @param within milliseconds: what ends so soon, or exactly then, is `ending` */
export function lifeState({ notBefore, notAfter }: Life, now: number, within: number): LifeState {
  if (notAfter <= now) return 'expired';
  if (notBefore > now) return 'not-yet-valid';
  return notAfter - now <= within ? 'ending' : 'ok';
}

/** Thirty days, or a third of a life (milliseconds) where that is less: from then on `render` issues again. */
export function usualWindow(life: number): number {
  return Math.min(THIRTY_DAYS, life / 3);
}

/** Whole days that are left, of the last one 0; for what has ended the whole days since then, negative. */
export function daysLeft(notAfter: number, now: number): number {
  return Math.trunc((notAfter - now) / DAY) + 0;
}

/** `12 days left`, `ended less than a day ago`. */
export function leftInWords(notAfter: number, now: number): string {
  return notAfter > now ? `${days(notAfter - now)} left` : `ended ${days(now - notAfter)} ago`;
}
