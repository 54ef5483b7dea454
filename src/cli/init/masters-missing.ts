import type { NewCluster } from './new-cluster.ts';

/** The profiles for several masters are `ha` and those that are called after it. */
export function isHa({ profiles }: Pick<NewCluster, 'profiles'>): boolean {
  return profiles.some((name) => name.startsWith('ha'));
}

/** How many more masters are needed for a majority to be left when one is lost. */
export function mastersMissing(cluster: Pick<NewCluster, 'profiles' | 'nodes'>): number {
  return isHa(cluster) ? Math.max(0, 3 - cluster.nodes.length) : 0;
}
