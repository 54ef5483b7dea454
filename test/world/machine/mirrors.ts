import type { ApiClient } from '../api-client.ts';
import { canonical, type Json, type JsonMap, listAt, mergePatch, textAt } from '../json.ts';
import type { StaticPod } from './manifests.ts';

const HASH = 'kubernetes.io/config.hash';
const RELIST_MS = 2000;

export interface Mirrored {
  readonly pod: StaticPod;
  readonly status: JsonMap;
}

/**
 * Keeps the mirror pods of a node as the kubelet does (pkg/kubelet/pod/mirror_client.go, status/status_manager.go): one
 * for each pod that it runs, made anew where its hash is another, made again where somebody has deleted it, deleted where
 * there is no such pod any more. While no API can be reached they stay as they were.
 */
export function mirrorPods(api: ApiClient, node: string) {
  /** Name → what the API was last told. */
  const told = new Map<string, string>();
  let listed = 0;

  const call = async (method: string, path: string, body?: Json): Promise<void> => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const answer = await api.request(`${path}?fieldManager=kubelet`, {
      method,
      type,
      ...(body !== undefined && { body }),
    });
    if (answer.status >= 300 && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.text}`);
  };
  const path = (namespace: string, name = '') => `/api/v1/namespaces/${namespace}/pods/${name}`.replace(/\/$/, '');

  /** Name → hash of the mirror pods that are there. */
  async function list(): Promise<ReadonlyMap<string, { namespace: string; hash: string }>> {
    const answer = await api.request(`/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`);
    if (answer.status !== 200) throw new Error(`GET pods: ${answer.text}`);
    return new Map(
      listAt(answer.body, 'items')
        .filter((pod) => textAt(pod, 'metadata', 'annotations', 'kubernetes.io/config.mirror'))
        .map((pod) => [
          textAt(pod, 'metadata', 'name'),
          { namespace: textAt(pod, 'metadata', 'namespace'), hash: textAt(pod, 'metadata', 'annotations', HASH) },
        ]),
    );
  }

  /** @throws Error where no API answers; what is missing is made up for at the next call */
  return async function sync(wanted: ReadonlyMap<string, Mirrored>): Promise<void> {
    const changed = [...wanted].filter(([name, { pod, status }]) => told.get(name) !== canonical([pod.uid, status]));
    const gone = [...told.keys()].some((name) => !wanted.has(name));
    if (!changed.length && !gone && Date.now() - listed < RELIST_MS) return;
    const there = await list();
    listed = Date.now();
    for (const [name, { namespace }] of there) {
      if (wanted.has(name)) continue;
      await call('DELETE', path(namespace, name));
      told.delete(name);
    }
    for (const name of told.keys()) if (!wanted.has(name)) told.delete(name);
    for (const [name, { pod, status }] of wanted) {
      const hash = there.get(name)?.hash;
      if (hash === pod.uid && told.get(name) === canonical([pod.uid, status])) continue;
      if (hash !== undefined && hash !== pod.uid) await call('DELETE', path(pod.namespace, name));
      if (hash !== pod.uid) await call('POST', path(pod.namespace), mirrorOf(pod, node));
      await call('PATCH', `${path(pod.namespace, name)}/status`, { status });
      told.set(name, canonical([pod.uid, status]));
    }
  };
}

/** What the kubelet adds (pkg/kubelet/config/common.go: applyDefaults). */
function mirrorOf(pod: StaticPod, node: string): Json {
  return mergePatch(pod.manifest, {
    metadata: {
      name: pod.name,
      namespace: pod.namespace,
      annotations: {
        [HASH]: pod.uid,
        'kubernetes.io/config.mirror': pod.uid,
        'kubernetes.io/config.source': 'file',
        'kubernetes.io/config.seen': new Date().toISOString(),
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, controller: true }],
    },
    spec: { nodeName: node, tolerations: [{ effect: 'NoExecute', operator: 'Exists' }] },
  });
}
