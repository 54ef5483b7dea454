import { BootstrapError, EXIT_STATUS } from '../../base/errors.ts';
import { planData } from '../../rollout/plan/plan-data.ts';
import { planChanges } from '../../rollout/plan/plan-node.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import { chosenNodes, neededNodes } from '../nodes.ts';
import { planText } from '../plan-text.ts';
import { produce } from '../produce.ts';
import { reportFaults } from '../report.ts';
import { appliedData } from '../rollout/applied-text.ts';
import { type RolloutOptions, rolloutTimes } from '../rollout/options.ts';
import { rollBack } from '../rollout/roll-back.ts';
import { endWithUnreached } from '../rollout/unreached.ts';
import { sameCluster } from '../same-cluster.ts';
import { workspace } from '../workspace.ts';

export interface RollbackOptions extends RolloutOptions {
  readonly to?: string;
}

/** `rollback`: machines put back to a revision that they have kept; gated and proven like `apply`. */
export async function rollback(options: RollbackOptions): Promise<number> {
  const times = rolloutTimes(options);
  const to = revisionNumber(options.to);
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster } = loaded;
  const chosen = chosenNodes(cluster, options.node);
  const produced = await produce(space, loaded, { renewBefore: undefined, dryRun: true, founding: false });
  reportFaults(loaded.warnings, io);
  const { dryRun = false } = options;
  const applied = await rollBack({
    io,
    space,
    loaded,
    produced,
    chosen,
    needed: neededNodes(cluster, chosen, options.node),
    to,
    times,
    dryRun,
    yes: options.yes,
    quiet: options.quiet === true,
    verbose: options.verbose === true,
  });
  const { plan, revisions, unreached } = applied;
  if (dryRun) {
    const text = {
      columns: io.columns,
      color: io.color,
      quiet: options.quiet === true,
      verbose: options.verbose === true,
    };
    printResult(io, options.output, planData(plan), () => planText(plan, text));
    return endWithUnreached(io, unreached, planChanges(plan) ? EXIT_STATUS.difference : 0);
  }
  printResult(io, options.output, appliedData(applied), () =>
    revisions.size
      ? [...revisions].map(([node, revision]) => `${node} is back at revision ${revision}`).join(', ')
      : `nothing to do: that is what the ${who(cluster)} have`,
  );
  if (revisions.size)
    io.note(
      `${space.show(space.clusterFile)} is as it was: \`bootstrap plan${sameCluster(space)}\` shows how the ${who(cluster)} differ from it now`,
    );
  return endWithUnreached(io, unreached, 0);
}

function who({ plainNodes }: Cluster): string {
  return plainNodes.length ? 'nodes' : 'masters';
}

function revisionNumber(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new BootstrapError('usage', `--to ${text}: is not the number of a revision`, {
    hint: 'e.g. --to 3; without --to it is the one before the current',
  });
}
