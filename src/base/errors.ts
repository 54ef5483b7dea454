import type { Fault } from './fault.ts';

/** Every way a command can end other than well, and the process exit status of each (sysexits where there is one). */
export const EXIT_STATUS = {
  failed: 1,
  difference: 2,
  usage: 64,
  'cluster-file': 65,
  unreachable: 69,
  internal: 70,
  locked: 75,
  refused: 76,
} as const;

export type ErrorCode = keyof typeof EXIT_STATUS;

export interface ErrorDetails {
  /** What the user can do about it; printed on a line of its own. */
  readonly hint?: string;
  /** The single faults behind an error that sums up several. */
  readonly faults?: readonly Fault[];
  readonly cause?: unknown;
}

/** An error meant for the user. Anything else that reaches `src/cli` is a fault of this program. */
export class BootstrapError extends Error {
  override readonly name = 'BootstrapError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly faults: readonly Fault[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.faults = details.faults ?? [];
  }
}
