import { apiKind } from '../../kubernetes/api-kinds.ts';
import type { ClusterObject } from '../../render/cluster/object.ts';

/** Where an object stands in the API: `/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy`. */
export function objectPath({ apiVersion, kind, namespace, name }: Omit<ClusterObject, 'data'>): string {
  const known = apiKind(apiVersion, kind);
  if (!known) throw new Error(`unchecked kind ${kind}`);
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const inside = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  // a colon is allowed in a path, and stands in many names of RBAC objects
  return `${group}${inside}/${known.plural}/${encodeURIComponent(name).replaceAll('%3A', ':')}`;
}

export function nodePath(name: string): string {
  return `/api/v1/nodes/${encodeURIComponent(name)}`;
}
