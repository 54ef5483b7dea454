import { type MemberReport, silentMember } from './probe/etcd-report.ts';
import type { EtcdLook, Sight } from './sight.ts';

/** What the etcd members of all nodes of a cluster say; those whose node cannot be reached say nothing. */
export function etcdReports(
  nodes: readonly string[],
  sights: ReadonlyMap<string, Sight>,
  how: EtcdLook,
): Promise<readonly MemberReport[]> {
  return Promise.all(
    nodes.map(async (node) => (await sights.get(node)?.etcd(how)) ?? silentMember(node, 'its node cannot be reached')),
  );
}
