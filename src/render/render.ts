import { BootstrapError } from '../base/errors.ts';
import { type Fault, uniqueFaults } from '../base/fault.ts';
import type { Bundle } from '../bundle/bundle.ts';
import type { Pki } from '../pki/pki.ts';
import type { Cluster } from '../spec/cluster.ts';
import type { RenderContext } from './context.ts';
import { authorityOf, personKubeconfig } from './kubeconfig.ts';
import { nodeOutput } from './node-bundle.ts';
import { planCluster } from './plan-cluster.ts';
import type { ServedNode } from './served.ts';
import { hasApi } from './view/common.ts';

export interface Rendered {
  /** One for each node: the masters first, each kind in the order of the cluster file. */
  readonly bundles: readonly Bundle[];
  /** Of those nodes that get pods by URL, in the same order. */
  readonly served: readonly ServedNode[];
  readonly warnings: readonly Fault[];
}

/** A file of the cluster directory. */
export interface ClusterFile {
  readonly name: string;
  readonly content: Buffer;
}

/** What is wrong with the cluster as far as it shows without a PKI: errors and warnings of all nodes, each once. */
export function checkCluster(cluster: Cluster, context: RenderContext): readonly Fault[] {
  return uniqueFaults(planCluster(cluster, context, true).flatMap((plan) => plan.faults));
}

/**
 * Everything that each node has to have on its disk: a pure function of its arguments, byte for byte the same every time.
 * @throws BootstrapError `cluster-file` with all faults of all nodes at once
 */
export function renderCluster(cluster: Cluster, pki: Pki, context: RenderContext): Rendered {
  const signs = pki.authorities.get('kubernetes')?.signer.key !== undefined;
  const plans = planCluster(cluster, context, signs);
  const faults = uniqueFaults(plans.flatMap((plan) => plan.faults));
  if (faults.some((fault) => fault.severity === 'error')) {
    throw new BootstrapError('cluster-file', 'the cluster cannot be rendered', { faults });
  }
  const nodes = plans.map((plan) => nodeOutput(plan, pki));
  return {
    bundles: nodes.map(({ bundle }) => bundle),
    served: nodes.flatMap(({ bundle: { node }, served: pods }) => (pods.length ? [{ node, pods }] : [])),
    warnings: faults,
  };
}

/** `admin.conf` and `super-admin.conf` of the cluster directory; none where there is no API server to talk to. */
export function clusterKubeconfigs(cluster: Cluster, pki: Pki, context: RenderContext): readonly ClusterFile[] {
  if (!hasApi(cluster)) return [];
  const authority = authorityOf(pki, 'kubernetes');
  return [
    { name: 'admin.conf', user: 'kubernetes-admin', pair: pki.admin },
    { name: 'super-admin.conf', user: 'kubernetes-super-admin', pair: pki.superAdmin },
  ].map(({ name, user, pair }) => ({
    name,
    content: Buffer.from(personKubeconfig(context, cluster, user, authority, pair)),
  }));
}
