import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { publicKeyOf, readCertificates } from '../../../src/pki/certificate.ts';
import type { KeyPair, NodeLeaf, Pki } from '../../../src/pki/pki.ts';
import type { JsonMap } from '../../../src/render/json.ts';
import { openApi } from '../../../src/rollout/probe/api-client.ts';
import type { Health } from '../../../src/rollout/probe/health.ts';
import type { MasterSight } from '../../../src/rollout/rotation/connection.ts';
import { listening } from '../probe-servers.ts';
import { type MadeAuthority, madeAuthority } from './authorities.ts';

/** The three CAs of a cluster. */
export interface Authorities {
  readonly kubernetes: MadeAuthority;
  readonly etcd: MadeAuthority;
  readonly frontProxy: MadeAuthority;
}

export async function authorities(): Promise<Authorities> {
  const [kubernetes, etcd, frontProxy] = await Promise.all([
    madeAuthority('kubernetes'),
    madeAuthority('etcd'),
    madeAuthority('front-proxy'),
  ]);
  return { kubernetes, etcd, frontProxy };
}

/** A Pki whose leaves come from these CAs; bundles hold the others too. */
export async function pkiOf(
  nodes: readonly string[],
  from: Authorities,
  others: readonly Authorities[] = [],
): Promise<Pki> {
  const authority = (pick: (all: Authorities) => MadeAuthority) => {
    const { certificate, key } = pick(from);
    const bundle = [pick(from), ...others.map(pick)].map((one) => one.certificate).join('') as typeof certificate;
    return { certificate, key, signer: { certificate, key }, bundle };
  };
  const client = (commonName: string) => from.kubernetes.issue({ commonName });
  const etcd = (commonName: string) => from.etcd.issue({ commonName }, { addresses: ['127.0.0.1'] });
  const leaves = async (node: string): Promise<readonly [string, ReadonlyMap<NodeLeaf, KeyPair>]> => {
    const all: readonly (readonly [NodeLeaf, Promise<KeyPair>])[] = [
      ['apiserver', from.kubernetes.issue({ commonName: 'kube-apiserver' }, { addresses: ['127.0.0.1'] })],
      ['front-proxy-client', from.frontProxy.issue({ commonName: 'front-proxy-client' })],
      ['apiserver-etcd-client', etcd('kube-apiserver-etcd-client')],
      ['etcd/server', etcd(node)],
      ['etcd/peer', etcd(node)],
      ['etcd/healthcheck-client', etcd('kube-etcd-healthcheck-client')],
      ['admin', client('kubernetes-admin')],
      ['controller-manager', client('system:kube-controller-manager')],
      ['scheduler', client('system:kube-scheduler')],
      ['kubelet', client(`system:node:${node}`)],
    ];
    return [node, new Map(await Promise.all(all.map(async ([leaf, pair]) => [leaf, await pair] as const)))];
  };
  return {
    authorities: new Map([
      ['kubernetes', authority((all) => all.kubernetes)],
      ['etcd', authority((all) => all.etcd)],
      ['front-proxy', authority((all) => all.frontProxy)],
    ]),
    serviceAccount: { key: from.kubernetes.key, publicKeys: from.kubernetes.certificate },
    admin: await client('kubernetes-admin'),
    superAdmin: await client('kubernetes-super-admin'),
    nodes: new Map(await Promise.all(nodes.map(leaves))),
    serve: undefined,
  };
}

/** The processes of a master, as far as they are talked to here. */
export interface StandIn {
  readonly sight: MasterSight;
  /** Leases by path, as the apiserver gives them. */
  readonly leases: Map<string, string>;
  /** Nodes whose kubelet does not answer. */
  readonly deadKubelets: Set<string>;
}

/** Whom the processes of a master trust. */
interface Trusted {
  readonly clients: string;
  readonly frontProxy: string;
  readonly etcd: string;
}

export const LEASES = {
  kubelet: (node: string) => `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node}`,
  'controller-manager': '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager',
  scheduler: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler',
};

/**
 * An apiserver that says who its clients are and 401 to those that it does not know, and an etcd that shakes hands with
 * nobody else: as kube-apiserver 1.36.2 and etcd 3.6 were seen to do.
 */
