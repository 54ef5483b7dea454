import { randomUUID } from 'node:crypto';
import { parse } from 'yaml';
import { canonical, isMap, type Json, type JsonMap, mapAt, mergePatch, textAt } from '../json.ts';
import type { EtcdClient } from './etcd-client.ts';
import { keyOf, pluralOf, prefixOf, type ResourcePath } from './resource-path.ts';
import { applyTo, updated } from './server-side-apply.ts';

export interface Asked {
  readonly method: string;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly type: string;
  readonly text: string;
  /** Who is named as the owner of fields where the query names nobody: the first word of the user agent. */
  readonly agent: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

type Change = (live: JsonMap | undefined) => JsonMap | Answer;

export const failure = (code: number, reason: string, message: string, details: JsonMap = {}): Answer => ({
  status: code,
  body: { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message, details },
});

/**
 * Objects of any kind, in etcd: get, list, create, update, merge patch, server-side apply, delete, and `dryRun=All`. As in
 * the apiserver a write that changes nothing gives no new resourceVersion. Nothing is validated beyond name and kind,
 * nothing defaulted, nothing watched.
 */
export async function answerObjects(etcd: EtcdClient, asked: Asked): Promise<Answer> {
  const { method, path, query } = asked;
  if (query.get('watch')) return failure(405, 'MethodNotAllowed', 'test/world: there is no watch here');
  const manager = query.get('fieldManager') ?? asked.agent;
  const notFound = failure(404, 'NotFound', `${path.resource} "${path.name}" not found`);
  switch (method) {
    case 'GET': {
      if (!path.name) return list(etcd, path, query);
      const entry = await etcd.get(keyOf(path, path.name));
      return entry ? { status: 200, body: withRevision(read(entry.value), entry.revision) } : notFound;
    }
    case 'POST': {
      const body = parsed(asked.text);
      if (!isMap(body)) return failure(400, 'BadRequest', 'no object');
      const name = textAt(body, 'metadata', 'name');
      const wrong = mismatch(path, body, name) ?? (await noNamespace(etcd, path));
      if (wrong) return wrong;
      const exists = failure(409, 'AlreadyExists', `${path.resource} "${name}" already exists`);
      return write(etcd, asked, name, (live) => (live ? exists : updated(undefined, body, manager)));
    }
    case 'PUT': {
      const body = parsed(asked.text);
      if (!isMap(body)) return failure(400, 'BadRequest', 'no object');
      const wrong = mismatch(path, body, path.name);
      if (wrong) return wrong;
      const version = textAt(body, 'metadata', 'resourceVersion');
      return write(etcd, asked, path.name, (live) => {
        if (!live) return notFound;
        if (version && version !== textAt(live, 'metadata', 'resourceVersion')) return outdated(path);
        return updated(live, mergePatch(body, { metadata: own(live) }) as JsonMap, manager);
      });
    }
    case 'PATCH':
      return patch(etcd, asked, manager, notFound);
    case 'DELETE':
      return write(etcd, asked, path.name, (live) => (live ? { status: 200, body: live } : notFound));
    default:
      return failure(405, 'MethodNotAllowed', method);
  }
}

async function patch(etcd: EtcdClient, asked: Asked, manager: string, notFound: Answer): Promise<Answer> {
  const { path, query, type } = asked;
  const body = parsed(asked.text);
  if (!isMap(body)) return failure(400, 'BadRequest', 'no object');
  // what makes a strategic one different, lists that are merged, is not there
  if (/^application\/(strategic-)?merge-patch\+json/.test(type)) {
    const version = textAt(body, 'metadata', 'resourceVersion');
    return write(etcd, asked, path.name, (live) => {
      if (!live) return notFound;
      if (version && version !== textAt(live, 'metadata', 'resourceVersion')) return outdated(path);
      return updated(live, mergePatch(live, body) as JsonMap, manager);
    });
  }
  if (!type.startsWith('application/apply-patch+yaml')) {
    return failure(415, 'UnsupportedMediaType', `test/world: "${type}" is not known here`);
  }
  if (!query.get('fieldManager')) return failure(422, 'Invalid', 'fieldManager is required for apply patch');
  const wrong = mismatch(path, body, path.name) ?? (await noNamespace(etcd, path));
  if (wrong) return wrong;
  return write(etcd, asked, path.name, (live) => {
    const applied = applyTo(live, body, manager, query.get('force') === 'true');
    if (applied.kind === 'object') return applied.object;
    const causes = applied.with.map(({ manager: other, field }) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with "${other}"`,
      field,
    }));
    const said = `Apply failed with ${causes.length} conflict${causes.length > 1 ? 's' : ''}: ${causes.map(({ message, field }) => `${message}: ${field}`).join(', ')}`;
    return failure(409, 'Conflict', said, { causes });
  });
}

/** Reads, changes and writes; once more where somebody else has written in between. */
async function write(etcd: EtcdClient, asked: Asked, name: string, change: Change): Promise<Answer> {
  const key = keyOf(asked.path, name);
  const dry = asked.query.get('dryRun') === 'All';
  for (let tries = 0; tries < 10; tries++) {
    const entry = await etcd.get(key);
    const live = entry && withRevision(read(entry.value), entry.revision);
    const result = change(live);
    if (isAnswer(result)) {
      if (asked.method !== 'DELETE' || result.status !== 200 || dry) return result;
      if (await etcd.set(key, undefined, entry?.revision ?? '0')) return result;
      continue;
    }
    const object = mergePatch(result, { metadata: own(live, asked.path, name) }) as JsonMap;
    if (live && canonical(object) === canonical(live)) return { status: 200, body: live };
    if (dry) return { status: live ? 200 : 201, body: object };
    const stored = mergePatch(object, { metadata: { resourceVersion: null } });
    const revision = await etcd.set(key, JSON.stringify(stored), entry?.revision ?? '0');
    if (revision) return { status: live ? 200 : 201, body: withRevision(object, revision) };
  }
  return outdated(asked.path);
}

/** What the server alone sets. */
function own(live: JsonMap | undefined, path?: ResourcePath, name?: string): JsonMap {
  const before = mapAt(live, 'metadata');
  return {
    ...(path?.namespace && { namespace: path.namespace }),
    ...(name && { name }),
    uid: before['uid'] ?? randomUUID(),
    creationTimestamp: before['creationTimestamp'] ?? `${new Date().toISOString().slice(0, 19)}Z`,
    ...(before['resourceVersion'] !== undefined && { resourceVersion: before['resourceVersion'] }),
  };
}

async function list(etcd: EtcdClient, path: ResourcePath, query: URLSearchParams): Promise<Answer> {
  const labels = selector(query.get('labelSelector'));
  const fields = selector(query.get('fieldSelector'));
  const items = (await etcd.list(prefixOf(path)))
    .map((entry) => withRevision(read(entry.value), entry.revision))
    .filter((item) => labels.every(([key, value]) => mapAt(item, 'metadata', 'labels')[key] === value))
    .filter((item) => fields.every(([key, value]) => textAt(item, ...key.split('.')) === value));
  return { status: 200, body: { apiVersion: path.apiVersion, kind: 'List', metadata: {}, items } };
}

/** `a=b,c=d`; other selectors are not known here. */
const selector = (text: string | null): readonly (readonly [string, string])[] =>
  (text ?? '')
    .split(',')
    .filter(Boolean)
    .map((term) => [term.split('=')[0] ?? '', term.split('=').at(-1) ?? '']);

function mismatch(path: ResourcePath, body: JsonMap, name: string): Answer | undefined {
  const kind = textAt(body, 'kind');
  if (textAt(body, 'apiVersion') !== path.apiVersion || pluralOf(kind) !== path.resource) {
    return failure(
      400,
      'BadRequest',
      `${textAt(body, 'apiVersion')} ${kind} does not belong to ${path.apiVersion} ${path.resource}`,
    );
  }
  const given = textAt(body, 'metadata', 'name');
  if (!name || given !== name)
    return failure(400, 'BadRequest', `the name of the object (${given}) is not that of the URL (${name})`);
  const namespace = textAt(body, 'metadata', 'namespace');
  if (namespace && namespace !== path.namespace) {
    return failure(
      400,
      'BadRequest',
      `the namespace of the object (${namespace}) is not that of the URL (${path.namespace})`,
    );
  }
  return undefined;
}

async function noNamespace(etcd: EtcdClient, { namespace }: ResourcePath): Promise<Answer | undefined> {
  if (!namespace || (await etcd.get(`/registry/core/namespaces/-/${namespace}`))) return undefined;
  return failure(404, 'NotFound', `namespaces "${namespace}" not found`);
}

const outdated = ({ resource, name }: ResourcePath) =>
  failure(409, 'Conflict', `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified`);

const isAnswer = (value: JsonMap | Answer): value is Answer => 'status' in value && typeof value['status'] === 'number';

/** YAML, as which JSON could be read too, but more slowly. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parse(text);
  }
}

const read = (text: string): JsonMap => JSON.parse(text) as JsonMap;

const withRevision = (object: JsonMap, revision: string): JsonMap =>
  mergePatch(object, { metadata: { resourceVersion: revision } }) as JsonMap;
