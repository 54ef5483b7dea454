/** One kind of API object that may be put into a cluster. */
export interface ApiKind {
  readonly apiVersion: string;
  readonly kind: string;
  /** Its name in URLs. */
  readonly plural: string;
  readonly namespaced: boolean;
}

/** In the order in which they are applied: what others need comes first. */
const KINDS: readonly ApiKind[] = [
  { apiVersion: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false },
  { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', plural: 'priorityclasses', namespaced: false },
  { apiVersion: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', namespaced: true },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', plural: 'clusterroles', namespaced: false },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    namespaced: false,
  },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', plural: 'roles', namespaced: true },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', plural: 'rolebindings', namespaced: true },
  { apiVersion: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
  { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true },
  { apiVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', plural: 'networkpolicies', namespaced: true },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', namespaced: true },
  { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments', namespaced: true },
  { apiVersion: 'apps/v1', kind: 'DaemonSet', plural: 'daemonsets', namespaced: true },
];

/** Names of all kinds that are known. */
export const API_KINDS: readonly string[] = KINDS.map(({ kind }) => kind);

export function apiKind(apiVersion: string, kind: string): ApiKind | undefined {
  return KINDS.find((known) => known.kind === kind && known.apiVersion === apiVersion);
}

/** The version in which a kind is known, for messages. */
export function apiVersionOf(kind: string): string | undefined {
  return KINDS.find((known) => known.kind === kind)?.apiVersion;
}

/** A kind's place in the order in which objects are applied. */
export function applyRank({ apiVersion, kind }: { readonly apiVersion: string; readonly kind: string }): number {
  return KINDS.findIndex((known) => known.kind === kind && known.apiVersion === apiVersion);
}