export async function standIn(node: string, pki: Pki, trusted: Trusted): Promise<StandIn> {
  const leaf = (name: NodeLeaf): KeyPair => {
    const pair = pki.nodes.get(node)?.get(name);
    if (!pair) throw new Error(`no ${name}`);
    return pair;
  };
  const leases = new Map<string, string>();
  const deadKubelets = new Set<string>();
  const answer = apiAnswer(trusted, leases, deadKubelets);
  const serve = (pair: KeyPair, ca: string, rejectUnauthorized: boolean, handler: typeof answer) => {
    const server = createServer(
      { cert: pair.certificate, key: pair.key.reveal(), ca, requestCert: true, rejectUnauthorized },
      handler,
    );
    server.on('tlsClientError', () => undefined);
    return listening(server);
  };
  const peer = await serve(leaf('etcd/peer'), trusted.etcd, true, (_, response) => void response.end('{}'));
  const [api, etcd] = await Promise.all([
    serve(leaf('apiserver'), trusted.clients + trusted.frontProxy, false, answer),
    serve(leaf('etcd/server'), trusted.etcd, true, etcdAnswer(node, portOf(peer))),
  ]);
  const well: Health = { ok: true, failing: [], seen: 'ok' };
  const superAdmin = openApi({
    reach: api,
    identity: '127.0.0.1',
    ca: pki.authorities.get('kubernetes')?.bundle ?? '',
    cert: pki.superAdmin.certificate,
    key: pki.superAdmin.key,
    what: `the apiserver of ${node}`,
  });
  const endpoint = (port: number) => ({ address: '127.0.0.1', port, identity: '127.0.0.1' });
  return {
    leases,
    deadKubelets,
    sight: {
      node,
      endpoints: () => ({
        apiServer: endpoint(portOf(api)),
        etcd: { ...endpoint(portOf(etcd)), scheme: 'https', member: node },
        controllerManager: endpoint(1),
        scheduler: endpoint(1),
        reasons: new Map(),
      }),
      reach: async ({ address, port }) => ({ host: address, port }),
      api: async () => superAdmin,
      apiServer: async () => well,
      controllerManager: async () => well,
      scheduler: async () => well,
    },
  };
}

function portOf(reach: Awaited<ReturnType<typeof listening>>): number {
  return 'port' in reach ? reach.port : 0;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

function apiAnswer(trusted: Trusted, leases: ReadonlyMap<string, string>, deadKubelets: ReadonlySet<string>): Handler {
  return (request, response) => {
    const url = request.url ?? '';
    const send = (status: number, body: JsonMap) => void response.writeHead(status).end(JSON.stringify(body));
    const user = userOf(request, trusted);
    if (user === undefined) return send(401, { kind: 'Status', reason: 'Unauthorized' });
    if (url.endsWith('/selfsubjectreviews')) return send(201, { status: { userInfo: { username: user } } });
    const node = /^\/api\/v1\/nodes\/([^/]+)\/proxy\/healthz$/.exec(url)?.[1];
    if (node !== undefined) {
      if (deadKubelets.has(node)) return send(503, { kind: 'Status', message: 'no route to host' });
      return void response.end('ok');
    }
    const renewTime = leases.get(url);
    if (renewTime !== undefined) return send(200, { spec: { renewTime } });
    return send(404, { kind: 'Status', reason: 'NotFound' });
  };
}

/** @returns undefined for one whom nobody knows */
function userOf(request: IncomingMessage, trusted: Trusted): string | undefined {
  const certificate = (request.socket as TLSSocket).getPeerX509Certificate();
  if (!certificate || !(request.socket as TLSSocket).authorized) return undefined;
  const isFrom = (bundle: string) => readCertificates(bundle).some((ca) => certificate.verify(publicKeyOf(ca)));
  const name = /CN=(.+)/.exec(certificate.subject)?.[1];
  const proxied = request.headers['x-remote-user'];
  if (typeof proxied === 'string' && name === 'front-proxy-client' && isFrom(trusted.frontProxy)) return proxied;
  return isFrom(trusted.clients) ? name : undefined;
}

function etcdAnswer(node: string, peerPort: number): Handler {
  const id = node === 'cp1' ? '11' : '12';
  return (request, response) => {
    const isList = request.url?.endsWith('/member/list');
    const header = { cluster_id: '1', member_id: id };
    response.end(
      JSON.stringify(
        isList
          ? { header, members: [{ ID: id, name: node, peerURLs: [`https://127.0.0.1:${peerPort}`] }] }
          : { header, leader: '11', version: '3.6.8' },
      ),
    );
  };
}
