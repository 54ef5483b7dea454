import type { IncomingMessage, ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { isList, isMap, type JsonMap, withEntries } from '../../src/render/json.ts';
import { type ApiClient, openApi } from '../../src/rollout/probe/api-client.ts';
import type { Json } from '../../src/spec/tree.ts';
import { testAuthority } from './probe-pki.ts';
import { httpsServer } from './probe-servers.ts';

/** One field: its keys from the top; an item of a list of named maps stands as `[name="x"]`. */
type Field = readonly string[];

interface Stored {
  readonly object: JsonMap;
  /** Text of a field → who has set it. */
  readonly owners: ReadonlyMap<string, string>;
}

/** How the server behaves for one request: by itself, with a status, or by cutting the connection. */
type Mishap = number | 'cut';

/**
 * The part of an apiserver that applying objects needs: server-side apply with owners of single fields, conflicts and dry
 * runs, strategic-merge patches of nodes guarded by resourceVersion, POST, GET, DELETE. What a real one does was seen with
 * kube-apiserver 1.36.2.
 */
export interface ObjectsServer {
  readonly api: ApiClient;
  /** By path. */
  readonly stored: Map<string, Stored>;
  /** `PATCH /api/v1/…` of every request that was answered. */
  readonly requests: string[];
  /** What the next requests meet, in order. */
  readonly mishaps: Mishap[];
  /** Is called before a PATCH is carried out. */
  beforePatch: (path: string) => void;
  /** Somebody else sets a field, which makes it theirs. */
  edit(path: string, field: Field, value: Json, manager: string): void;
  /** Puts an object there as it is. */
  put(path: string, object: JsonMap): void;
}

export async function objectsServer(): Promise<ObjectsServer> {
  const authority = await testAuthority();
  const [leaf, client] = await Promise.all([authority.issue(), authority.issue()]);
  const stored = new Map<string, Stored>();
  const requests: string[] = [];
  const mishaps: Mishap[] = [];
  let version = 0;
  const versioned = (object: JsonMap): JsonMap => {
    version += 1;
    return withEntries(object, {
      metadata: withEntries((object['metadata'] ?? {}) as JsonMap, { resourceVersion: String(version) }),
    });
  };
  const server: Omit<ObjectsServer, 'api'> = {
    stored,
    requests,
    mishaps,
    beforePatch: () => undefined,
    edit(path, field, value, manager) {
      const found = stored.get(path);
      if (!found) throw new Error(`there is no ${path}`);
      const owners = new Map(found.owners).set(JSON.stringify(field), manager);
      stored.set(path, { object: versioned(set(found.object, field, value) as JsonMap), owners });
    },
    put: (path, object) => void stored.set(path, { object: versioned(object), owners: new Map() }),
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'https://x');
    const path = decodeURIComponent(url.pathname);
    const text = Buffer.concat(await request.toArray()).toString();
    const mishap = mishaps.shift();
    if (mishap === 'cut') return void request.socket.destroy();
    requests.push(`${request.method} ${path}${url.searchParams.get('dryRun') ? ' (dry run)' : ''}`);
    const send = (status: number, body: Json) => void response.writeHead(status).end(JSON.stringify(body));
    if (mishap) return send(mishap, failure(mishap, 'Mishap', 'not just now'));
    const found = stored.get(path);
    if (request.method === 'GET')
      return found ? send(200, found.object) : send(404, failure(404, 'NotFound', 'not found'));
    if (request.method === 'DELETE') {
      if (!found) return send(404, failure(404, 'NotFound', 'not found'));
      stored.delete(path);
      return send(200, { kind: 'Status', status: 'Success' });
    }
    const body = JSON.parse(text) as JsonMap;
    if (request.method === 'POST') {
      const at = `${path}/${String((body['metadata'] as JsonMap)['name'])}`;
      if (stored.has(at)) return send(409, failure(409, 'AlreadyExists', 'already exists'));
      server.put(at, body);
      return send(201, body);
    }
    server.beforePatch(path);
    const now = stored.get(path);
    if (request.headers['content-type'] === 'application/strategic-merge-patch+json') {
      if (!now) return send(404, failure(404, 'NotFound', 'not found'));
      const wanted = (body['metadata'] as JsonMap | undefined)?.['resourceVersion'];
      if (wanted !== undefined && wanted !== (now.object['metadata'] as JsonMap)['resourceVersion']) {
        return send(409, failure(409, 'Conflict', 'the object has been modified'));
      }
      stored.set(path, { object: versioned(merge(now.object, body)), owners: now.owners });
      return send(200, stored.get(path)?.object ?? null);
    }
    const applied = apply(now, body, url.searchParams.get('fieldManager') ?? '');
    if ('conflicts' in applied)
      return send(409, { ...failure(409, 'Conflict', 'conflicts'), details: { causes: applied.conflicts } });
    const same = now && JSON.stringify(applied.object) === JSON.stringify(now.object);
    const object = same ? now.object : versioned(applied.object);
    if (!url.searchParams.get('dryRun')) stored.set(path, { object, owners: applied.owners });
    return send(now ? 200 : 201, object);
  };
  const reach = await httpsServer(
    { leaf, clientCa: authority.ca },
    (request, response) => void answer(request, response),
  );
  const api = openApi({ reach, identity: '10.0.0.11', ca: authority.ca, cert: client.certificate, key: client.key });
  onTestFinished(() => api.close());
  return Object.assign(server, { api });
}

