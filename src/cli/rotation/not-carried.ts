import { BootstrapError } from '../../base/errors.ts';
import type { Subject } from '../../pki/rotation/journal.ts';
import { podUrl } from '../../render/view/pod-url.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Cluster } from '../../spec/cluster.ts';

/**
 * A rotation is carried to masters, phase by phase, and proven there. The cluster CA is trusted by hosts without a control
 * plane as well, and by kubelets that get pods by URL from a server which may run anywhere: none of them is brought along
 * yet, and would be cut off in the end.
 * @param isUnderWay the cluster file has come to name them since the rotation began
 * @throws BootstrapError `refused`
 */
export function refuseWhereNotCarried(cluster: Cluster, subjects: readonly Subject[], isUnderWay: boolean): void {
  if (!cluster.nodes.length) {
    throw new BootstrapError(
      'refused',
      'this cluster has no masters: there is nothing that a rotation could be carried to',
      {
        hint: 'for another CA, remove pki/ and nodes/, then run `bootstrap init` and `bootstrap apply`',
      },
    );
  }
  if (!subjects.includes('kubernetes')) return;
  const plain = cluster.plainNodes.map(({ name }) => name);
  const byUrl = allNodes(cluster)
    .filter((node) => podUrl(cluster, node))
    .map(({ name }) => name);
  const why = [
    ...(plain.length ? [`  ${plain.join(', ')}: the new CA is not brought to hosts without a control plane`] : []),
    ...(byUrl.length
      ? [`  ${byUrl.join(', ')}: static pods come by URL, from a server whose certificate is of this CA`]
      : []),
  ];
  if (!why.length) return;
  throw new BootstrapError(
    'refused',
    ['the CA kubernetes cannot be replaced in this cluster yet:', ...why].join('\n'),
    {
      hint: isUnderWay
        ? 'take that out of the cluster file until the rotation has ended'
        : 'etcd, front-proxy and the service-account key can: nothing of them is there',
    },
  );
}
