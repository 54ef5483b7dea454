import type { Reach } from '../../deliver/transport/transport.ts';
import type { ApiClient, CallOptions } from './api-client.ts';
import { openHttp } from './https-client.ts';
import { seenIn } from './probe-error.ts';

/** What a process says of itself. */
export interface Health {
  readonly ok: boolean;
  /** The checks that it says fail: `etcd`, `poststarthook/rbac/bootstrap-roles`. */
  readonly failing: readonly string[];
  /** One phrase: `ok`, `not ready: etcd`, or why it gave no answer. */
  readonly seen: string;
}

/** Whether the apiserver is ready to serve. Never a ProbeError; only an interruption is thrown. */
export function readyz(api: ApiClient, options: CallOptions = {}): Promise<Health> {
  return apiHealth(api, '/readyz', 'not ready', options);
}

/** Whether the apiserver works at all. Never a ProbeError; only an interruption is thrown. */
export function livez(api: ApiClient, options: CallOptions = {}): Promise<Health> {
  return apiHealth(api, '/livez', 'not live', options);
}

async function apiHealth(api: ApiClient, path: string, word: string, options: CallOptions): Promise<Health> {
  try {
    // a kept connection may lead to a process that is about to go, so each look is made over a new one
    const answer = await api.request('GET', path, { seconds: 5, ...options, query: { verbose: 'true' }, fresh: true });
    return healthOf(answer.status, answer.text, word);
  } catch (error) {
    return notOk(seenIn(error));
  }
}

/** Failing checks that are called by name in a phrase: an apiserver that starts fails a dozen. */
const NAMED = 4;

/** Reads the answer of a Kubernetes health endpoint: lines `[+]ping ok` and `[-]etcd failed: reason withheld`. */
export function healthOf(status: number, text: string, word = 'unhealthy'): Health {
  if (status === 200) return { ok: true, failing: [], seen: 'ok' };
  const failing = [...text.matchAll(/^\[-\](\S+)/gm)].map(([, name = '']) => name);
  // 401 and 403 come from a process that works but does not know us
  const rest = failing.length > NAMED ? ` and ${failing.length - NAMED} more` : '';
  const named = failing.slice(0, NAMED).join(', ');
  const seen = named ? `${word}: ${named}${rest}` : `${word} (status ${status})`;
  return { ok: false, failing, seen };
}

/**
 * Whether a controller-manager or scheduler says that it is well, over HTTPS.
 *
 * Its certificate is not verified: unless it is given one, it makes one for itself at each start, in memory, that nobody
 * can know beforehand. No certificate of ours is shown either: health is open to everybody
 * (--authorization-always-allow-paths). So nothing secret is sent, and all that one who took the port could do is to lie
 * about the health of a process that is down; that the pod is Ready and the new one is proven through the API as well.
 */
export function componentHealth(what: string, reach: Reach, options: HealthOptions = {}): Promise<Health> {
  return plainHealth(what, reach, { server: undefined }, options);
}

/** Whether the kubelet says that it is well: plain HTTP, on loopback (healthzBindAddress, healthzPort). */
export function kubeletHealth(what: string, reach: Reach, options: HealthOptions = {}): Promise<Health> {
  return plainHealth(what, reach, undefined, options);
}

export interface HealthOptions {
  readonly seconds?: number;
  readonly signal?: AbortSignal;
  /** Default `/healthz`. */
  readonly path?: string;
}

async function plainHealth(
  what: string,
  reach: Reach,
  tls: { readonly server: undefined } | undefined,
  { seconds = 5, signal, path = '/healthz' }: HealthOptions,
): Promise<Health> {
  const http = openHttp({ what, reach, tls });
  try {
    const milliseconds = seconds * 1000;
    const answer = await http.request({ method: 'GET', path, milliseconds, fresh: true, ...(signal && { signal }) });
    return healthOf(answer.status, answer.text);
  } catch (error) {
    return notOk(seenIn(error));
  } finally {
    http.close();
  }
}

function notOk(seen: string): Health {
  return { ok: false, failing: [], seen };
}