function failure(code: number, reason: string, message: string): JsonMap {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code };
}

function apply(
  live: Stored | undefined,
  wanted: JsonMap,
  manager: string,
):
  | { readonly object: JsonMap; readonly owners: ReadonlyMap<string, string> }
  | { readonly conflicts: readonly JsonMap[] } {
  const fields = [...leaves(wanted, [])].filter(
    ([field]) => !/^(apiVersion|kind)$|^metadata,(name|namespace)$/.test(String(field)),
  );
  const conflicts = fields.flatMap(([field, value]) => {
    const owner = live?.owners.get(JSON.stringify(field));
    if (!live || owner === undefined || owner === manager) return [];
    if (JSON.stringify(get(live.object, field)) === JSON.stringify(value)) return [];
    const path = field.map((key) => (key.startsWith('[') ? key : `.${key}`)).join('');
    return [{ reason: 'FieldManagerConflict', message: `conflict with "${owner}" using v1`, field: path }];
  });
  if (conflicts.length) return { conflicts };
  const given = new Set(fields.map(([field]) => JSON.stringify(field)));
  const owners = new Map(live?.owners ?? []);
  let object: Json = live?.object ?? wanted;
  for (const [text, owner] of live?.owners ?? []) {
    if (owner !== manager || given.has(text)) continue;
    owners.delete(text);
    object = set(object, JSON.parse(text) as Field, undefined) as Json;
  }
  for (const [field, value] of fields) {
    object = set(object, field, value) as Json;
    if ((owners.get(JSON.stringify(field)) ?? manager) === manager) owners.set(JSON.stringify(field), manager);
  }
  return { object: object as JsonMap, owners };
}

function* leaves(value: Json, field: Field): Generator<readonly [Field, Json]> {
  if (isMap(value)) {
    for (const [key, below] of Object.entries(value)) yield* leaves(below, [...field, key]);
  } else if (
    isList(value) &&
    value.length &&
    value.every((item) => isMap(item) && typeof item['name'] === 'string' && !field.includes('subjects'))
  ) {
    for (const item of value) yield* leaves(item, [...field, `[name=${JSON.stringify((item as JsonMap)['name'])}]`]);
  } else yield [field, value];
}

const isItem = (key: string) => (item: Json) => isMap(item) && key === `[name=${JSON.stringify(item['name'])}]`;

function get(value: Json | undefined, [key, ...rest]: Field): Json | undefined {
  if (key === undefined) return value;
  if (isList(value)) return get(value.find(isItem(key)), rest);
  return isMap(value) ? get(value[key], rest) : undefined;
}

function set(value: Json | undefined, [key, ...rest]: Field, to: Json | undefined): Json | undefined {
  if (key === undefined) return to;
  if (key.startsWith('[')) {
    const list = isList(value) ? value : [];
    const index = list.findIndex(isItem(key));
    const next = set(list[index] ?? {}, rest, to) as Json;
    return index < 0 ? [...list, next] : list.map((item, i) => (i === index ? next : item));
  }
  const map = isMap(value) ? value : {};
  return withEntries(map, { [key]: set(map[key], rest, to) });
}

function merge(target: Json | undefined, patch: JsonMap): JsonMap {
  const base = isMap(target) ? target : {};
  const changes = Object.entries(patch).map(
    ([key, value]) => [key, isMap(value) ? merge(base[key], value) : value] as const,
  );
  return withEntries(base, Object.fromEntries(changes));
}
