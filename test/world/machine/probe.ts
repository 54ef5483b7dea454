import { get as getPlain } from 'node:http';
import { get } from 'node:https';
import { at, listAt, mapAt, textAt } from '../json.ts';
import type { StaticPod } from './manifests.ts';

/**
 * Asks the pod's readiness probe once; where it has none, its startup probe, for it is not ready before that was passed
 * (pkg/kubelet/prober). A pod without probes is ready while it runs.
 */
export function probe(pod: StaticPod): Promise<boolean> {
  const [container] = listAt(pod.manifest, 'spec', 'containers');
  const wanted = mapAt(container, at(container, 'readinessProbe') ? 'readinessProbe' : 'startupProbe');
  const http = mapAt(wanted, 'httpGet');
  const port = portOf(container, http['port']);
  if (!port) return Promise.resolve(true);
  // etcd has /livez and /readyz since 3.4.29 and 3.5.11, Debian 12's has only what they were made from
  const path = textAt(container, 'name') === 'etcd' ? '/health' : textAt(http, 'path');
  const timeout = Number(wanted['timeoutSeconds'] ?? 1) * 1000;
  // the addresses of the world's nodes are nobody's: all of them are on loopback
  const where = { host: '127.0.0.1', port, path, timeout, agent: false } as const;
  return new Promise((resolve) => {
    const answered = (answer: { statusCode?: number | undefined; resume(): unknown }) => {
      answer.resume();
      resolve((answer.statusCode ?? 500) < 400);
    };
    const request =
      http['scheme'] === 'HTTPS' ? get({ ...where, rejectUnauthorized: false }, answered) : getPlain(where, answered);
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

function portOf(container: Parameters<typeof listAt>[0], port: unknown): number {
  if (typeof port === 'number') return port;
  const named = listAt(container, 'ports').find((each) => textAt(each, 'name') === port);
  return Number(at(named, 'containerPort') ?? 0);
}
