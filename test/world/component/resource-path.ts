/** What a path of the API names. */
export interface ResourcePath {
  readonly apiVersion: string;
  /** '' where it has none. */
  readonly namespace: string;
  readonly resource: string;
  /** '' for the collection. */
  readonly name: string;
  readonly subresource: string;
}

/** undefined where the path is none of an object or a collection (apiserver/pkg/endpoints/request/requestinfo.go). */
export function resourcePath(path: string): ResourcePath | undefined {
  const [, core, group, groupVersion, rest = ''] = /^\/(?:api\/(v1)|apis\/([^/]+)\/([^/]+))\/(.+)$/.exec(path) ?? [];
  const parts = rest.split('/').map(decodeURIComponent);
  if (!parts[0]) return undefined;
  const apiVersion = core ?? `${group}/${groupVersion}`;
  const namespaced = parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2] ?? '');
  const [resource = '', name = '', subresource = ''] = namespaced ? parts.slice(2) : parts;
  return { apiVersion, namespace: namespaced ? (parts[1] ?? '') : '', resource, name, subresource };
}

const groupOf = (apiVersion: string) => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : 'core');

/** The prefix of the keys of a collection; all namespaces where none is named. */
export const prefixOf = ({ apiVersion, resource, namespace }: ResourcePath): string =>
  `/registry/${groupOf(apiVersion)}/${resource}/${namespace ? `${namespace}/` : ''}`;

/** `/registry/core/pods/kube-system/etcd-cp1`; objects without a namespace have `-` there. */
export const keyOf = (path: ResourcePath, name: string): string =>
  `${prefixOf({ ...path, namespace: path.namespace || '-' })}${name}`;

/** `ClusterRoleBinding` is served as `clusterrolebindings`. */
export function pluralOf(kind: string): string {
  const lower = kind.toLowerCase();
  if (/(s|x|ch)$/.test(lower)) return lower === 'endpoints' ? lower : `${lower}es`;
  return /[^aeiou]y$/.test(lower) ? `${lower.slice(0, -1)}ies` : `${lower}s`;
}
