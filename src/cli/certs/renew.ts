import { BootstrapError } from '../../base/errors.ts';
import { type Inventory, pkiInventory } from '../../pki/inventory.ts';
import type { Renewal } from '../../pki/renewal.ts';
import type { Plan } from '../../rollout/plan.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { type CheckedCluster, loadChecked } from '../load.ts';
import { chosenNodes, neededNodes } from '../nodes.ts';
import { type Produced, type ProduceOptions, produce } from '../produce.ts';
import { reportFaults } from '../report.ts';
import { appliedData, appliedText } from '../rollout/applied-text.ts';
import { applyCluster } from '../rollout/apply-cluster.ts';
import { type RolloutOptions, rolloutTimes } from '../rollout/options.ts';
import { endWithUnreached } from '../rollout/unreached.ts';
import { keyProgress, withLock } from '../with-lock.ts';
import { workspace } from '../workspace.ts';
import { otherChanges } from './other-changes.ts';
import { renewedData, renewedText } from './renewed-text.ts';
import { chosenLeaves, expiresWithin } from './selection.ts';

export interface RenewOptions extends RolloutOptions {
  readonly expiresWithin?: string;
  readonly keepKeys?: boolean;
  readonly apply?: boolean;
}

/** `certs renew`: certificates are issued again and everything that holds them is rendered; with `--apply` brought to the nodes. */
export async function certsRenew(options: RenewOptions, ...names: readonly string[]): Promise<number> {
  const times = rolloutTimes(options);
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster } = loaded;
  const inventory = pkiInventory(cluster);
  const renewal = renewalOf(options, names, loaded, inventory);
  const dryRun = options.dryRun === true;
  const settings: ProduceOptions = {
    // what else ends soon is not chosen; what does not fit any more is issued again by every command that renders
    renewBefore: 0,
    renewal,
    dryRun,
    founding: false,
    onKey: keyProgress(io),
  };
  const renewing = { space, inventory, renewal, dryRun, columns: io.columns, quiet: options.quiet === true };
  if (!options.apply || dryRun) {
    const work = () => produce(space, loaded, settings);
    const produced = await (dryRun ? work() : withLock(space.dir, 'bootstrap certs renew', io, work));
    io.progress('');
    reportFaults([...loaded.warnings, ...produced.warnings], io);
    printResult(io, options.output, renewedData(produced, renewing), () =>
      renewedText(produced, { ...renewing, applying: false }),
    );
    return 0;
  }

  let made: Produced | undefined;
  const chosen = chosenNodes(cluster, options.node);
  const applied = await applyCluster({
    io,
    space,
    loaded,
    chosen,
    needed: neededNodes(cluster, chosen, options.node),
    times,
    yes: options.yes,
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    produce: async () => {
      const produced = await produce(space, loaded, settings);
      made = produced;
      io.progress('');
      reportFaults([...loaded.warnings, ...produced.warnings], io);
      io.note(renewedText(produced, { ...renewing, applying: true }));
      return produced;
    },
    check: refuseOtherChanges,
  });
  const data = { ...(made && renewedData(made, renewing)), applied: appliedData(applied) };
  printResult(io, options.output, data, () => appliedText(applied, space, cluster, options.quiet === true));
  return endWithUnreached(io, applied.unreached, 0);
}

function renewalOf(
  options: RenewOptions,
  names: readonly string[],
  { cluster }: CheckedCluster,
  inventory: Inventory,
): Renewal {
  const chosen = chosenLeaves(cluster, inventory, names, options.node);
  return {
    paths: new Set(chosen.map(({ path }) => path)),
    named: names.length > 0,
    within: expiresWithin(options.expiresWithin, inventory),
    keepKeys: options.keepKeys === true,
  };
}

/** @throws BootstrapError `refused` where bringing this to the nodes would do more than renew certificates */
function refuseOtherChanges(plan: Plan): void {
  if (plan.mode === 'first-boot') {
    throw new BootstrapError('usage', 'no master of this cluster runs yet: there is nothing to renew on them', {
      hint: '`bootstrap apply` brings it up',
    });
  }
  const others = otherChanges(plan);
  if (!others.length) return;
  throw new BootstrapError(
    'refused',
    [
      'the nodes would not only get certificates; other files that would change:',
      ...others.map((line) => `  ${line}`),
    ].join('\n'),
    { hint: 'look at `bootstrap plan`; `bootstrap apply` does all of it, with the new certificates' },
  );
}
