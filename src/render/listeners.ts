import type { Located } from '../base/fault.ts';
import { parseGoBool } from '../kubernetes/go-values.ts';
import { at, type Json, locate } from '../spec/tree.ts';
import { isWildcard, parseEtcdUrl } from './args.ts';
import type { NodeInput, PlannedPod } from './context.ts';
import { type FlagUse, lastUse } from './flag-use.ts';
import { below, type JsonMap } from './json.ts';
import { PORTS } from './layout.ts';
import { placeOfFlag } from './place.ts';

/** A port that a process of the node listens on. */
export interface Listener {
  /** `etcd (--listen-peer-urls)`. */
  readonly who: string;
  readonly component: PlannedPod['component'] | 'kubelet' | 'kube-proxy';
  /** '' = all addresses. */
  readonly address: string;
  readonly port: number;
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly at: Located | undefined;
  /** Whether somebody decided it, or it is a default. */
  readonly isChosen: boolean;
}

const DEFAULT_PORT = {
  'kube-apiserver': PORTS.apiServer,
  'kube-controller-manager': PORTS.controllerManager,
  'kube-scheduler': PORTS.scheduler,
} as const;

const ETCD_URLS = ['listen-client-urls', 'listen-client-http-urls', 'listen-peer-urls', 'listen-metrics-urls'];

/** Where a pod's process listens, by its flags. */
export function podListeners(input: NodeInput, { component, flags }: PlannedPod): readonly Listener[] {
  if (component === 'etcd') return ETCD_URLS.flatMap((name) => etcdListeners(input, lastUse(flags, name)));
  const use = lastUse(flags, 'secure-port');
  const port = use?.value === undefined ? DEFAULT_PORT[component] : Number(use.value);
  // 0 = the controller-manager and the scheduler do not serve at all.
  if (!Number.isInteger(port) || port < 1 || port > 65535) return [];
  const address = lastUse(flags, 'bind-address')?.value ?? '';
  const isChosen =
    use?.by === 'user' ||
    use?.by === 'patch' ||
    (component === 'kube-apiserver' && isSet(input, ['apiServer', 'bindPort']));
  return [
    {
      who: `${component} (--secure-port)`,
      component,
      address: isWildcard(address) ? wildcard(address) : address,
      port,
      scheme: 'HTTPS',
      at: placeOfFlag(input, component, use, 'secure-port'),
      isChosen,
    },
  ];
}

function etcdListeners(input: NodeInput, use: FlagUse | undefined): readonly Listener[] {
  if (!use?.value) return [];
  const place = placeOfFlag(input, 'etcd', use);
  return [...new Set(use.value.split(','))].flatMap((text) => {
    const url = parseEtcdUrl(text);
    if (url?.port === undefined) return [];
    const address = isWildcard(url.host) ? wildcard(url.host) : url.host;
    return [
      {
        who: `etcd (--${use.name})`,
        component: 'etcd',
        address,
        port: url.port,
        scheme: url.scheme === 'https' ? 'HTTPS' : 'HTTP',
        at: place,
        isChosen: use.by !== 'template',
      } as const,
    ];
  });
}

/** `0.0.0.0` is every IPv4 address; `::` and nothing are every address of both families. */
function wildcard(address: string): string {
  return address.includes('.') ? '0.0.0.0' : '';
}

/** Whether the kubelet answers at all, beside its health: its configuration, unless a flag says otherwise. */
export function kubeletServes(config: JsonMap, flags: readonly FlagUse[]): boolean {
  const use = lastUse(flags, 'enable-server');
  return use ? parseGoBool(use.value ?? 'true') !== false : config['enableServer'] !== false;
}

/** Where the kubelet listens: its configuration, unless a flag says otherwise. */
export function kubeletListeners(input: NodeInput, config: JsonMap, flags: readonly FlagUse[]): readonly Listener[] {
  const listener = (
    what: string,
    field: string,
    fallback: number,
    flag: string,
    addressField: string,
    addressFallback: string,
  ): readonly Listener[] => {
    const use = lastUse(flags, flag);
    const port = use?.value === undefined ? (below(config, field) ?? fallback) : Number(use.value);
    const address: Json = below(config, addressField) ?? addressFallback;
    if (typeof port !== 'number' || typeof address !== 'string' || !Number.isInteger(port) || port < 1) return [];
    const place = use?.at ?? locate(input.node.blocks, ['kubelet', 'config', field]);
    const isChosen = use !== undefined || isSet(input, ['kubelet', 'config', field]);
    return [
      {
        who: `kubelet (${what})`,
        component: 'kubelet',
        address: isWildcard(address) ? wildcard(address) : address,
        port,
        scheme: 'HTTPS',
        at: place,
        isChosen,
      },
    ];
  };
  return [
    ...(kubeletServes(config, flags) ? listener('port', 'port', PORTS.kubelet, 'port', 'address', '0.0.0.0') : []),
    ...listener('healthzPort', 'healthzPort', PORTS.kubeletHealth, 'healthz-port', 'healthzBindAddress', '127.0.0.1'),
    ...listener('readOnlyPort', 'readOnlyPort', 0, 'read-only-port', 'address', '0.0.0.0'),
  ];
}

/** A kube-proxy with default settings, which every node is going to run. */
export const PROXY_LISTENERS: readonly Listener[] = [
  ['metrics', PORTS.proxyMetrics, '127.0.0.1'] as const,
  ['health', PORTS.proxyHealth, ''] as const,
].map(([what, port, address]) => ({
  who: `kube-proxy (${what})`,
  component: 'kube-proxy',
  address,
  port,
  scheme: 'HTTP',
  at: undefined,
  isChosen: false,
}));

function isSet({ node }: NodeInput, path: readonly string[]): boolean {
  const found = at(node.blocks, path);
  return found !== undefined && found.origin.kind !== 'default';
}

/** Whether both can be reached at one address: the same one, or one of them listens on all of that family. */
export function overlapping(a: string, b: string): boolean {
  if (a === b || a === '' || b === '') return true;
  return (a === '0.0.0.0' && !b.includes(':')) || (b === '0.0.0.0' && !a.includes(':'));
}
