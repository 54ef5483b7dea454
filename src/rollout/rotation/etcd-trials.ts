import type { KeyPair, NodeLeaf, Pki } from '../../pki/pki.ts';
import { parseEtcdUrl } from '../../render/args.ts';
import { etcdMembers, etcdStatus, openEtcd } from '../probe/etcd-client.ts';
import { type HttpClient, openHttp } from '../probe/https-client.ts';
import {
  ANSWER_SECONDS,
  bundleOf,
  type ConnectivityInput,
  leafOf,
  type MasterSight,
  type Trial,
  Unproven,
} from './connection.ts';

const ETCD_CLIENTS = ['etcd/healthcheck-client', 'apiserver-etcd-client'] as const satisfies readonly NodeLeaf[];

/**
 * Every client of etcd at every member, over a connection of its own, and every member at every other one's peer port as
 * the peer that it is. Each server must show a certificate of the CA that issues now, and of no other.
 */
export function etcdTrials({ sights, pki, signal }: ConnectivityInput): readonly Trial[] {
  const members = [...sights.values()].filter((sight) => sight.endpoints().etcd?.scheme === 'https');
  const clients = members.flatMap((member) =>
    [...pki.nodes.keys()].flatMap((node) =>
      ETCD_CLIENTS.flatMap((leaf): readonly Trial[] => {
        const pair = leafOf(pki, node, leaf);
        if (!pair) return [];
        const act = () => askEtcd(member, issuing(pki), pair, signal);
        return [{ from: `${leaf.replace('etcd/', 'etcd ')} of ${node}`, to: `etcd of ${member.node}`, act }];
      }),
    ),
  );
  // from the node of the one, as it would itself; alone it has nobody but itself
  const peers = members.flatMap((from) =>
    members.flatMap((to): readonly Trial[] => {
      const pair = leafOf(pki, from.node, 'etcd/peer');
      if (!pair || (from === to && members.length > 1)) return [];
      const act = async () => askPeer(from, await peerUrl(to, pki, signal), issuing(pki), pair, signal);
      return [{ from: `etcd peer of ${from.node}`, to: `etcd peer of ${to.node}`, act }];
    }),
  );
  return [...clients, ...peers];
}

/** The CA that issues now, without those that are trusted besides it. */
function issuing(pki: Pki): string {
  const ca = pki.authorities.get('etcd')?.certificate;
  if (ca === undefined) throw new Unproven('there is no CA etcd');
  return ca;
}

/** @param ca whom its certificate must come from. @throws ProbeError */
export async function askEtcd(member: MasterSight, ca: string, pair: KeyPair, signal: AbortSignal): Promise<string> {
  const etcd = await clientOf(member, ca, pair);
  try {
    await etcdStatus(etcd, { seconds: ANSWER_SECONDS, signal });
    return 'answers, and shows a certificate of the right CA';
  } finally {
    etcd.close();
  }
}

async function clientOf(member: MasterSight, ca: string, { certificate, key }: KeyPair): Promise<HttpClient> {
  const at = member.endpoints().etcd;
  if (!at) throw new Unproven('there is no etcd');
  const tls = { identity: at.identity, ca, cert: certificate, key };
  return openEtcd({ what: `etcd of ${member.node}`, reach: await member.reach(at), tls });
}

interface PeerUrl {
  readonly host: string;
  readonly port: number;
}

/** Where the other members reach this one, as it says itself. */
export async function peerUrl(member: MasterSight, pki: Pki, signal: AbortSignal): Promise<PeerUrl> {
  const pair = leafOf(pki, member.node, 'etcd/healthcheck-client');
  if (!pair) throw new Unproven(`${member.node} has no certificate to ask etcd with`);
  const etcd = await clientOf(member, bundleOf(pki, 'etcd'), pair);
  try {
    const options = { seconds: ANSWER_SECONDS, signal };
    const [status, members] = await Promise.all([etcdStatus(etcd, options), etcdMembers(etcd, 'local', options)]);
    const urls = members.find(({ id }) => id === status.memberId)?.peerUrls ?? [];
    const url = urls.map(parseEtcdUrl).find((one) => one?.scheme === 'https');
    if (url?.port === undefined) throw new Unproven(`it has no peer URL with TLS (${urls.join(', ')})`);
    return { host: url.host, port: url.port };
  } finally {
    etcd.close();
  }
}

/** @param from from whose node. @throws ProbeError */
export async function askPeer(
  from: MasterSight,
  { host, port }: PeerUrl,
  ca: string,
  { certificate, key }: KeyPair,
  signal: AbortSignal,
): Promise<string> {
  const http = openHttp({
    what: `etcd at ${host}:${port}`,
    reach: await from.reach({ address: host, port }),
    tls: { server: { ca, identity: host }, client: { certificate, key } },
  });
  try {
    // whatever it answers, it has taken the certificate by then
    await http.request({ method: 'GET', path: '/version', milliseconds: ANSWER_SECONDS * 1000, signal, fresh: true });
    return 'takes our certificate, and shows one of the right CA';
  } finally {
    http.close();
  }
}
