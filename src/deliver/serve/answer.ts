import { createHash, timingSafeEqual } from 'node:crypto';
import type { Snapshot, SnapshotNode } from './snapshot.ts';

/** What the server knows just now: everything, or nothing for sure. */
export type ServeState =
  | { readonly kind: 'whole'; readonly snapshot: Snapshot }
  | { readonly kind: 'doubt'; readonly why: string };

export interface Question {
  readonly method: string;
  /** As in the request line. */
  readonly url: string;
  readonly authorization: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Who asked, where the token says so. */
  readonly node?: string;
  /** SHA-256 (hex) of the list that was given out. */
  readonly revision?: string;
}

const PODS = /^\/v1\/nodes\/([a-z0-9][-a-z0-9.]{0,252})\/pods$/;
const NOBODY: SnapshotNode = { token: Buffer.alloc(32), list: undefined };

/** The URL's path for a node. */
export function podsPath(node: string): string {
  return `/v1/nodes/${node}/pods`;
}

/**
 * The answer to one request, a pure function. 200 comes only with a whole list of one pod or more: the kubelet takes an
 * empty one for an order to end all of them, and keeps what it has on any other status (pkg/kubelet/config/http.go).
 */
export function answer(state: ServeState, { method, url, authorization }: Question): Answer {
  if (url === '/healthz') return state.kind === 'whole' ? text(200, 'ok') : text(503, state.why);
  const [, name] = PODS.exec(url) ?? [];
  if (name === undefined) return text(404, 'not found');
  if (method !== 'GET' && method !== 'HEAD')
    return { ...text(405, 'GET only'), headers: { ...PLAIN, allow: 'GET, HEAD' } };
  if (state.kind === 'doubt') return text(503, 'in doubt');
  const node = state.snapshot.nodes.get(name);
  // a node that is not there and a token that is wrong take as long and look the same
  const isRight = isToken(authorization, node ?? NOBODY) && node !== undefined;
  if (!isRight) return { ...text(401, 'unauthorized'), headers: { ...PLAIN, 'www-authenticate': 'Bearer' } };
  if (!node.list) return { ...text(404, 'no pods by URL'), node: name };
  const { body, sha256 } = node.list;
  return {
    status: 200,
    body,
    headers: { 'content-type': 'application/json', etag: `"${sha256}"`, 'cache-control': 'no-store' },
    node: name,
    revision: sha256,
  };
}

function isToken(authorization: string | undefined, { token }: SnapshotNode): boolean {
  const shown = /^Bearer (\S{1,512})$/.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(createHash('sha256').update(shown).digest(), token);
}

const PLAIN = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } as const;

function text(status: number, words: string): Answer {
  return { status, body: Buffer.from(`${words}\n`), headers: PLAIN };
}
