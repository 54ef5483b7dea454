import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../base/sha256.ts';
import { CERTIFICATE, INDEX, KEY, listFile, parseIndex, type ServedIndex } from './served-index.ts';

/** Everything that the server gives out, read and checked as a whole. Immutable: a change is another snapshot. */
export interface Snapshot {
  readonly index: ServedIndex;
  /** SHA-256 (hex) of the index: equal ones serve the same. */
  readonly revision: string;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer };
  /** ISO 8601. */
  readonly notAfter: string;
  readonly nodes: ReadonlyMap<string, SnapshotNode>;
}

export interface SnapshotNode {
  /** SHA-256 of its token. */
  readonly token: Buffer;
  /** Undefined where the node has no pods by URL. */
  readonly list: { readonly body: Buffer; readonly sha256: string } | undefined;
}

/**
 * Reads the directory, as a whole or not at all. Whatever is being changed there just now does not fit its index.
 * @param last what was read before: lists that are still the same are not read again
 * @throws Error saying, in words that follow the directory's name, what is in doubt
 */
export function loadSnapshot(dir: string, last?: Snapshot): Snapshot {
  const text = read(dir, INDEX);
  const revision = sha256(text);
  if (last?.revision === revision) return last;
  const index = attempt(INDEX, () => parseIndex(text.toString()));
  const { tls, notAfter } = tlsOf(dir, index);
  const nodes = new Map(
    Object.entries(index.nodes).map(([node, { token, list }]): [string, SnapshotNode] => [
      node,
      { token: Buffer.from(token, 'hex'), list: list && listOf(dir, node, list.sha256, last) },
    ]),
  );
  return { index, revision, tls, notAfter, nodes };
}

/** The certificate and its key by themselves: with them the server can at least say 503. Undefined where they are in doubt too. */
export function loadTls(dir: string): Snapshot['tls'] | undefined {
  try {
    return tlsOf(dir, parseIndex(read(dir, INDEX).toString())).tls;
  } catch {
    return undefined;
  }
}

function tlsOf(dir: string, { tls }: ServedIndex): Pick<Snapshot, 'tls' | 'notAfter'> {
  const cert = verified(dir, CERTIFICATE, tls.certificate);
  const key = verified(dir, KEY, tls.key);
  const leaf = attempt(CERTIFICATE, () => new X509Certificate(cert));
  if (!attempt(KEY, () => leaf.checkPrivateKey(createPrivateKey(key))))
    throw new Error(`${KEY} does not belong to ${CERTIFICATE}`);
  return { tls: { cert, key }, notAfter: new Date(leaf.validTo).toISOString() };
}

function listOf(dir: string, node: string, digest: string, last: Snapshot | undefined): SnapshotNode['list'] {
  const known = last?.nodes.get(node)?.list;
  if (known?.sha256 === digest) return known;
  const file = listFile(node);
  const body = verified(dir, file, digest);
  attempt(file, () => checkList(body));
  return { body, sha256: digest };
}

/** What the kubelet takes for an order to end pods is never given out, whoever has written it. */
function checkList(body: Buffer): void {
  const list = JSON.parse(body.toString()) as { readonly kind?: unknown; readonly items?: unknown };
  if (list?.kind !== 'PodList') throw new Error('holds no PodList');
  if (!Array.isArray(list.items) || !list.items.length) throw new Error('holds no pod');
  const isPod = (pod: PodLike | null) =>
    pod?.kind === 'Pod' && typeof pod.metadata?.name === 'string' && Boolean(pod.spec?.containers?.length);
  if (!list.items.every(isPod)) throw new Error('holds what is no Pod');
}

interface PodLike {
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown };
  readonly spec?: { readonly containers?: readonly unknown[] };
}

function verified(dir: string, file: string, digest: string): Buffer {
  const content = read(dir, file);
  if (sha256(content) !== digest) throw new Error(`${file} is not what ${INDEX} says`);
  return content;
}

function read(dir: string, file: string): Buffer {
  try {
    return readFileSync(join(dir, file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === 'ENOENT' ? `${file} is not there` : `${file} cannot be read (${code})`);
  }
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    // of a key no message says more than that
    const why = file === KEY || !(error instanceof Error) ? 'cannot be used' : error.message;
    throw new Error(`${file} ${why}`);
  }
}
