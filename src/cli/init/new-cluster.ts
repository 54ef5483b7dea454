import { Document, isCollection, type Node } from 'yaml';
import { DEFAULT_VERSION } from '../../kubernetes/version.ts';
import type { Json } from '../../spec/tree.ts';

/** What has to be known before a cluster file can be written. */
export interface NewCluster {
  readonly name?: string;
  readonly profiles: readonly string[];
  readonly endpoint?: string;
  readonly nodes: readonly NewNode[];
}

export interface NewNode {
  readonly name: string;
  /** A host with a kubelet alone; a master where nothing is said. */
  readonly role?: 'node';
  readonly addresses: readonly string[];
}

/** The text of a new cluster file. Profiles and version are written down, so that later runs mean the same. */
export function newClusterText(cluster: NewCluster): string {
  const file: Json = {
    apiVersion: 'bootstrap/v1alpha1',
    kind: 'Cluster',
    ...(cluster.name !== undefined && { metadata: { name: cluster.name } }),
    spec: {
      ...(cluster.profiles.length > 0 && { profiles: cluster.profiles }),
      kubernetesVersion: DEFAULT_VERSION,
      ...(cluster.endpoint !== undefined && { controlPlaneEndpoint: cluster.endpoint }),
      nodes: cluster.nodes.map(({ name, role, addresses }) => ({
        name,
        ...(role && { role }),
        addresses: [...addresses],
      })),
    },
  };
  const doc = new Document(file);
  doc.commentBefore = ' The cluster, as `bootstrap` reads it. All fields: bootstrap config schema';
  for (const path of [['spec', 'profiles'], ...cluster.nodes.map((_, i) => ['spec', 'nodes', i, 'addresses'])]) {
    const list: unknown = doc.getIn(path, true);
    if (isCollection(list)) list.flow = true;
  }
  if (cluster.nodes.some(({ role }) => role === undefined)) {
    const spec = doc.get('spec', true) as unknown as Node;
    spec.comment =
      ' networking: {podSubnet: 10.244.0.0/16}   # where the network plugin wants ranges from the controller-manager';
  }
  return doc.toString({ lineWidth: 0, flowCollectionPadding: false });
}
