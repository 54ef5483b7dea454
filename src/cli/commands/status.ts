import { EXIT_STATUS } from '../../base/errors.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import { apiEndpoint } from '../../render/view/common.ts';
import { observeEtcd, observeNode, unreached } from '../../rollout/status/gather.ts';
import type { ClusterObservation } from '../../rollout/status/observe.ts';
import { statusOf } from '../../rollout/status/status-of.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import { chosenNodes } from '../nodes.ts';
import type { CommonOptions } from '../options.ts';
import { produce } from '../produce.ts';
import { reportFaults } from '../report.ts';
import { type Crew, readyApi, withCrew } from '../rollout/crew.ts';
import { interruptible } from '../rollout/interruptible.ts';
import { sameCluster } from '../same-cluster.ts';
import { statusData } from '../status-data.ts';
import { statusText } from '../status-text.ts';
import { workspace } from '../workspace.ts';

export interface StatusOptions extends CommonOptions {
  readonly node?: readonly string[];
}

/** `status`: what the masters have and do, and what is wrong there; status 2 where something is. */
export async function status(options: StatusOptions): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster } = loaded;
  const chosen = chosenNodes(cluster, options.node);
  const produced = await produce(space, loaded, { renewBefore: undefined, dryRun: true, founding: false });
  reportFaults([...loaded.warnings, ...produced.warnings], io);
  const observed = await interruptible(io, { saying: 'stopping', abandon: closeAllNow }, (signal) => {
    io.progress(`looking at ${cluster.nodes.map(({ name }) => name).join(', ')}`);
    return withCrew({ space, cluster, produced, needed: new Set(), signal }, async (crew) => {
      const names = cluster.nodes.map(({ name }) => name);
      await Promise.all(crew.masters.map((master) => crew.observer.refresh(master).catch(() => undefined)));
      // where none is ready, what runs is told by the machines alone
      const api = await readyApi(crew).catch(() => undefined);
      const [etcd, ...nodes] = await Promise.all([
        cluster.etcd.kind === 'external' ? ({ kind: 'external' } as const) : observeEtcd(names, crew.sights),
        ...names.filter((name) => chosen.has(name)).map((name) => observe(crew, name, api)),
      ]);
      return {
        name: cluster.name,
        kubernetesVersion: cluster.version.text,
        endpoint: cluster.endpoint && apiEndpoint(cluster),
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

function observe(
  { masters, sights, unreachable }: Crew,
  name: string,
  api: Awaited<ReturnType<typeof readyApi>> | undefined,
) {
  const master = masters.find((each) => each.name === name);
  const sight = sights.get(name);
  if (!master || !sight) return unreached(name, unreachable.get(name) ?? 'there is no way to it');
  return observeNode({ master, sight }, api);
}
