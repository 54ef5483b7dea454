import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { type ConnectionOptions, connect } from 'node:tls';
import { type Flags, flag } from './flags.ts';

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** The revision of its last change; 0 where there is no such key. */
  readonly revision: string;
}

export type EtcdClient = ReturnType<typeof etcdClient>;

interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly mod_revision: string;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const plain = (text = '') => Buffer.from(text, 'base64').toString('utf8');

/**
 * The store behind the apiserver: its own etcd through etcd's JSON gateway (etcd.io: "Why gRPC gateway"), with the
 * manifest's endpoint and files. Reads are linearizable, so both need a quorum. The client's pair is read at each dial, the
 * CA at the start only (reference/rotation.md).
 */
export function etcdClient(flags: Flags) {
  const url = new URL(flag(flags, 'etcd-servers').split(',')[0] ?? '');
  const files = [flag(flags, 'etcd-certfile'), flag(flags, 'etcd-keyfile')] as const;
  const ca = readFileSync(flag(flags, 'etcd-cafile'));
  const agent = Object.assign(new Agent({ keepAlive: true, maxCachedSessions: 0 }), {
    createConnection: (options: ConnectionOptions) =>
      connect({ ...options, ca, cert: readFileSync(files[0]), key: readFileSync(files[1]) }),
  });

  const call = (path: string, body: unknown, timeoutMs: number): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const sent = request(new URL(path, url), { method: 'POST', agent }, (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString('utf8');
        });
        answer.on('error', reject);
        answer.on('end', () => {
          clearTimeout(timer);
          if (answer.statusCode === 200) resolve(JSON.parse(text) as Record<string, unknown>);
          else reject(new Error(`etcdserver: ${text.trim()}`));
        });
      });
      const timer = setTimeout(() => sent.destroy(new Error('etcdserver: request timed out')), timeoutMs);
      sent.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      sent.end(JSON.stringify(body));
    });

  const entry = ({ key, value, mod_revision }: KeyValue): Entry => ({
    key: plain(key),
    value: plain(value),
    revision: mod_revision,
  });

  return {
    async get(key: string, timeoutMs = 5000): Promise<Entry | undefined> {
      const { kvs = [] } = (await call('/v3/kv/range', { key: base64(key) }, timeoutMs)) as { kvs?: KeyValue[] };
      return kvs[0] && entry(kvs[0]);
    },
    async list(prefix: string): Promise<readonly Entry[]> {
      const end = `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`;
      const range = { key: base64(prefix), range_end: base64(end) };
      const { kvs = [] } = (await call('/v3/kv/range', range, 5000)) as { kvs?: KeyValue[] };
      return kvs.map(entry);
    },
    /**
     * Writes (undefined deletes) where the key is still at this revision.
     * @returns the new revision; undefined where somebody else was faster
     */
    async set(key: string, value: string | undefined, revision: string): Promise<string | undefined> {
      const name = base64(key);
      const change =
        value === undefined
          ? { requestDeleteRange: { key: name } }
          : { requestPut: { key: name, value: base64(value) } };
      const body = {
        compare: [{ key: name, target: 'MOD', result: 'EQUAL', modRevision: revision }],
        success: [change],
      };
      const answer = (await call('/v3/kv/txn', body, 5000)) as { succeeded?: boolean; header: { revision: string } };
      return answer.succeeded ? answer.header.revision : undefined;
    },
  };
}
