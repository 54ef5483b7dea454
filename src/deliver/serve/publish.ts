import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type AtomicFile, makeDirectory, removeStaleTemps, writeFilesAtomic } from '../../base/atomic-file.ts';
import { BootstrapError } from '../../base/errors.ts';
import type { SecretText } from '../../base/secret.ts';
import { sha256 } from '../../base/sha256.ts';
import type { KeyPair } from '../../pki/pki.ts';
import { below, isList, isMap, type JsonMap } from '../../render/json.ts';
import type { ServedNode } from '../../render/served.ts';
import { podCalled } from '../../render/static-pods/manifest-file.ts';
import { CERTIFICATE, INDEX, KEY, LISTS, listFile, parseIndex, type ServedIndex } from './served-index.ts';

/** What the server of static pods is to give out. */
export interface WantedServed {
  readonly cluster: string;
  /** `host:port` at which the nodes reach it. */
  readonly endpoint: string;
  readonly pollSeconds: number;
  /** Nodes that get pods by URL. */
  readonly served: readonly ServedNode[];
  /** Of all nodes. */
  readonly tokens: ReadonlyMap<string, SecretText>;
  readonly tls: KeyPair;
}

interface ServedPodChange {
  /** `namespace/name`, or the name alone in kube-system. */
  readonly name: string;
  readonly kind: 'start' | 'restart' | 'stop';
}

/** What becomes different for one node. */
export interface ServedChange {
  readonly node: string;
  readonly kind: 'create' | 'change' | 'remove';
  readonly pods: readonly ServedPodChange[];
}

/**
 * The kubelet takes no more: it gives up on whatever has all of its maxConfigLength (pkg/kubelet/config/common.go; ReadAtMost
 * of k8s.io/utils/io), which is 10 MiB.
 */
const MAX_LIST_BYTES = 10 * 1024 * 1024 - 1;

/**
 * What publishing would change for the nodes' pods.
 * @param wanted undefined where nothing is to be served any more
 * @param chosen the nodes whose lists may change; all where it is left out
 */
export function planServed(
  dir: string,
  wanted: Pick<WantedServed, 'served'> | undefined,
  chosen?: ReadonlySet<string>,
): readonly ServedChange[] {
  const now = publishedLists(dir);
  const next = new Map((wanted?.served ?? []).map(({ node, pods }) => [node, pods]));
  const nodes = [...new Set([...next.keys(), ...now.keys()])].sort();
  return nodes
    .filter((node) => chosen?.has(node) ?? true)
    .flatMap((node) => {
      const [before, after] = [now.get(node), next.get(node)];
      const pods = podChanges(before ?? [], after ?? []);
      if (!pods.length) return [];
      return [{ node, kind: before ? (after ? ('change' as const) : ('remove' as const)) : ('create' as const), pods }];
    });
}

/**
 * Brings the server's directory to what is wanted: every file atomically, the index last, lists that it no longer names
 * removed after it. It holds no key of a CA. The caller holds the lock of the cluster directory.
 * @param chosen the nodes whose lists may change; those of others stay as they are
 * @returns whether anything was written
 * @throws BootstrapError where something cannot be written, or a list is larger than a kubelet reads
 */
