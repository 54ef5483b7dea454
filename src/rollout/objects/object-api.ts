import { BootstrapError } from '../../base/errors.ts';
import { pause } from '../../base/pause.ts';
import { below } from '../../render/json.ts';
import type { Json } from '../../spec/tree.ts';
import type { ApiAnswer, ApiClient, ApiRequest } from '../probe/api-client.ts';
import { ProbeError } from '../probe/probe-error.ts';

/** What is needed of an API client here. */
export type ObjectApi = Pick<ApiClient, 'what' | 'request'>;

export interface Patience {
  /** How long an apiserver may fail to answer, or answer that it cannot just now. */
  readonly seconds: number;
  readonly signal?: AbortSignal;
  /** Milliseconds that only go up. */
  readonly now: () => number;
  readonly pause: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** Takes the process's own clock. */
export function patience(seconds: number, signal?: AbortSignal): Patience {
  return { seconds, now: () => performance.now(), pause, ...(signal && { signal }) };
}

/** Problems of a connection that may be over in a moment; a certificate that is not trusted stays so. */
const PASSING: ReadonlySet<string> = new Set(['refused', 'hung-up', 'unreachable', 'timeout', 'broken']);

/** Pauses between two attempts, in ms: the first one, each then twice as long, up to the longest. */
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 3000;

/** The pause after one of so many milliseconds, or the first of all. */
export function nextPause(last?: number): number {
  return last === undefined ? FIRST_PAUSE : Math.min(last * 2, LONGEST_PAUSE);
}

/**
 * Calls the API until it answers to the point: a connection that fails, 429, 5xx and what `again` says are tried again.
 * @returns the last answer, also where it is still one that is tried again
 * @throws ProbeError where there was no answer at all in that time; BootstrapError where it was interrupted
 */
export async function callPatiently(
  api: ObjectApi,
  method: string,
  path: string,
  request: ApiRequest,
  patient: Patience,
  again: (answer: ApiAnswer) => boolean = () => false,
): Promise<ApiAnswer> {
  const { seconds, signal, now, pause } = patient;
  const end = now() + seconds * 1000;
  for (let wait = nextPause(); ; wait = nextPause(wait)) {
    if (signal?.aborted) throw new BootstrapError('failed', 'interrupted');
    const left = () => end - now();
    try {
      const answer = await api.request(method, path, { ...request, ...(signal && { signal }) });
      const isPassing = answer.status === 429 || (answer.status >= 500 && !isMistyped(answer)) || again(answer);
      if (!isPassing || left() <= 0) return answer;
    } catch (error) {
      const isPassing = error instanceof ProbeError && PASSING.has(error.problem);
      if (!isPassing || left() <= 0) throw error;
    }
    await pause(Math.min(wait, Math.max(0, left())), signal);
  }
}

/** The apiserver says 500 to an object that its schema does not fit (apimachinery, managedfields), for ever. */
function isMistyped({ status, body }: ApiAnswer): boolean {
  const message = below(body, 'message');
  return status === 500 && typeof message === 'string' && message.includes('failed to create typed patch object');
}

export function isGood({ status }: ApiAnswer): boolean {
  return status >= 200 && status < 300;
}

export function isMissing({ status, body }: ApiAnswer): boolean {
  return status === 404 && below(body, 'reason') === 'NotFound';
}

/** Kubernetes' word for what was wrong, e.g. `Forbidden`; the status where it has none. */
export function reasonOf({ status, body }: ApiAnswer): string {
  const reason: Json | undefined = below(body, 'reason');
  return typeof reason === 'string' && reason ? `${status} ${reason}` : String(status);
}

/** What Kubernetes says of a refusal, in its own words. Never for what is secret: it may quote values. */
export function messageOf({ body, text }: ApiAnswer): string {
  const message = below(body, 'message');
  return typeof message === 'string' && message ? message : text.trim().slice(0, 200);
}
