import { BootstrapError } from '../../base/errors.ts';
import { parseTime } from '../format.ts';
import type { CommonOptions } from '../options.ts';

/** Options of commands that change live masters. */
export interface RolloutOptions extends CommonOptions {
  readonly node?: readonly string[];
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly timeout?: string;
  readonly confirmTimeout?: string;
}

export interface ApplyOptions extends RolloutOptions {
  /** Only the objects in the API, over the network, without a connection to any master. */
  readonly objects?: boolean;
}

export interface RolloutTimes {
  /** Seconds that a master may take to prove itself. */
  readonly proofSeconds: number;
  /** The same where all come up together and have yet to pull every image. */
  readonly bootSeconds: number;
  /** Seconds after which it takes an unconfirmed revision back by itself. */
  readonly confirmSeconds: number;
}

/** What is left for reading a failing container's words and taking the revision back, before the node does so itself. */
const MARGIN = 60;

/** Seconds for a first boot where nothing was said. */
const BOOT = 15 * 60;

/** @throws BootstrapError `usage` where a time is none, or the node would not wait for the admin's side */
export function rolloutTimes(options: RolloutOptions): RolloutTimes {
  const { timeout = '5m', confirmTimeout = '10m' } = options;
  const proofSeconds = Math.ceil(parseTime('--timeout', timeout) / 1000);
  const confirmSeconds = Math.ceil(parseTime('--confirm-timeout', confirmTimeout) / 1000);
  if (proofSeconds < 1) throw new BootstrapError('usage', `--timeout ${timeout}: nothing is proven in no time`);
  if (confirmSeconds < proofSeconds + MARGIN) {
    throw new BootstrapError(
      'usage',
      `--confirm-timeout ${confirmTimeout} must be at least ${MARGIN} s longer than --timeout (${timeout})`,
      { hint: 'otherwise a node goes back to what it had while its new revision is still being proven' },
    );
  }
  return { proofSeconds, bootSeconds: bootSeconds(options), confirmSeconds };
}

/** Seconds that masters which come up by themselves, or all together, may take. @throws BootstrapError `usage` */
export function bootSeconds({ timeout }: Pick<RolloutOptions, 'timeout'>): number {
  return timeout === undefined ? BOOT : Math.ceil(parseTime('--timeout', timeout) / 1000);
}
