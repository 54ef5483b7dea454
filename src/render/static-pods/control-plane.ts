import type { ClusterNode } from '../../spec/cluster.ts';
import { POD_COMPONENTS } from '../layout.ts';
import type { Listener } from '../listeners.ts';
import type { Other } from './check-together.ts';

/**
 * What this program itself puts on a node, for {@link checkTogether}: on a master the pods of the control plane, by their
 * names even where they listen nowhere; the kubelet, and a kube-proxy that may come.
 */
export function othersOn(
  { name: node, role }: Pick<ClusterNode, 'name' | 'role'>,
  listeners: readonly Listener[],
): readonly Other[] {
  const names = (role === 'master' ? POD_COMPONENTS : []).map((name) => ({
    node,
    namespace: 'kube-system',
    name,
    ports: [],
    from: `the control plane's ${name}`,
  }));
  const ports = listeners.map(({ who, component, address, port }) => ({
    node,
    namespace: undefined,
    name: undefined,
    ports: [{ port, protocol: 'TCP' as const, hostIP: address }],
    from: who,
    ...(component === 'kube-proxy' && { mayBeAbsent: true }),
  }));
  return [...names, ...ports];
}
