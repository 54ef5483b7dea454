import type { Cluster, ClusterNode } from '../../spec/cluster.ts';
import { formatHostPort } from '../../spec/endpoint.ts';

/** What a kubelet is told of the server that it gets pods from. */
export interface PodUrl {
  readonly staticPodURL: string;
  /** Seconds between two polls, as Go writes them: `20s`. */
  readonly httpCheckFrequency: string;
  /** The header that says who asks; with {@link NO_TOKEN}. */
  readonly authorization: string;
}

/** Stands for the token as long as a plan is only looked at. */
const NO_TOKEN = '[secret]';

/**
 * Undefined where none of the node's pods that run comes by URL: the server never answers with an empty list, so the last
 * of them goes when the kubelet is no longer told to ask.
 */
export function podUrl({ serve }: Pick<Cluster, 'serve'>, { name, staticPods }: ClusterNode): PodUrl | undefined {
  if (!serve || !staticPods.some(({ source, isStopped }) => source.via === 'http' && !isStopped)) return undefined;
  return {
    staticPodURL: `https://${formatHostPort(serve.endpoint)}/v1/nodes/${name}/pods`,
    httpCheckFrequency: `${serve.pollSeconds}s`,
    authorization: bearer(NO_TOKEN),
  };
}

/** The value of the header `Authorization` (RFC 6750, section 2.1). */
export function bearer(token: string): string {
  return `Bearer ${token}`;
}