export async function publishServed(
  dir: string,
  wanted: WantedServed | undefined,
  chosen?: ReadonlySet<string>,
): Promise<boolean> {
  if (!wanted) return withdraw(dir);
  const now = publishedLists(dir);
  const others = [...now].filter(([node]) => chosen && !chosen.has(node) && wanted.tokens.has(node));
  const lists = new Map([
    ...others,
    ...wanted.served.filter(({ node }) => chosen?.has(node) ?? true).map(({ node, pods }) => [node, pods] as const),
  ]);
  const files = filesOf(wanted, lists);
  await makeDirectory(dir, 0o700);
  for (const name of ['tls', LISTS]) await makeDirectory(join(dir, name), 0o700);
  for (const name of ['', 'tls', LISTS]) removeStaleTemps(join(dir, name));
  const changed = files.filter((file) => isOther(file));
  const leftovers = readdirSync(join(dir, LISTS)).filter(
    (name) => name.endsWith('.json') && !lists.has(name.slice(0, -'.json'.length)),
  );
  // the index is the last one of them: whoever reads meanwhile sees what does not fit, and waits
  if (changed.length) await writeFilesAtomic(changed);
  for (const name of leftovers) rmSync(join(dir, LISTS, name), { force: true });
  return changed.length > 0;

  function filesOf(all: WantedServed, each: ReadonlyMap<string, readonly JsonMap[]>): readonly AtomicFile[] {
    const texts = new Map([...each].map(([node, pods]) => [node, listText(node, pods)]));
    const { certificate, key } = all.tls;
    const index: ServedIndex = {
      version: 1,
      cluster: all.cluster,
      endpoint: all.endpoint,
      pollSeconds: all.pollSeconds,
      tls: { certificate: sha256(certificate), key: sha256(key.reveal()) },
      nodes: Object.fromEntries(
        [...all.tokens].sort(byName).map(([node, token]) => {
          const text = texts.get(node);
          const pods = (each.get(node) ?? []).map(calledPod);
          return [
            node,
            { token: sha256(token.reveal()), ...(text !== undefined && { list: { sha256: sha256(text), pods } }) },
          ];
        }),
      ),
    };
    const file = (name: string, content: string): AtomicFile => ({ path: join(dir, name), content, mode: 0o600 });
    return [
      file(CERTIFICATE, certificate),
      file(KEY, key.reveal()),
      ...[...texts].map(([node, text]) => file(listFile(node), text)),
      file(INDEX, `${JSON.stringify(index, undefined, 1)}\n`),
    ];
  }
}

/** Nothing is served by this cluster any more: a server that still runs is in doubt from now on, and says so. */
function withdraw(dir: string): boolean {
  if (!existsSync(join(dir, INDEX))) return false;
  for (const name of [INDEX, LISTS, 'tls']) rmSync(join(dir, name), { recursive: true, force: true });
  return true;
}

/** Each node's pods as they were published; nothing of what cannot be read: it is written again. */
function publishedLists(dir: string): ReadonlyMap<string, readonly JsonMap[]> {
  try {
    const index = parseIndex(readFileSync(join(dir, INDEX), 'utf8'));
    return new Map(
      Object.entries(index.nodes).flatMap(([node, { list }]) => {
        const pods = list && readList(join(dir, listFile(node)));
        return pods?.length ? [[node, pods] as const] : [];
      }),
    );
  } catch {
    return new Map();
  }
}

function readList(path: string): readonly JsonMap[] {
  try {
    const items = below(JSON.parse(readFileSync(path, 'utf8')), 'items');
    return isList(items) ? items.filter(isMap) : [];
  } catch {
    return [];
  }
}

function listText(node: string, pods: readonly JsonMap[]): string {
  const text = `${JSON.stringify({ apiVersion: 'v1', kind: 'PodList', metadata: {}, items: pods })}\n`;
  if (!pods.length) throw new Error(`an empty list for ${node} would end all of its pods`);
  if (Buffer.byteLength(text) <= MAX_LIST_BYTES) return text;
  throw new BootstrapError(
    'cluster-file',
    `${node}: its pods by URL are ${Buffer.byteLength(text)} bytes; the kubelet reads ${MAX_LIST_BYTES}`,
    { hint: 'bring some of them by file (via: file)' },
  );
}

function podChanges(before: readonly JsonMap[], after: readonly JsonMap[]): readonly ServedPodChange[] {
  const texts = (pods: readonly JsonMap[]) => new Map(pods.map((pod) => [calledPod(pod), JSON.stringify(pod)]));
  const [old, now] = [texts(before), texts(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((name): readonly ServedPodChange[] => {
    const [was, is] = [old.get(name), now.get(name)];
    if (was === is) return [];
    return [{ name, kind: was === undefined ? 'start' : is === undefined ? 'stop' : 'restart' }];
  });
}

function calledPod(pod: JsonMap): string {
  const [namespace, name] = [below(pod, 'metadata', 'namespace'), below(pod, 'metadata', 'name')];
  return podCalled(typeof namespace === 'string' && namespace ? namespace : 'default', String(name));
}

function isOther({ path, content, mode }: AtomicFile): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return !stat?.isFile() || (stat.mode & 0o7777) !== mode || readFileSync(path, 'utf8') !== content;
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
