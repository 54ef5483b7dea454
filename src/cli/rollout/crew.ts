import { hostname, userInfo } from 'node:os';
import { BootstrapError } from '../../base/errors.ts';
import { bundleDigest } from '../../bundle/bundle.ts';
import { openTransport } from '../../deliver/transport/open-transport.ts';
import { makeRunDir, removeRunDir } from '../../deliver/transport/run-dir.ts';
import { liveObserver } from '../../rollout/apply/live-observer.ts';
import type { Master } from '../../rollout/apply/master.ts';
import type { Observer } from '../../rollout/apply/observer.ts';
import { openAgent } from '../../rollout/node/agent.ts';
import type { ApiClient } from '../../rollout/probe/api-client.ts';
import { openSight, type Sight } from '../../rollout/sight.ts';
import type { Cluster } from '../../spec/cluster.ts';
import type { Produced } from '../produce.ts';
import type { Workspace } from '../workspace.ts';

/** The masters of a cluster that can be reached, and the ways to them. */
export interface Crew {
  /** In the order of the cluster file. */
  readonly masters: readonly Master[];
  readonly sights: ReadonlyMap<string, Sight>;
  readonly observer: Observer;
  /** Nodes that cannot be reached, and why. */
  readonly unreachable: ReadonlyMap<string, BootstrapError>;
}

export interface CrewInput {
  readonly space: Workspace;
  readonly cluster: Cluster;
  /** What the nodes shall have, and who we are to them. */
  readonly produced: Pick<Produced, 'bundles' | 'identities'>;
  /** Nodes that must be reached; the others are done without where they cannot. */
  readonly needed: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** `ann@desk`. */
export function thisUser(): string {
  return `${userInfo().username}@${hostname()}`;
}

/**
 * Works with ways to all masters open, and closes them in the end.
 * @throws BootstrapError `unreachable` naming every node that is needed and cannot be reached
 */
export async function withCrew<T>(input: CrewInput, work: (crew: Crew) => Promise<T>): Promise<T> {
  const { space, cluster, needed, signal } = input;
  const { bundles, identities } = input.produced;
  const runDir = makeRunDir(process.env['XDG_RUNTIME_DIR']);
  const transports = cluster.nodes.map((node) => openTransport(node, runDir));
  const sights = new Map<string, Sight>();
  try {
    const unreachable = new Map<string, BootstrapError>();
    await Promise.all(
      transports.map((transport) =>
        transport.run(['true'], { seconds: 20, signal }).catch((error: unknown) => {
          if (!(error instanceof BootstrapError)) throw error;
          unreachable.set(transport.node, error);
        }),
      ),
    );
    refuseWithout(needed, unreachable);
    const masters = cluster.nodes.flatMap((node, i): readonly Master[] => {
      const transport = transports[i];
      const bundle = bundles.find((each) => each.node === node.name);
      if (!transport || !bundle || unreachable.has(node.name)) return [];
      sights.set(node.name, openSight(transport, identities, signal));
      const agent = openAgent(transport, { packageDir: space.packageDir, signal });
      return [{ name: node.name, node, bundle, digest: bundleDigest(bundle), agent }];
    });
    const names = cluster.nodes.map(({ name }) => name);
    return await work({ masters, sights, observer: liveObserver(sights, names), unreachable });
  } finally {
    for (const sight of sights.values()) sight.close();
    await Promise.all(transports.map((transport) => transport.close()));
    removeRunDir(runDir);
  }
}

function refuseWithout(needed: ReadonlySet<string>, unreachable: ReadonlyMap<string, BootstrapError>): void {
  const missing = [...needed].flatMap((node) => unreachable.get(node) ?? []);
  const [first] = missing;
  if (!first) return;
  if (missing.length === 1) throw first;
  const lines = missing.map((error) => [`  ${error.message}`, ...(error.hint ? [`    ${error.hint}`] : [])].join('\n'));
  throw new BootstrapError('unreachable', [`${missing.length} masters cannot be reached`, ...lines].join('\n'));
}

/**
 * The API, through the first master whose apiserver is ready.
 * @throws BootstrapError `unreachable` where none is
 */
export async function readyApi({ sights }: Crew): Promise<ApiClient> {
  const seen: string[] = [];
  for (const [node, sight] of sights) {
    const health = await sight.apiServer();
    if (health.ok) return sight.api();
    seen.push(`${node}: ${health.seen}`);
  }
  throw new BootstrapError('unreachable', `no apiserver is ready (${seen.join('; ')})`, {
    hint: '`bootstrap status` shows more',
  });
}
