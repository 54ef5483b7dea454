import { BootstrapError } from '../../base/errors.ts';
import { movedSince } from '../../rollout/plan/moved-since.ts';
import { allPlans, planChanges } from '../../rollout/plan/plan-node.ts';
import { readPlanDocument } from '../../rollout/plan/read-plan-document.ts';
import type { Plan } from '../../rollout/plan.ts';
import { printResult } from '../format.ts';
import { type Io, processIo } from '../io.ts';
import { type CheckedCluster, loadChecked } from '../load.ts';
import { chosenNodes, neededNodes } from '../nodes.ts';
import { printable } from '../printable.ts';
import { type Produced, type ProduceOptions, produce } from '../produce.ts';
import { producedLines } from '../produced-lines.ts';
import { reportFaults } from '../report.ts';
import { appliedData, appliedText } from '../rollout/applied-text.ts';
import { applyCluster } from '../rollout/apply-cluster.ts';
import { applyOnlyObjects } from '../rollout/apply-objects.ts';
import { type ApplyOptions, rolloutTimes } from '../rollout/options.ts';
import { endWithUnreached } from '../rollout/unreached.ts';
import { keyProgress } from '../with-lock.ts';
import { type Workspace, workspace } from '../workspace.ts';
import { inputsDigest, plan, readPlanFile } from './plan.ts';

/** `apply`: from the cluster file to machines that have proven what they do; with a plan file just that plan, or nothing. */
export async function apply(options: ApplyOptions, planFile?: string): Promise<number> {
  if (options.objects) return applyOnlyObjects(options, planFile);
  const times = rolloutTimes(options);
  if (options.dryRun) return plan(options);
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const decided = planFile === undefined ? undefined : readPlanDocument(readPlanFile(planFile), planFile);
  const chosen =
    decided && !options.node
      ? chosenNodes(
          loaded.cluster,
          decided.nodes.map(({ node }) => node),
        )
      : chosenNodes(loaded.cluster, options.node);
  let bundles: Produced['bundles'] = [];
  const applied = await applyCluster({
    io,
    space,
    loaded,
    chosen,
    needed: neededNodes(loaded.cluster, chosen, decided ? [...chosen] : options.node),
    times,
    // who has looked at a plan and hands it in has decided
    yes: options.yes === true || decided !== undefined,
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    ...(options.edit && { decided: options.edit.write }),
    produce: async () => {
      const settings = { renewBefore: undefined, dryRun: false, founding: false, onKey: keyProgress(io) };
      if (decided) await refuseNewKeys(space, loaded, settings);
      const produced = await produce(space, loaded, settings);
      ({ bundles } = produced);
      reportRendered(io, loaded, produced);
      return produced;
    },
    ...(decided && {
      check: (now: Plan) => {
        const moved = movedSince(decided, now, inputsDigest(loaded, bundles));
        if (!moved.length) return;
        throw new BootstrapError(
          'refused',
          [`${planFile} no longer holds:`, ...moved.map((line) => `  ${line}`)].join('\n'),
          {
            hint: 'look at `bootstrap plan` again',
          },
        );
      },
    }),
  });
  // where something changes they are in its plan
  if (!planChanges(applied.plan)) warnOfStrays(io, applied.plan);
  printResult(io, options.output, appliedData(applied), () =>
    appliedText(applied, space, loaded.cluster, options.quiet === true),
  );
  return endWithUnreached(io, applied.unreached, 0);
}

function warnOfStrays(io: Io, plan: Plan): void {
  for (const { node, strays } of allPlans(plan)) {
    for (const path of strays) {
      const what = `${printable(path)} is not bootstrap's, but the kubelet runs every file there`;
      io.err(`${io.color.yellow('warning:')} ${node}: ${what}`);
    }
  }
}

/** Certificates that would be issued now were not part of a plan that was made before. */
async function refuseNewKeys(space: Workspace, loaded: CheckedCluster, settings: ProduceOptions): Promise<void> {
  const { pki } = await produce(space, loaded, { ...settings, dryRun: true });
  const [first] = pki;
  if (!first) return;
  throw new BootstrapError('refused', `the plan no longer holds: ${first.path} would be issued again`, {
    hint: 'run `bootstrap render`, then plan again',
  });
}

/** What applying has changed in the cluster directory; nothing where nothing. */
function reportRendered(io: Io, { warnings }: CheckedCluster, produced: Produced): void {
  io.progress('');
  reportFaults([...warnings, ...produced.warnings], io);
  const isChanged = produced.pki.length || produced.nodes.changes.length || produced.kubeconfigs.length;
  if (isChanged) for (const line of producedLines(produced, { dryRun: false, summary: false })) io.note(line);
}
