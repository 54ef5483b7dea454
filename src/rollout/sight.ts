import type { Reach, Transport } from '../deliver/transport/transport.ts';
import type { Pki } from '../pki/pki.ts';
import { credentials, superAdmin } from './credentials.ts';
import { type ApiClient, openApi } from './probe/api-client.ts';
import { type Endpoint, endpointsOf, type ManifestText, type NodeEndpoints } from './probe/endpoints.ts';
import { moveLeader, openEtcd } from './probe/etcd-client.ts';
import { etcdReport, type MemberReport, silentMember } from './probe/etcd-report.ts';
import { componentHealth, type Health, kubeletHealth, readyz } from './probe/health.ts';
import type { HttpClient } from './probe/https-client.ts';
import { type ServedLeaf, servedLeaf } from './probe/leaf.ts';
import { listens } from './probe/listens.ts';

/** What can be seen of one master's processes through its transport. Whatever gives no answer is said so, never thrown. */
export interface Sight {
  readonly node: string;
  /** From now on its processes are looked for where these manifests say. */
  learn(manifests: readonly ManifestText[]): void;
  endpoints(): NodeEndpoints;
  /** A way to a port that the node itself can reach. @throws BootstrapError `unreachable` */
  reach(endpoint: Endpoint): Promise<Reach>;
  /** As the super-admin. @throws BootstrapError where there is no way to it */
  api(): Promise<ApiClient>;
  apiServer(): Promise<Health>;
  /** @param how `certain` also makes sure whether a member that does not answer is dead, which takes a process on the node */
  etcd(how: EtcdLook): Promise<MemberReport>;
  controllerManager(): Promise<Health>;
  scheduler(): Promise<Health>;
  kubelet(port: number): Promise<Health>;
  /** The certificate that a process shows; undefined where there is none to be seen. */
  leaf(component: 'apiServer' | 'etcd'): Promise<ServedLeaf | undefined>;
  /** @throws ProbeError */
  moveLeader(memberId: string): Promise<void>;
  close(): void;
}

export type EtcdLook = 'answers' | 'certain';

/** Seconds that one answer may take: a process that takes longer is not well. */
const PATIENCE = 5;

/** @param signal ends everything that is being asked for */
export function openSight(transport: Transport, pki: Pki, signal: AbortSignal): Sight {
  const { node } = transport;
  const us = superAdmin(pki);
  const etcdClient = credentials(pki, 'etcd', pki.nodes.get(node)?.get('etcd/healthcheck-client'));
  const apis = new Map<string, ApiClient>();
  const etcds = new Map<string, HttpClient>();
  let endpoints = endpointsOf([]);
  const options = { seconds: PATIENCE, signal };
  const reach = ({ address, port }: Endpoint): Promise<Reach> => transport.forward(address, port);
  const unseen = (seen: string): Health => ({ ok: false, failing: [], seen });
  const why = (component: 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler') =>
    endpoints.reasons.get(component) ?? 'is not there';

  const api = async (): Promise<ApiClient> => {
    const { apiServer } = endpoints;
    if (!apiServer || !us) throw new Error(`${node} has no apiserver`);
    const way = await reach(apiServer);
    return kept(apis, `${wayText(way)} ${apiServer.identity}`, () =>
      openApi({
        reach: way,
        identity: apiServer.identity,
        ...us,
        what: `the apiserver of ${node}`,
      }),
    );
  };
  const etcd = async (): Promise<HttpClient | undefined> => {
    const at = endpoints.etcd;
    if (!at || (at.scheme === 'https' && !etcdClient)) return undefined;
    const tls = at.scheme === 'https' && etcdClient ? { ...etcdClient, identity: at.identity } : undefined;
    const way = await reach(at);
    return kept(etcds, `${wayText(way)} ${at.identity}`, () => openEtcd({ what: `etcd of ${node}`, reach: way, tls }));
  };
  const health = async (at: Endpoint | undefined, absent: string, ask: (reach: Reach) => Promise<Health>) =>
    at
      ? reach(at)
          .then(ask)
          .catch((error: unknown) => unseen(textOf(error)))
      : unseen(absent);

  return {
    node,
    learn: (manifests) => {
      endpoints = endpointsOf(manifests);
    },
    endpoints: () => endpoints,
    reach,
    api,
    apiServer: async () => {
      if (!endpoints.apiServer) return unseen(why('kube-apiserver'));
      return api()
        .then((client) => readyz(client, options))
        .catch((error: unknown) => unseen(textOf(error)));
    },
    etcd: async (how) => {
      const at = endpoints.etcd;
      try {
        const client = await etcd();
        if (!client || !at) return silentMember(node, endpoints.reasons.get('etcd') ?? 'has no etcd manifest');
        return await etcdReport(node, client, {
          ...options,
          member: at.member,
          ...(how === 'certain' && { listens: () => listens(transport, at.port, signal) }),
        });
      } catch (error) {
        return silentMember(node, textOf(error), at?.member ?? node);
      }
    },
    controllerManager: () =>
      health(endpoints.controllerManager, why('kube-controller-manager'), (way) =>
        componentHealth(`the controller-manager of ${node}`, way, options),
      ),
    scheduler: () =>
      health(endpoints.scheduler, why('kube-scheduler'), (way) =>
        componentHealth(`the scheduler of ${node}`, way, options),
      ),
    kubelet: (port) =>
      health({ address: '127.0.0.1', port }, '', (way) => kubeletHealth(`the kubelet of ${node}`, way, options)),
    leaf: async (component) => {
      const at = endpoints[component];
      if (!at || ('scheme' in at && at.scheme === 'http')) return undefined;
      const client =
        component === 'etcd' && etcdClient ? { certificate: etcdClient.cert, key: etcdClient.key } : undefined;
      return reach(at)
        .then((way) =>
          servedLeaf(`${component} of ${node}`, {
            reach: way,
            name: at.identity,
            ...options,
            ...(client && { client }),
          }),
        )
        .catch(() => undefined);
    },
    moveLeader: async (memberId) => {
      const client = await etcd();
      if (client) await moveLeader(client, memberId, options);
    },
    close: () => {
      for (const client of [...apis.values(), ...etcds.values()]) client.close();
    },
  };
}

/** A way that was opened anew leads elsewhere: what was connected through the old one is of no use any more. */
function wayText(way: Reach): string {
  return 'path' in way ? way.path : `${way.host}:${way.port}`;
}

function kept<T>(all: Map<string, T>, key: string, make: () => T): T {
  const found = all.get(key) ?? make();
  all.set(key, found);
  return found;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
