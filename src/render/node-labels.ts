/**
 * Labels in Kubernetes' own name space that a kubelet may set on its node (k8s.io/kubelet/pkg/apis/well_known_labels.go).
 * It does not start when told to set another one there.
 */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
]);

const KUBELET_NAMESPACES = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

/** Whether a kubelet may set this label itself; all others are set through the API by an administrator. */
export function mayKubeletSetLabel(key: string): boolean {
  const namespace = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  if (!isIn(namespace, 'kubernetes.io') && !isIn(namespace, 'k8s.io')) return true;
  return KUBELET_LABELS.has(key) || KUBELET_NAMESPACES.some((allowed) => isIn(namespace, allowed));
}

function isIn(namespace: string, domain: string): boolean {
  return namespace === domain || namespace.endsWith(`.${domain}`);
}
