import { waitFor } from '../apply/wait-for.ts';
import { apiServerTrials, frontProxyTrials, identityTrials } from './api-trials.ts';
import { type Connection, type ConnectivityInput, tried } from './connection.ts';
import { etcdTrials } from './etcd-trials.ts';
import { type LeaseMemory, leaseTrials } from './lease-trials.ts';
import type { SettleOptions } from './settled.ts';

/** Trials under way at once for each master: each is a connection of its own through one ssh. */
const AT_ONCE = 8;

/**
 * Whether every component gets through to every other, tried out: every identity at every apiserver, every apiserver at
 * every kubelet and at etcd, every client and peer at every member of etcd, the front proxy, and by their leases kubelets,
 * controller-manager and scheduler.
 * @param seen what was seen of leases before
 * @throws nothing but what an interruption brings
 */
export async function connectivity(
  input: ConnectivityInput,
  seen: LeaseMemory = new Map(),
  now: () => number = Date.now,
): Promise<readonly Connection[]> {
  const trials = [
    ...identityTrials(input),
    ...frontProxyTrials(input),
    ...apiServerTrials(input),
    ...etcdTrials(input),
    ...leaseTrials(input, seen, now),
  ];
  const results: Connection[] = [];
  const rest = [...trials.entries()];
  const worker = async () => {
    for (let next = rest.shift(); next; next = rest.shift()) results[next[0]] = await tried(next[1], input.signal);
  };
  await Promise.all(Array.from({ length: AT_ONCE * Math.max(1, input.sights.size) }, worker));
  return results;
}

/**
 * Tries until everything gets through, or the time is over.
 * @returns the last results of all
 * @throws BootstrapError `failed` where it was interrupted
 */
export async function waitConnected(
  input: Omit<ConnectivityInput, 'signal'>,
  { seconds, signal, onUnmet, pauseMs = 2000 }: SettleOptions,
): Promise<readonly Connection[]> {
  const seen: LeaseMemory = new Map();
  let last: readonly Connection[] = [];
  await waitFor(
    async () => {
      last = await connectivity({ ...input, signal }, seen);
      const unmet = brokenOf(last);
      return unmet.length ? { kind: 'not-yet', unmet } : { kind: 'good' };
    },
    { seconds, pauseMs, signal, ...(onUnmet && { onUnmet }) },
  );
  return last;
}

/** Those that do not get through, in words. */
export function brokenOf(connections: readonly Connection[]): readonly string[] {
  return connections.filter(({ ok }) => !ok).map(({ from, to, seen }) => `${from} → ${to}: ${seen}`);
}
