import { BootstrapError } from '../../base/errors.ts';

/**
 * What can go wrong on the way to an answer.
 * - `refused`: nobody listens there.
 * - `hung-up`: closed again before a single byte. Through a port that ssh forwards this is what it looks like where nobody
 *   listens at the other end, but also where sshd does not allow forwarding.
 * - `unreachable`: the way there is broken: no route, or the forwarded port is gone.
 * - `timeout`: no answer in time.
 * - `tls`: one side does not take the other's certificate, or the other side does not speak TLS.
 * - `expired`: the same, where nothing else is wrong with the certificate but that its time is over.
 * - `broken`: the connection ended in the middle.
 * - `answer`: an answer that is not usable: too long, no HTTP, no JSON.
 * - `http`: a status of 400 or more.
 */
export type ProbeProblem =
  | 'refused'
  | 'hung-up'
  | 'unreachable'
  | 'timeout'
  | 'tls'
  | 'expired'
  | 'broken'
  | 'answer'
  | 'http';

/** Somebody is there. */
const ANSWERS: ReadonlySet<ProbeProblem> = new Set(['tls', 'expired', 'answer', 'http']);

/** Why somebody gave no usable answer. */
export class ProbeError extends BootstrapError {
  readonly problem: ProbeProblem;
  /** What was seen, without who: `nobody listens there`. */
  readonly seen: string;
  /** Of the answer, where there was one. */
  readonly status: number | undefined;
  /** Kubernetes' word for it: `NotFound`, `Conflict`, `Forbidden`, … */
  readonly statusReason: string | undefined;

  constructor(
    who: string,
    problem: ProbeProblem,
    seen: string,
    more: { readonly status?: number; readonly statusReason?: string } = {},
  ) {
    super(ANSWERS.has(problem) ? 'failed' : 'unreachable', `${who}: ${seen}`);
    this.problem = problem;
    this.seen = seen;
    this.status = more.status;
    this.statusReason = more.statusReason;
  }
}

/**
 * What a check that reports in words says of a failure.
 * @throws whatever is no ProbeError: an interruption, or a fault of this program
 */
export function seenIn(error: unknown): string {
  if (error instanceof ProbeError) return error.seen;
  throw error;
}
