import { join } from 'node:path';
import { planServed, publishServed, type ServedChange, type WantedServed } from '../../deliver/serve/publish.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { formatHostPort } from '../../spec/endpoint.ts';
import type { Produced } from '../produce.ts';

/** What `bootstrap serve` gives out, and what a rollout makes of it. */
export interface Publication {
  /** What would change there for the nodes that are worked on. */
  readonly changes: readonly ServedChange[];
  /** Does it, for these nodes. Changing what is served changes what runs: nothing but a rollout calls this. */
  readonly publish: (nodes: ReadonlySet<string>) => Promise<void>;
}

/** @param dir the cluster directory; its `serve/` is what the server reads, here or where it was copied to */
export function publicationOf(
  dir: string,
  cluster: Cluster,
  produced: Pick<Produced, 'served' | 'identities'>,
  chosen: ReadonlySet<string>,
): Publication {
  const root = join(dir, 'serve');
  const wanted = wantedServed(cluster, produced);
  return {
    changes: planServed(root, wanted, chosen),
    publish: async (nodes) => void (await publishServed(root, wanted, nodes)),
  };
}

function wantedServed(
  { name, serve }: Cluster,
  { served, identities }: Pick<Produced, 'served' | 'identities'>,
): WantedServed | undefined {
  if (!serve || !identities.serve) return undefined;
  const { pair, tokens } = identities.serve;
  return {
    cluster: name,
    endpoint: formatHostPort(serve.endpoint),
    pollSeconds: serve.pollSeconds,
    served,
    tokens,
    tls: pair,
  };
}
