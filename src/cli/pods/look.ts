import type { Bundle } from '../../bundle/bundle.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import { declaredPods } from '../../rollout/pods/declared.ts';
import { lookAtPods, type PodsLook } from '../../rollout/pods/look.ts';
import type { PodsSeen } from '../../rollout/pods/seen.ts';
import { podsTruth, type Wanted } from '../../rollout/pods/truth.ts';
import type { PodsTruth } from '../../rollout/pods/truth-types.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Cluster } from '../../spec/cluster.ts';
import type { Io } from '../io.ts';
import { loadChecked } from '../load.ts';
import { chosenNodes } from '../nodes.ts';
import type { CommonOptions } from '../options.ts';
import { type Produced, produce } from '../produce.ts';
import { reportFaults } from '../report.ts';
import { type Crew, readyApi, withCrew } from '../rollout/crew.ts';
import { interruptible } from '../rollout/interruptible.ts';
import { type Workspace, workspace } from '../workspace.ts';
import { readPublished } from './published.ts';

export interface PodsLookOptions extends CommonOptions {
  readonly node?: readonly string[];
}

/** The cluster, what its nodes shall have, and which of them are meant. */
export interface PodsSite {
  readonly space: Workspace;
  readonly cluster: Cluster;
  readonly produced: Produced;
  readonly wanted: Wanted;
  /** In the order of the cluster file. */
  readonly nodes: readonly string[];
}

/** @throws BootstrapError with what is wrong in the cluster file, or `usage` where there is no such node */
export async function podsSite(options: PodsLookOptions, io: Io): Promise<PodsSite> {
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster } = loaded;
  const chosen = chosenNodes(cluster, options.node);
  const produced = await produce(space, loaded, { renewBefore: undefined, dryRun: true, founding: false });
  reportFaults([...loaded.warnings, ...produced.warnings], io);
  const nodes = allNodes(cluster)
    .map(({ name }) => name)
    .filter((name) => chosen.has(name));
  const declared = declaredPods(cluster, produced.bundles, produced.served);
  return { space, cluster, produced, wanted: { declared, manifests: manifestsOf(produced.bundles) }, nodes };
}

/**
 * What is true of the user's pods on the chosen nodes.
 * @returns also what was seen, from which it was told
 */
export async function lookAround(
  { space, cluster, produced, wanted, nodes }: PodsSite,
  io: Io,
): Promise<{ readonly seen: PodsSeen; readonly truth: PodsTruth }> {
  const published = readPublished(space.dir);
  const seen = await interruptible(io, { saying: 'stopping', abandon: closeAllNow }, async (signal) => {
    io.progress(`looking at ${nodes.length > 8 ? `${nodes.length} nodes` : nodes.join(', ')}`);
    // the API is asked through any master
    const machines = new Set([...cluster.nodes.map(({ name }) => name), ...nodes]);
    return withCrew({ space, cluster, produced, needed: new Set(), machines, signal }, async (crew) => {
      const reached = [...crew.masters, ...crew.plainNodes];
      const api = await apiOf(crew, cluster);
      return lookAtPods({ nodes, reached, unreachable: crew.unreachable, api, wanted, published, signal });
    });
  });
  io.progress('');
  return { seen, truth: podsTruth(wanted, seen) };
}

/** None of the chosen nodes answers. */
export function noneReached({ nodes }: PodsSeen): boolean {
  return nodes.length > 0 && nodes.every(({ contact }) => contact !== 'reached');
}

async function apiOf(crew: Crew, cluster: Cluster): Promise<PodsLook['api']> {
  if (!cluster.nodes.length) return undefined;
  await Promise.all(crew.masters.map((master) => crew.observer.refresh(master).catch(() => undefined)));
  return readyApi(crew).catch((error: unknown) => ({ why: error instanceof Error ? error.message : String(error) }));
}

/** Node → path → pod. */
function manifestsOf(bundles: readonly Bundle[]): Wanted['manifests'] {
  return new Map(
    bundles.map(({ node, files }) => [
      node,
      new Map(files.flatMap(({ path, effect }) => (effect.kind === 'manifest' ? [[path, effect.pod] as const] : []))),
    ]),
  );
}
