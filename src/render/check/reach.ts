import { errorAt, type Fault, type Located, warningAt } from '../../base/fault.ts';
import { parseEtcdUrl } from '../args.ts';
import type { NodeInput, PlannedPod } from '../context.ts';
import { lastUse } from '../flag-use.ts';
import { type Listener, overlapping, podListeners } from '../listeners.ts';
import { placeOfFlag } from '../place.ts';
import { advertiseAddress, localEndpoint } from '../view/common.ts';

/** The node's processes find each other: what one is told to ask is where another one listens. */
export function checkReach(input: NodeInput, pods: readonly PlannedPod[]): readonly Fault[] {
  const apiServer = pods.find((pod) => pod.component === 'kube-apiserver');
  const etcd = pods.find((pod) => pod.component === 'etcd');
  return [...(apiServer ? checkApiServer(input, apiServer) : []), ...(etcd ? checkEtcd(input, etcd, apiServer) : [])];
}

/** A warning only: something else may answer at the advertised address and pass it on. */
function checkApiServer(input: NodeInput, pod: PlannedPod): readonly Fault[] {
  const address = advertiseAddress(input.node);
  return podListeners(input, pod).flatMap((listener) => {
    if (overlapping(listener.address, address)) return [];
    const message = `kube-apiserver listens on ${listener.address} only, but this node's kubelet, controller-manager and scheduler ask for it at ${localEndpoint(input.node)}`;
    return [warningAt(placeOfFlag(input, pod.component, lastUse(pod.flags, 'bind-address'), 'bind-address'), message)];
  });
}

/** URLs of other machines are not this node's to judge. */
function checkEtcd(input: NodeInput, etcd: PlannedPod, apiServer: PlannedPod | undefined): readonly Fault[] {
  const own = new Set<string>(['127.0.0.1', '::1', 'localhost', ...input.node.addresses, advertiseAddress(input.node)]);
  const listeners = podListeners(input, etcd);
  const check = (
    pod: PlannedPod | undefined,
    flag: string,
    listens: string,
    what: (url: string, heard: string) => string,
  ): readonly Fault[] => {
    const use = pod && lastUse(pod.flags, flag);
    const heardAt = lastUse(etcd.flags, listens);
    return (use?.value?.split(',') ?? []).flatMap((text) => {
      const url = parseEtcdUrl(text);
      if (
        !pod ||
        !url ||
        !own.has(url.host) ||
        listeners.some((listener) => listener.who.includes(listens) && hears(listener, url))
      )
        return [];
      const changed = input.node.etcd.extraArgs.find((arg) => arg.name === listens)?.at;
      const at: Located = use?.at ?? heardAt?.at ?? changed ?? placeOfFlag(input, pod.component, use, flag);
      return [errorAt(at, what(text, heardAt?.value ?? 'its default, localhost'))];
    });
  };
  const advertised = (kind: string) => (url: string, heard: string) =>
    `etcd tells its ${kind} to come to ${url}, but listens for them at ${heard}`;
  return [
    ...check(
      apiServer,
      'etcd-servers',
      'listen-client-urls',
      (url, heard) => `kube-apiserver looks for etcd at ${url}, but this node's etcd listens for clients at ${heard}`,
    ),
    ...check(etcd, 'advertise-client-urls', 'listen-client-urls', advertised('clients')),
    ...check(etcd, 'initial-advertise-peer-urls', 'listen-peer-urls', advertised('peers')),
  ];
}

function hears(
  { address, port, scheme }: Listener,
  url: { readonly scheme: string; readonly host: string; readonly port: number | undefined },
): boolean {
  return (
    port === url.port &&
    scheme.toLowerCase() === url.scheme &&
    (overlapping(address, url.host) || url.host === 'localhost')
  );
}
