import type { NodeAgent } from '../agent.ts';

/** Milliseconds between renewals; a lock counts as given up after three minutes without one (LEASE_SECONDS). */
const RENEWAL = 15_000;

/**
 * Works while holding the locks of all these nodes, and gives them back in the end. Where a lock is lost meanwhile
 * (somebody broke it) the next change on that node fails.
 * @throws BootstrapError `locked` where another run holds one; those taken until then are given back
 */
export async function withNodeLocks<T>(agents: readonly NodeAgent[], who: string, work: () => Promise<T>): Promise<T> {
  const held: NodeAgent[] = [];
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    // in the order of their names, so that two runs never wait for each other's
    for (const agent of [...agents].sort((a, b) => (a.node < b.node ? -1 : 1))) {
      // where the answer was lost it may be taken all the same; giving back another's does nothing
      held.push(agent);
      await agent.lock(who);
    }
    timer = setInterval(() => void Promise.allSettled(held.map((agent) => agent.keepLock())), RENEWAL);
    return await work();
  } finally {
    clearInterval(timer);
    await Promise.allSettled(held.map((agent) => agent.unlock()));
  }
}
