import type { JsonMap } from '../../../src/render/json.ts';
import type { ApiClient } from '../../../src/rollout/probe/api-client.ts';
import { type ObjectsServer, objectsServer } from '../objects-server.ts';

/** What is looked at in a survey, by the last part of its path. */
const COLLECTIONS = {
  namespaces: '/api/v1/namespaces',
  configmaps: '/api/v1/configmaps',
  secrets: '/api/v1/secrets',
  nodes: '/api/v1/nodes',
  pods: '/api/v1/pods',
  replicasets: '/apis/apps/v1/replicasets',
  validating: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  mutating: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  apiservices: '/apis/apiregistration.k8s.io/v1/apiservices',
  crds: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  csrs: '/apis/certificates.k8s.io/v1/certificatesigningrequests',
} as const;

type Collections = Partial<Record<keyof typeof COLLECTIONS, readonly JsonMap[]>>;

export interface ListsServer extends ObjectsServer {
  /** What the collections hold from now on; those that are not named stay as they are. */
  list(collections: Collections): void;
  /** Text that is answered instead, by path. */
  readonly texts: Map<string, { readonly status: number; readonly text: string }>;
}

/** The stand-in of test/rollout/objects-server.ts with collections, all of them empty. */
export async function listsServer(): Promise<ListsServer> {
  const server = await objectsServer();
  const texts: ListsServer['texts'] = new Map();
  const list = (collections: Collections) => {
    for (const [name, items] of Object.entries(collections)) {
      server.put(COLLECTIONS[name as keyof typeof COLLECTIONS], { kind: 'List', items });
    }
  };
  list(Object.fromEntries(Object.keys(COLLECTIONS).map((name) => [name, []])));
  const api: ApiClient = {
    ...server.api,
    request: async (method, path, options) => {
      const text = texts.get(path);
      return text ? { ...text, body: undefined } : server.api.request(method, path, options);
    },
  };
  return Object.assign(server, { api, list, texts });
}

/** An object in a namespace, or in none. */
export function object(name: string, more: JsonMap = {}, namespace?: string): JsonMap {
  return { metadata: { name, ...(namespace !== undefined && { namespace }) }, ...more };
}
