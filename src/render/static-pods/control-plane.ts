import { POD_COMPONENTS } from '../layout.ts';
import type { Listener } from '../listeners.ts';
import type { Other } from './check-together.ts';

/**
 * What this program itself puts on a master, for {@link checkTogether}: the pods of the control plane, by their names
 * even where they listen nowhere, the kubelet, and a kube-proxy that may come.
 */
export function controlPlaneOf(node: string, listeners: readonly Listener[]): readonly Other[] {
  const names = POD_COMPONENTS.map((name) => ({
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
