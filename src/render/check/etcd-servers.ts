import { errorAt, type Fault } from '../../base/fault.ts';
import { locate } from '../../spec/tree.ts';
import { parseEtcdUrl } from '../args.ts';
import type { NodeInput, PlannedPod } from '../context.ts';
import { lastUse } from '../flag-use.ts';
import { overlapping, podListeners } from '../listeners.ts';
import { placeOfFlag } from '../place.ts';

/** The API server asks its own node's etcd where that listens. Servers elsewhere are not this node's to judge. */
export function checkEtcdServers(input: NodeInput, apiServer: PlannedPod, etcd: PlannedPod | undefined): readonly Fault[] {
  if (!etcd) return [];
  const use = lastUse(apiServer.flags, 'etcd-servers');
  const clients = podListeners(input, etcd).filter((listener) => listener.who.includes('-client-'));
  const own = new Set<string>(['127.0.0.1', '::1', 'localhost', ...input.node.addresses]);
  const faults: Fault[] = [];
  for (const text of use?.value?.split(',') ?? []) {
    const url = parseEtcdUrl(text);
    if (!url || !own.has(url.host)) continue;
    const heard = clients.some(({ address, port, scheme }) => port === url.port && scheme.toLowerCase() === url.scheme && (overlapping(address, url.host) || url.host === 'localhost'));
    if (heard) continue;
    const listens = lastUse(etcd.flags, 'listen-client-urls');
    const at = use?.at ?? listens?.at ?? input.node.etcd.extraArgs.find((arg) => arg.name === 'listen-client-urls')?.at;
    const message = `kube-apiserver looks for etcd at ${text}, but this node's etcd listens for clients at ${listens?.value ?? 'its default, http://localhost:2379'}`;
    faults.push(errorAt(at ?? placeOfFlag(input, 'kube-apiserver', use, 'etcd-servers') ?? locate(input.cluster.spec, []), message));
  }
  return faults;
}
