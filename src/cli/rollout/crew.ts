import { hostname, userInfo } from 'node:os';
import { BootstrapError } from '../../base/errors.ts';
import { bundleDigest } from '../../bundle/bundle.ts';
import { openTransport } from '../../deliver/transport/open-transport.ts';
import { makeRunDir, removeRunDir } from '../../deliver/transport/run-dir.ts';
import { Slots } from '../../deliver/transport/slots.ts';
import type { Transport } from '../../deliver/transport/transport.ts';
import { liveObserver } from '../../rollout/apply/live-observer.ts';
import type { Master } from '../../rollout/apply/master.ts';
import type { Observer } from '../../rollout/apply/observer.ts';
import { openAgent } from '../../rollout/node/agent.ts';
import { kubeletThrough, type PlainNode } from '../../rollout/plain/plain-node.ts';
import type { ApiClient } from '../../rollout/probe/api-client.ts';
import { openSight, type Sight } from '../../rollout/sight.ts';
import { allNodes } from '../../spec/all-nodes.ts';
import type { Cluster, ClusterNode } from '../../spec/cluster.ts';
import type { Produced } from '../produce.ts';
import type { Workspace } from '../workspace.ts';

/** The machines of a cluster that can be reached, and the ways to them. */
export interface Crew {
  /** In the order of the cluster file. */
  readonly masters: readonly Master[];
  /** Hosts without a control plane, in the order of the cluster file. */
  readonly plainNodes: readonly PlainNode[];
  /** Of the masters. */
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
  /** Machines that ways are opened to; by default the masters. */
  readonly machines?: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** `ann@desk`. */
export function thisUser(): string {
  return `${userInfo().username}@${hostname()}`;
}

/**
 * Works with ways to the masters and other machines open, and closes them in the end.
 * @throws BootstrapError `unreachable` naming every node that is needed and cannot be reached
 */
export async function withCrew<T>(input: CrewInput, work: (crew: Crew) => Promise<T>): Promise<T> {
  const { space, cluster, needed, signal } = input;
  const { bundles, identities } = input.produced;
  const runDir = makeRunDir(process.env['XDG_RUNTIME_DIR']);
  const names = cluster.nodes.map(({ name }) => name);
  const { machines = new Set(names) } = input;
  const transports = new Map(
    allNodes(cluster)
      .filter(({ name }) => machines.has(name))
      .map((node) => [node.name, openTransport(node, runDir)] as const),
  );
  const sights = new Map<string, Sight>();
  try {
    const unreachable = await unreachableOf([...transports.values()], signal);
    refuseWithout(cluster, needed, unreachable);
    const reached = (nodes: readonly ClusterNode[]) =>
      nodes.flatMap((node): readonly (Master & { readonly transport: Transport })[] => {
        const transport = transports.get(node.name);
        const bundle = bundles.find((each) => each.node === node.name);
        if (!transport || !bundle || unreachable.has(node.name)) return [];
        const agent = openAgent(transport, { packageDir: space.packageDir, signal });
        return [{ name: node.name, node, bundle, digest: bundleDigest(bundle), agent, transport }];
      });
    const masters = reached(cluster.nodes).map(({ transport, ...master }): Master => {
      sights.set(master.name, openSight(transport, identities, signal));
      return master;
    });
    const plainNodes = reached(cluster.plainNodes).map(
      ({ transport, ...node }): PlainNode => ({ ...node, kubeletHealth: kubeletThrough(transport, signal) }),
    );
    return await work({ masters, plainNodes, sights, observer: liveObserver(sights, names), unreachable });
  } finally {
    for (const sight of sights.values()) sight.close();
    await Promise.all([...transports.values()].map((transport) => transport.close()));
    removeRunDir(runDir);
  }
}

/** Connections that are made at a time: each is a process here, and there may be hundreds of nodes. */
const AT_ONCE = 16;

async function unreachableOf(
  transports: readonly Transport[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, BootstrapError>> {
  const slots = new Slots(AT_ONCE);
  const unreachable = new Map<string, BootstrapError>();
  await Promise.all(
    transports.map((transport) =>
      slots.use(async () => {
        try {
          await transport.run(['true'], { seconds: 20, signal });
        } catch (error) {
          if (!(error instanceof BootstrapError)) throw error;
          unreachable.set(transport.node, error);
        }
      }),
    ),
  );
  return unreachable;
}

function refuseWithout(
  cluster: Cluster,
  needed: ReadonlySet<string>,
  unreachable: ReadonlyMap<string, BootstrapError>,
): void {
  const missing = [...needed].flatMap((node) => unreachable.get(node) ?? []);
  const [first] = missing;
  if (!first) return;
  if (missing.length === 1) throw first;
  const isPlain = cluster.plainNodes.some(({ name }) => needed.has(name) && unreachable.has(name));
  const lines = missing.map((error) => [`  ${error.message}`, ...(error.hint ? [`    ${error.hint}`] : [])].join('\n'));
  throw new BootstrapError(
    'unreachable',
    [`${missing.length} ${isPlain ? 'nodes' : 'masters'} cannot be reached`, ...lines].join('\n'),
  );
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
