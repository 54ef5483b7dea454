import type { Status } from '../rollout/status/status.ts';
import type { Json } from '../spec/tree.ts';

/** The status for `-o json` and `-o yaml`. Keys are stable (docs/status.md); what is not known is null. */
export function statusData({ cluster, applied, nodes, etcd, certificates, problems }: Status): Json {
  return {
    cluster: {
      name: cluster.name,
      kubernetesVersion: cluster.kubernetesVersion,
      endpoint: known(cluster.endpoint),
      etcd: cluster.etcd,
    },
    ok: problems.length === 0,
    applied,
    nodes: nodes.map((node) => ({
      name: node.node,
      role: node.role,
      reachable: node.unreachable === undefined,
      unreachable: known(node.unreachable),
      components: Object.fromEntries(
        node.components.map(({ component, state, detail, restarts }) => [
          component,
          { state, detail, restarts: known(restarts) },
        ]),
      ),
      kubeletVersion: known(node.kubeletVersion),
      revision: {
        current: known(node.revision.current),
        at: known(node.revision.at),
        by: known(node.revision.by),
        wanted: known(node.revision.wanted),
        unfinished: node.revision.unfinished
          ? { revision: node.revision.unfinished.to, state: node.revision.unfinished.state }
          : null,
        reverted: node.revision.reverted ? { ...node.revision.reverted } : null,
      },
      drift: node.drift.map(({ path, detail }) => ({ path, detail })),
      strays: [...node.strays],
      clock: node.clock
        ? { skewMilliseconds: node.clock.milliseconds, uncertaintyMilliseconds: node.clock.uncertainty }
        : null,
      disk: node.disk ? { freeBytes: node.disk.freeBytes, writable: node.disk.writable } : null,
      lock: node.lock ? { who: node.lock.who, since: node.lock.since, secondsLeft: node.lock.secondsLeft } : null,
    })),
    etcd: etcd
      ? {
          members: etcd.members.map(({ name, id, healthy, learner, leader, lag, dbSize, alarms }) => ({
            name,
            id,
            healthy,
            learner,
            leader,
            lag: known(lag),
            databaseBytes: known(dbSize),
            alarms: [...alarms],
          })),
          voters: etcd.voters,
          healthyVoters: etcd.healthyVoters,
          needed: etcd.needed,
          mayFail: Math.max(0, etcd.spare),
          leader: known(etcd.leader),
          error: known(etcd.silent),
        }
      : null,
    certificates: certificates.map(({ name, path, nodes: on, notAfter, daysLeft, state, servedBy }) => ({
      name,
      path,
      nodes: [...on],
      notAfter,
      daysLeft,
      state,
      servedBy: known(servedBy),
    })),
    problems: problems.map(({ severity, code, node, component, what, hint }) => ({
      severity,
      code,
      node: known(node),
      component: known(component),
      what,
      hint,
    })),
  };
}

function known<T extends Json>(value: T | undefined): T | null {
  return value ?? null;
}
