/** Where things lie in the directory that the server of static pods works from. */
export const INDEX = 'index.json';
export const CERTIFICATE = 'tls/server.crt';
export const KEY = 'tls/server.key';
export const LISTS = 'nodes';

/** JSON, so that checking twenty thousand of them takes no time; the kubelet reads it as well as YAML. */
export function listFile(node: string): string {
  return `${LISTS}/${node}.json`;
}

/**
 * What belongs together in that directory. It is written last and holds a digest of everything else: what does not fit
 * it is in the middle of a change, and is not served.
 */
export interface ServedIndex {
  readonly version: 1;
  readonly cluster: string;
  /** `host:port` at which the nodes reach the server. */
  readonly endpoint: string;
  /** Seconds between two polls of a kubelet. */
  readonly pollSeconds: number;
  /** SHA-256 (hex) of the files. */
  readonly tls: { readonly certificate: string; readonly key: string };
  /** Every node that has a token. */
  readonly nodes: Readonly<Record<string, ServedNodeEntry>>;
}

interface ServedNodeEntry {
  /** SHA-256 (hex) of the token that the node shows. */
  readonly token: string;
  /** Of its list; a node without pods by URL has none. */
  readonly list?: { readonly sha256: string; readonly pods: readonly string[] };
}

/** @throws Error saying what is wrong with it */
export function parseIndex(text: string): ServedIndex {
  const index = JSON.parse(text) as Partial<ServedIndex> | null;
  if (typeof index !== 'object' || index === null) throw new Error('is no object');
  const { version, cluster, endpoint, pollSeconds, tls, nodes } = index;
  if (version !== 1) throw new Error(`is of version ${JSON.stringify(version)}; this program knows version 1`);
  if (typeof cluster !== 'string' || typeof endpoint !== 'string' || typeof pollSeconds !== 'number')
    throw new Error('is not whole');
  if (!tls || !isDigest(tls.certificate) || !isDigest(tls.key)) throw new Error('has no digests of the TLS files');
  if (typeof nodes !== 'object' || nodes === null) throw new Error('has no nodes');
  for (const [node, entry] of Object.entries(nodes)) {
    // it becomes a path
    if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(node)) throw new Error(`names a node ${JSON.stringify(node)}`);
    if (!isDigest(entry?.token)) throw new Error(`has no digest of the token of ${node}`);
    if (entry.list && (!isDigest(entry.list.sha256) || !Array.isArray(entry.list.pods)))
      throw new Error(`has no digest of the list of ${node}`);
  }
  return { version, cluster, endpoint, pollSeconds, tls, nodes };
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
