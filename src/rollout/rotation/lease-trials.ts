import type { ApiClient } from '../probe/api-client.ts';
import type { Health } from '../probe/health.ts';
import { withApiServer } from './api-trials.ts';
import { ANSWER_SECONDS, type ConnectivityInput, type Trial, Unproven } from './connection.ts';
import { textAt } from './object-text.ts';

/** Milliseconds: kubelets renew their lease every ten seconds, leaders every two. */
const KUBELET_FRESH = 40_000;
const LEADER_FRESH = 30_000;

/** When each lease had been renewed last as it was first looked at. */
export type LeaseMemory = Map<string, string>;

/**
 * Whether the kubelets and the leaders among controller-managers and schedulers speak to the API, by their leases; and
 * whether each controller-manager and scheduler is well.
 * @param seen a lease that was renewed since it was first looked at is one, whatever the clocks say
 * @param now milliseconds since 1970
 */
export function leaseTrials(
  { sights, pki, since = 0, signal }: ConnectivityInput,
  seen: LeaseMemory,
  now: () => number,
): readonly Trial[] {
  const asked = withApiServer(sights);
  const to = 'apiserver';
  const lease = (from: string, namespace: string, name: string, fresh: number): Trial => ({
    from,
    to,
    act: async () => {
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${encodeURIComponent(name)}`;
      const found = await firstAnswer(
        asked.map((sight) => sight.api),
        (api) => api.get(path, { seconds: ANSWER_SECONDS, signal }),
      );
      const renewed = textAt(found, 'spec', 'renewTime');
      if (!renewed) throw new Unproven('has no lease there');
      const first = seen.get(path);
      if (first === undefined) seen.set(path, renewed);
      const moment = Date.parse(renewed);
      const isRecent = moment >= since && Math.abs(now() - moment) <= fresh;
      if ((first !== undefined && first !== renewed) || isRecent) return `has renewed its lease at ${renewed}`;
      throw new Unproven(`has not renewed its lease since ${renewed}`);
    },
  });
  const health = (from: string, look: () => Promise<Health>): Trial => ({
    from,
    to: 'itself',
    act: async () => {
      const { ok, seen: said } = await look();
      if (ok) return said;
      throw new Unproven(said);
    },
  });
  const has = (component: 'controllerManager' | 'scheduler') =>
    [...sights.values()].filter((sight) => sight.endpoints()[component] !== undefined);
  const [managers, schedulers] = [has('controllerManager'), has('scheduler')];
  if (!asked.length) return [];
  return [
    ...[...pki.nodes.keys()].map((node) =>
      lease(`kubelet of ${node}`, 'kube-node-lease', node.toLowerCase(), KUBELET_FRESH),
    ),
    ...(managers.length
      ? [lease('leading controller-manager', 'kube-system', 'kube-controller-manager', LEADER_FRESH)]
      : []),
    ...(schedulers.length ? [lease('leading scheduler', 'kube-system', 'kube-scheduler', LEADER_FRESH)] : []),
    ...managers.map((sight) => health(`controller-manager of ${sight.node}`, () => sight.controllerManager())),
    ...schedulers.map((sight) => health(`scheduler of ${sight.node}`, () => sight.scheduler())),
  ];
}

/** @throws what the last one threw, where none answers */
async function firstAnswer<T>(
  ways: readonly (() => Promise<ApiClient>)[],
  ask: (api: ApiClient) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  for (const way of ways) {
    try {
      return await ask(await way());
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
