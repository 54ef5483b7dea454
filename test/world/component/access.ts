import { type JsonMap, listAt, textAt } from '../json.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { User } from './user.ts';

const NODES_OWN = ['pods', 'nodes', 'leases', 'certificatesigningrequests'];
const CONTROL_PLANE = ['system:kube-controller-manager', 'system:kube-scheduler'];

/**
 * RBAC as far as it goes here: system:masters may everything, so may who is bound to the ClusterRole cluster-admin and, for
 * simplicity, controller-manager and scheduler; nodes what the stand-in of the kubelet does
 * (plugin/pkg/auth/authorizer/node, plugin/pkg/admission/noderestriction).
 */
export async function mayUse(etcd: EtcdClient, user: User, resource: string): Promise<boolean> {
  if (user.groups.includes('system:masters') || CONTROL_PLANE.includes(user.name)) return true;
  if (user.groups.includes('system:nodes') && NODES_OWN.includes(resource)) return true;
  const bindings = await etcd.list('/registry/rbac.authorization.k8s.io/clusterrolebindings/');
  return bindings
    .map(({ value }) => JSON.parse(value) as JsonMap)
    .filter((binding) => textAt(binding, 'roleRef', 'name') === 'cluster-admin')
    .flatMap((binding) => listAt(binding, 'subjects'))
    .map((subject) =>
      textAt(subject, 'kind') === 'ServiceAccount'
        ? `system:serviceaccount:${textAt(subject, 'namespace')}:${textAt(subject, 'name')}`
        : textAt(subject, 'name'),
    )
    .some((name) => [user.name, ...user.groups].includes(name));
}
