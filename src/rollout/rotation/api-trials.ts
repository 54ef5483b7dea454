import { readCertificate } from '../../pki/certificate.ts';
import type { KeyPair, NodeLeaf, Pki } from '../../pki/pki.ts';
import { below } from '../../render/json.ts';
import type { Json } from '../../spec/tree.ts';
import type { ApiAnswer } from '../probe/api-client.ts';
import { openHttp } from '../probe/https-client.ts';
import {
  ANSWER_SECONDS,
  bundleOf,
  type ConnectivityInput,
  leafOf,
  type MasterSight,
  type Trial,
  Unproven,
} from './connection.ts';
import { textAt } from './object-text.ts';

/** Those who log in at an apiserver with a certificate. */
const API_CLIENTS = ['admin', 'controller-manager', 'scheduler', 'kubelet'] as const satisfies readonly NodeLeaf[];

/** Every identity of the Pki at every apiserver: a new connection, the server verified, the user named as it must be. */
export function identityTrials({ sights, pki, signal }: ConnectivityInput): readonly Trial[] {
  const identities: readonly (readonly [string, KeyPair])[] = [
    ['admin.conf', pki.admin],
    ['super-admin.conf', pki.superAdmin],
    ...[...pki.nodes].flatMap(([node, leaves]) =>
      API_CLIENTS.flatMap((leaf) => {
        const pair = leaves.get(leaf);
        return pair ? [[`${leaf} of ${node}`, pair] as const] : [];
      }),
    ),
  ];
  return withApiServer(sights).flatMap((sight) =>
    identities.map(([from, pair]): Trial => {
      const to = `apiserver of ${sight.node}`;
      return { from, to, act: () => asSelf(sight, pki, pair, signal) };
    }),
  );
}

async function asSelf(sight: MasterSight, pki: Pki, pair: KeyPair, signal: AbortSignal): Promise<string> {
  const wanted = commonNameOf(pair.certificate);
  const { status, user } = await askWho(sight, pki, pair, signal);
  if (user === wanted) return `is ${user} there`;
  throw new Unproven(user ? `is ${user} there instead of ${wanted}` : `is answered with ${status}`);
}

/** How an apiserver answers to who one is. */
export interface WhoAnswer {
  readonly status: number;
  /** Whom it takes one for; '' where it does not say. */
  readonly user: string;
}

/**
 * Asks an apiserver who one is, over a connection of its own.
 * @param headers by which a front proxy says for whom it speaks
 * @throws ProbeError where it gives no answer
 */
export async function askWho(
  sight: MasterSight,
  pki: Pki,
  { certificate, key }: KeyPair,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<WhoAnswer> {
  const at = sight.endpoints().apiServer;
  if (!at) throw new Unproven('there is no apiserver');
  const http = openHttp({
    what: `the apiserver of ${sight.node}`,
    reach: await sight.reach(at),
    tls: { server: { ca: bundleOf(pki, 'kubernetes'), identity: at.identity }, client: { certificate, key } },
  });
  try {
    const { status, text } = await http.request({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
      milliseconds: ANSWER_SECONDS * 1000,
      signal,
      fresh: true,
    });
    return { status, user: textAt(parsed(text), 'status', 'userInfo', 'username') };
  } finally {
    http.close();
  }
}

/** Whom the front proxy speaks for in a trial. */
const PROXIED = 'bootstrap:probe';
export const PROXY_HEADERS = { 'x-remote-user': PROXIED, 'x-remote-group': 'system:authenticated' };

/** The front-proxy client of every apiserver at every apiserver, which must take its word for who the user is. */
export function frontProxyTrials({ sights, pki, signal }: ConnectivityInput): readonly Trial[] {
  return withApiServer(sights).flatMap((sight) =>
    [...pki.nodes.keys()].flatMap((node): readonly Trial[] => {
      const pair = leafOf(pki, node, 'front-proxy-client');
      if (!pair) return [];
      const act = async () => {
        const { status, user } = await askWho(sight, pki, pair, signal, PROXY_HEADERS);
        if (user === PROXIED) return `is believed that it speaks for ${user}`;
        throw new Unproven(user ? `is ${user} there instead of ${PROXIED}` : `is answered with ${status}`);
      };
      return [{ from: `front-proxy client of ${node}`, to: `apiserver of ${sight.node}`, act }];
    }),
  );
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Every apiserver at the kubelet of every master, and at its etcd. */
export function apiServerTrials({ sights, pki, signal }: ConnectivityInput): readonly Trial[] {
  const options = { seconds: ANSWER_SECONDS, signal };
  return withApiServer(sights).flatMap((sight): readonly Trial[] => {
    const from = `apiserver of ${sight.node}`;
    const kubelets = [...pki.nodes.keys()].map((node): Trial => {
      const path = `/api/v1/nodes/${encodeURIComponent(node.toLowerCase())}/proxy/healthz`;
      const act = async () => {
        const answer = await (await sight.api()).request('GET', path, { ...options, fresh: true });
        if (answer.status === 200 && answer.text.trim() === 'ok') return 'ok';
        throw new Unproven(`is answered with ${answer.status}${messageIn(answer)}`);
      };
      return { from, to: `kubelet of ${node}`, act };
    });
    const etcd = async () => {
      // a single object is always read from etcd, through the quorum; /readyz of 1.36 says nothing of etcd
      await (await sight.api()).get('/api/v1/namespaces/kube-system', options);
      return 'reads from it';
    };
    return [...kubelets, { from, to: 'etcd', act: etcd }];
  });
}

function messageIn({ body }: ApiAnswer): string {
  const message = below(body, 'message');
  return typeof message === 'string' && message ? `: ${message}` : '';
}

export function withApiServer(sights: ConnectivityInput['sights']): readonly MasterSight[] {
  return [...sights.values()].filter((sight) => sight.endpoints().apiServer !== undefined);
}

function commonNameOf(certificate: string): string {
  const lines = (readCertificate(certificate).x509().subject ?? '').split('\n');
  return lines.find((line) => line.startsWith('CN='))?.slice(3) ?? '';
}
