import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { BootstrapError, EXIT_STATUS } from '../../base/errors.ts';
import type { Bundle } from '../../bundle/bundle.ts';
import { bundleDigest } from '../../bundle/bundle.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import { planData } from '../../rollout/plan/plan-data.ts';
import { planDocument } from '../../rollout/plan/plan-document.ts';
import { planChanges } from '../../rollout/plan/plan-node.ts';
import { count, printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { type CheckedCluster, loadChecked } from '../load.ts';
import { chosenNodes, machinesFor, neededNodes } from '../nodes.ts';
import { planText } from '../plan-text.ts';
import { produce } from '../produce.ts';
import { reportFaults } from '../report.ts';
import { thisUser, withCrew } from '../rollout/crew.ts';
import { interruptible } from '../rollout/interruptible.ts';
import type { RolloutOptions } from '../rollout/options.ts';
import { outlookOf } from '../rollout/outlook.ts';
import { publicationOf } from '../rollout/publish.ts';
import { undertakingOf } from '../rollout/undertaking.ts';
import { endWithUnreached } from '../rollout/unreached.ts';
import { cutLine } from '../rollout/waiting-line.ts';
import { workspace } from '../workspace.ts';

export interface PlanOptions extends RolloutOptions {
  readonly out?: string;
}

/** `plan`: what `apply` would do, without doing any of it; status 2 where that is something. */
export async function plan(options: PlanOptions): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster, warnings } = loaded;
  const chosen = chosenNodes(cluster, options.node);
  const produced = await produce(space, loaded, { renewBefore: undefined, dryRun: true, founding: false });
  reportFaults([...warnings, ...produced.warnings], io);
  if (produced.pki.length) {
    const what = `${count(produced.pki.length, 'certificate or key', 'certificates or keys')} must be issued first`;
    if (options.out !== undefined) {
      throw new BootstrapError('refused', `${what}, so no plan that is kept could hold`, {
        hint: 'run `bootstrap render`, then plan again',
      });
    }
    io.note(`${what}; \`bootstrap render --dry-run\` says which. Here they are shown with fingerprints of a trial.`);
  }
  const saying = 'stopping';
  const { plan: found, unreached } = await interruptible(io, { saying, abandon: closeAllNow }, (signal) => {
    io.progress(cutLine(io, `connecting to ${[...chosen].join(', ')}`));
    const needed = neededNodes(cluster, chosen, options.node);
    const machines = machinesFor(cluster, chosen);
    return withCrew({ space, cluster, produced, needed, machines, signal }, async (crew) => {
      const isForMasters = cluster.nodes.some(({ name }) => chosen.has(name));
      const undertaking = isForMasters ? await undertakingOf(loaded, produced, crew, chosen) : undefined;
      const outlook = await outlookOf({
        cluster: cluster.name,
        crew,
        chosen,
        undertaking,
        served: publicationOf(space.dir, cluster, produced, chosen).changes,
      });
      io.progress('');
      for (const [node, error] of crew.unreachable) {
        if (!outlook.unreached.has(node)) io.err(`${io.color.yellow('warning:')} ${node}: ${error.message}`);
      }
      for (const obstacle of outlook.obstacles) io.err(`${io.color.yellow('warning:')} ${obstacle}`);
      return outlook;
    });
  });
  if (options.out !== undefined) {
    const origin = {
      clusterDigest: inputsDigest(loaded, produced.bundles),
      at: new Date().toISOString(),
      by: thisUser(),
    };
    await writeFileAtomic(resolve(options.out), planDocument(found, origin), 0o600);
    io.note(`written to ${options.out}; \`bootstrap apply ${options.out}\` does just that, or nothing`);
  }
  printResult(io, options.output, { ...planData(found), unreached: [...unreached.keys()] }, () =>
    planText(found, {
      columns: io.columns,
      color: io.color,
      quiet: options.quiet === true,
      verbose: options.verbose === true,
      clusterFile: space.show(space.clusterFile),
    }),
  );
  return endWithUnreached(io, unreached, planChanges(found) ? EXIT_STATUS.difference : 0);
}

/** SHA-256 (hex) over everything that the nodes shall have, and the cluster after profiles and options. */
export function inputsDigest({ cluster }: CheckedCluster, bundles: readonly Bundle[]): string {
  const hash = createHash('sha256').update(`${cluster.name}\0${cluster.version.text}\0`);
  for (const bundle of bundles) hash.update(`${bundle.node}\0${bundleDigest(bundle)}\0`);
  return hash.digest('hex');
}

/** The text of a plan file. @throws BootstrapError `usage` where there is none */
export function readPlanFile(path: string): string {
  if (!existsSync(path)) {
    throw new BootstrapError('usage', `${path}: no such file`, { hint: '`bootstrap plan --out plan.json` makes one' });
  }
  return readFileSync(path, 'utf8');
}
