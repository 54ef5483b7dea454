import { randomUUID } from 'node:crypto';
import type { ApiClient } from '../api-client.ts';
import { type JsonMap, microTime, textAt } from '../json.ts';

/** Milliseconds; the real ones are 2 s and 15 s. */
const EVERY_MS = 1500;
const DURATION_MS = 6000;
const PATH = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';

/**
 * Asks for the Lease of a program again and again, and does the leader's work as long as it has it. As in client-go's
 * leaderelection a lease counts as given up when it has not changed for its duration by one's own clock; unlike there a
 * leader that cannot renew it goes on as one of the others instead of ending.
 * @param work what the leader does each time
 */
export function lead(api: ApiClient, name: string, work: () => Promise<void> = async () => undefined): void {
  const me = `${process.env['HOSTNAME'] ?? ''}_${randomUUID()}`;
  let seen = { version: '', at: 0 };

  const write = async (method: 'POST' | 'PUT', live: JsonMap | undefined): Promise<boolean> => {
    const holder = textAt(live, 'spec', 'holderIdentity');
    const before = Number((live?.['spec'] as JsonMap | undefined)?.['leaseTransitions'] ?? 0);
    const now = microTime();
    const body: JsonMap = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: 'kube-system', resourceVersion: textAt(live, 'metadata', 'resourceVersion') },
      spec: {
        holderIdentity: me,
        leaseDurationSeconds: DURATION_MS / 1000,
        acquireTime: holder === me ? textAt(live, 'spec', 'acquireTime') : now,
        renewTime: now,
        leaseTransitions: live && holder !== me ? before + 1 : before,
      },
    };
    const { status } = await api.request(method === 'POST' ? PATH : `${PATH}/${name}`, { method, body });
    return status < 300;
  };

  async function isLeader(): Promise<boolean> {
    const { status, body } = await api.request(`${PATH}/${name}`);
    if (status === 404) return write('POST', undefined);
    if (status !== 200) return false;
    const live = body as JsonMap;
    const version = textAt(live, 'metadata', 'resourceVersion');
    if (version !== seen.version) seen = { version, at: Date.now() };
    const isMine = textAt(live, 'spec', 'holderIdentity') === me;
    return isMine || Date.now() - seen.at > DURATION_MS ? write('PUT', live) : false;
  }

  const again = (): void => {
    void isLeader()
      .then((leads) => (leads ? work() : undefined))
      .catch((error: unknown) =>
        console.error(`E leaderelection.go:448] error retrieving resource lock: ${String(error)}`),
      )
      .then(() => setTimeout(again, EVERY_MS));
  };
  again();
}
