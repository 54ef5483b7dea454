import { EXIT_STATUS } from '../../base/errors.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import { apiEndpoint } from '../../render/view/common.ts';
import type { ApiClient } from '../../rollout/probe/api-client.ts';
import { observeEtcd, observeNode, observePlain, unreached } from '../../rollout/status/gather.ts';
import type { ClusterObservation, EtcdObservation } from '../../rollout/status/observe.ts';
import { statusOf } from '../../rollout/status/status-of.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import { chosenNodes, machinesFor } from '../nodes.ts';
import type { CommonOptions } from '../options.ts';
import { produce } from '../produce.ts';
import { reportFaults } from '../report.ts';
import { type Crew, readyApi, withCrew } from '../rollout/crew.ts';
import { interruptible } from '../rollout/interruptible.ts';
import { cutLine } from '../rollout/waiting-line.ts';
import { sameCluster } from '../same-cluster.ts';
import { statusData } from '../status-data.ts';
import { statusText } from '../status-text.ts';
import { workspace } from '../workspace.ts';

export interface StatusOptions extends CommonOptions {
  readonly node?: readonly string[];
}

/** `status`: what the machines have and do, and what is wrong there; status 2 where something is. */
export async function status(options: StatusOptions): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster } = loaded;
  const chosen = chosenNodes(cluster, options.node);
  const produced = await produce(space, loaded, { renewBefore: undefined, dryRun: true, founding: false });
  reportFaults([...loaded.warnings, ...produced.warnings], io);
  const observed = await interruptible(io, { saying: 'stopping', abandon: closeAllNow }, (signal) => {
    const machines = machinesFor(cluster, chosen);
    io.progress(cutLine(io, `looking at ${[...machines].join(', ')}`));
    return withCrew({ space, cluster, produced, needed: new Set(), machines, signal }, async (crew) => {
      const names = cluster.nodes.map(({ name }) => name);
      await Promise.all(crew.masters.map((master) => crew.observer.refresh(master).catch(() => undefined)));
      // where none is ready, what runs is told by the machines alone
      const api = await readyApi(crew).catch(() => undefined);
      const [etcd, ...nodes] = await Promise.all([
        etcdOf(cluster, machines, crew),
        ...names.filter((name) => chosen.has(name)).map((name) => observe(crew, name, api)),
        ...cluster.plainNodes.filter(({ name }) => chosen.has(name)).map(({ name }) => observeHost(crew, name, api)),
      ]);
      return {
        name: cluster.name,
        kubernetesVersion: cluster.version.text,
        endpoint: cluster.nodes.length ? cluster.endpoint && apiEndpoint(cluster) : undefined,
        nodes,
        members: names,
        etcd,
      } satisfies ClusterObservation;
    });
  });
  io.progress('');
  const found = statusOf(observed, produced.bundles, Date.now());
  printResult(io, options.output, statusData(found), () =>
    statusText(found, {
      columns: io.columns,
      color: io.color,
      verbose: options.verbose === true,
      within: sameCluster(space),
    }),
  );
  return found.problems.length ? EXIT_STATUS.difference : 0;
}

async function etcdOf(
  { nodes, etcd }: Cluster,
  machines: ReadonlySet<string>,
  { sights }: Crew,
): Promise<EtcdObservation> {
  const names = nodes.map(({ name }) => name);
  if (!names.some((name) => machines.has(name))) return { kind: 'none' };
  return etcd.kind === 'external' ? { kind: 'external' } : observeEtcd(names, sights);
}

function observeHost({ plainNodes, unreachable }: Crew, name: string, api: ApiClient | undefined) {
  const node = plainNodes.find((each) => each.name === name);
  if (node) return observePlain(node, api);
  return { ...unreached(name, unreachable.get(name) ?? 'there is no way to it'), isPlain: true };
}

function observe({ masters, sights, unreachable }: Crew, name: string, api: ApiClient | undefined) {
  const master = masters.find((each) => each.name === name);
  const sight = sights.get(name);
  if (!master || !sight) return unreached(name, unreachable.get(name) ?? 'there is no way to it');
  return observeNode({ master, sight }, api);
}
