import { X509Certificate } from 'node:crypto';
import { type Authorities, certificatesIn } from '../authorities.ts';
import { canonical, type JsonMap, mapAt } from '../json.ts';
import type { EtcdClient } from './etcd-client.ts';
import { type Flags, listFlag } from './flags.ts';
import { answerObjects } from './objects.ts';

const EVERY_MS = 1000;
const SLACK_MS = 5 * 60_000;
const NAME = 'extension-apiserver-authentication';
const PATH = { apiVersion: 'v1', namespace: 'kube-system', resource: 'configmaps', subresource: '' } as const;
/** Flags whose lists become fields of the same name. */
const LISTS = [
  'requestheader-username-headers',
  'requestheader-group-headers',
  'requestheader-extra-headers-prefix',
  'requestheader-allowed-names',
] as const;

type Data = Readonly<Record<string, string>>;

/** What one apiserver has to say: its bundles as they are now, and lists of its flags. */
export interface OwnTrust {
  readonly clients: string;
  readonly front: string | undefined;
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

/**
 * What the ConfigMap is to hold, of what it holds and what this apiserver trusts: nothing goes but certificates that have
 * expired (pkg/controlplane/controller/clusterauthenticationtrust: combinedClusterAuthenticationInfo, filterExpiredCerts).
 */
export function mergedTrust(there: Data, own: OwnTrust, now: number): Data {
  const bundle = (field: string, mine: string | undefined): Data => {
    const text = united(there[field] ?? '', mine ?? '', now);
    return text ? { [field]: text } : {};
  };
  const front = bundle('requestheader-client-ca-file', own.front);
  const lists = LISTS.map((field) => {
    const old = JSON.parse(there[field] || '[]') as readonly string[];
    return [field, JSON.stringify([...new Set([...old, ...(own.lists[field] ?? [])])])];
  });
  return {
    ...bundle('client-ca-file', own.clients),
    ...(Object.keys(front).length && { ...front, ...Object.fromEntries(lists) }),
  };
}

function united(there: string, mine: string, now: number): string {
  const kept = [...certificatesIn(there), ...certificatesIn(mine)]
    .map((pem) => new X509Certificate(pem))
    .filter(({ validTo }) => Date.parse(validTo) > now - SLACK_MS);
  return [...new Set(kept.map((certificate) => certificate.toString()))].join('');
}

/** Keeps the ConfigMap as an apiserver does: at its start, when a bundle changes, and when somebody has deleted it. */
export function publishTrust(flags: Flags, etcd: EtcdClient, clients: Authorities, front: Authorities | undefined) {
  const lists = Object.fromEntries(LISTS.map((name) => [name, listFlag(flags, name)]));
  const ask = (method: string, name: string, body?: JsonMap) =>
    answerObjects(etcd, {
      method,
      path: { ...PATH, name },
      query: new URLSearchParams(),
      type: 'application/json',
      text: body ? JSON.stringify(body) : '',
      agent: 'kube-apiserver',
    });

  async function sync(): Promise<void> {
    const { status, body } = await ask('GET', NAME);
    const live = status === 200 ? (body as JsonMap) : undefined;
    const there = mapAt(live, 'data') as Data;
    const data = mergedTrust(there, { clients: clients.pem(), front: front?.pem(), lists }, Date.now());
    if (live && canonical(there) === canonical(data)) return;
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: NAME, namespace: 'kube-system' } };
    if (live) await ask('PUT', NAME, { ...live, data });
    else await ask('POST', '', { ...object, data });
  }

  const again = (): void => {
    void sync()
      // there is a next time
      .catch(() => undefined)
      .then(() => setTimeout(again, EVERY_MS).unref());
  };
  again();
}
