import { BootstrapError } from '../../base/errors.ts';
import { sha256 } from '../../base/sha256.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import type { Pki } from '../../pki/pki.ts';
import type { RenderContext } from '../../render/context.ts';
import { kubeletListeners } from '../../render/listeners.ts';
import type { NodePlan } from '../../render/plan-node.ts';
import { renderCluster } from '../../render/render.ts';
import { bare } from '../../rollout/bare.ts';
import type { LiveInput } from '../../rollout/certificates/live.ts';
import { type LookOptions, lookAt, type SeenNode } from '../../rollout/certificates/look.ts';
import type { Placement } from '../../rollout/certificates/placed.ts';
import type { Cluster } from '../../spec/cluster.ts';
import type { Io } from '../io.ts';
import { withCrew } from '../rollout/crew.ts';
import { interruptible } from '../rollout/interruptible.ts';
import { cutLine } from '../rollout/waiting-line.ts';
import type { Workspace } from '../workspace.ts';

export interface LiveLook {
  readonly space: Workspace;
  readonly cluster: Cluster;
  readonly context: RenderContext;
  /** As far as it is there. */
  readonly identities: Pki;
  readonly plans: readonly NodePlan[];
  readonly placement: Placement;
  /** Those that are looked at. */
  readonly nodes: readonly string[];
}

/** Looks at nodes; those that cannot be looked at are part of the result. */
export async function lookLive(look: LiveLook, io: Io): Promise<Pick<LiveInput, 'seen' | 'unreachable' | 'digests'>> {
  const { space, cluster, context, identities, nodes } = look;
  const { bundles } = renderCluster(cluster, identities, context);
  const digests = new Map(
    bundles.map(({ node, files }) => [
      node,
      new Map(files.filter(({ path }) => path.endsWith('.conf')).map(({ path, content }) => [path, sha256(content)])),
    ]),
  );
  const seen = new Map<string, SeenNode>();
  const unreachable = new Map<string, string>();
  await interruptible(io, { saying: 'stopping', abandon: closeAllNow }, async (signal) => {
    io.progress(cutLine(io, `looking at ${nodes.join(', ')}`));
    const produced = { bundles, identities };
    await withCrew({ space, cluster, produced, needed: new Set(), machines: new Set(nodes), signal }, async (crew) => {
      for (const [node, error] of crew.unreachable) unreachable.set(node, bare(node, error));
      await Promise.all(
        [...crew.masters, ...crew.plainNodes].map(async (node) => {
          const { name } = node;
          try {
            seen.set(name, await lookAt(node, crew.sights.get(name), { ...whatToLookAt(name, look), signal }));
          } catch (error) {
            signal.throwIfAborted();
            if (!(error instanceof BootstrapError)) throw error;
            unreachable.set(name, bare(name, error));
          }
        }),
      );
    });
  });
  io.progress('');
  return { seen, unreachable, digests };
}

function whatToLookAt(name: string, { identities, plans, placement }: LiveLook): Omit<LookOptions, 'signal'> {
  const places = [...(placement.get(name)?.values() ?? [])].flat();
  const client = identities.nodes.get(name)?.get('etcd/healthcheck-client');
  const plan = plans.find(({ input }) => input.node.name === name);
  const pathsOf = (some: typeof places) => [...new Set(some.map(({ path }) => path))];
  return {
    open: pathsOf(places.filter(({ sensitive }) => !sensitive)),
    secret: pathsOf(places.filter(({ path }) => path.endsWith('.conf'))),
    kubeletPort: plan && kubeletPort(plan),
    ...(client?.certificate && { client }),
  };
}

function kubeletPort({ input, kubelet }: NodePlan): number | undefined {
  if (!kubelet) return undefined;
  const listeners = kubeletListeners(input, kubelet.config, kubelet.flags);
  return listeners.find(({ who }) => who === 'kubelet (port)')?.port;
}
