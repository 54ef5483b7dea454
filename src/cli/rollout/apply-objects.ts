import { join } from 'node:path';
import { BootstrapError, EXIT_STATUS } from '../../base/errors.ts';
import { acquireLock } from '../../base/lock.ts';
import { shellQuoted } from '../../base/posix-quote.ts';
import { clusterObjects } from '../../render/cluster/cluster-objects.ts';
import type { ClusterObjects } from '../../render/cluster/object.ts';
import { findApi } from '../../rollout/direct-api.ts';
import { type AppliedObjects, applyObjects, keptWarning } from '../../rollout/objects/apply-objects.ts';
import type { KeptField } from '../../rollout/objects/apply-one.ts';
import { diffObjects } from '../../rollout/objects/diff-objects.ts';
import { notRegistered } from '../../rollout/objects/mark-nodes.ts';
import { patience } from '../../rollout/objects/object-api.ts';
import type { ApiClient } from '../../rollout/probe/api-client.ts';
import { count, printResult } from '../format.ts';
import { type Io, processIo } from '../io.ts';
import { type CheckedCluster, loadChecked } from '../load.ts';
import { produce } from '../produce.ts';
import { reportError, reportFaults } from '../report.ts';
import { type Workspace, workspace } from '../workspace.ts';
import {
  appliedData,
  appliedText,
  type PlannedObjects,
  plannedData,
  plannedText,
  waitingForApi,
  waitingForNodes,
} from './apply-objects-text.ts';
import { confirm, refuseUnasked } from './confirm.ts';
import { interruptible } from './interruptible.ts';
import { type ApplyOptions, bootSeconds } from './options.ts';
import { waitingLine } from './waiting-line.ts';

interface Run {
  readonly io: Io;
  readonly options: ApplyOptions;
  readonly api: ApiClient;
  readonly wanted: ClusterObjects;
  readonly signal: AbortSignal;
  readonly space: Workspace;
  readonly cluster: string;
}

/** `apply --objects`: what belongs into the API, straight over TLS, for masters that come up by themselves. */
export async function applyOnlyObjects(options: ApplyOptions, planFile?: string): Promise<number> {
  refuseTogether(options, planFile);
  const dryRun = options.dryRun === true;
  // a dry run says what is so now, unless it is told to wait
  const seconds = dryRun && options.timeout === undefined ? 0 : bootSeconds(options);
  const io = processIo(options);
  const space = workspace(options);
  const loaded = await loadChecked(space, options);
  const { cluster, context } = loaded;
  return interruptible(io, { saying: 'stopping', abandon: () => undefined }, async (signal) => {
    const lock = dryRun ? undefined : acquireLock(space.dir, 'bootstrap apply --objects', new Date());
    let api: ApiClient | undefined;
    try {
      const identities = await identitiesOf(io, space, loaded);
      const say = waitingLine(io);
      const begin = performance.now();
      io.progress('looking for an API');
      api = await findApi(cluster, identities, patience(seconds, signal), (seen, left) => {
        // nobody shall learn only after a quarter of an hour that there was a question to answer
        if (!dryRun) refuseUnasked(io, options.yes);
        say(waitingForApi(seen, left));
      });
      io.progress('');
      if (options.verbose) io.note(`${api.what} is ready`);
      const left = Math.max(0, seconds - (performance.now() - begin) / 1000);
      const wanted = clusterObjects(cluster, identities, context);
      const run: Run = { io, options, api, wanted, signal, space, cluster: cluster.name };
      return await planAndApply(run, { seconds, left });
    } finally {
      io.progress('');
      api?.close();
      lock?.release();
    }
  });
}

/** @throws BootstrapError `usage` for what means nothing to objects in the API */
function refuseTogether({ node, confirmTimeout }: ApplyOptions, planFile: string | undefined): void {
  const clash = (what: string, hint: string) =>
    new BootstrapError('usage', `--objects and ${what} do not go together`, { hint });
  if (planFile !== undefined)
    throw clash('a plan file', 'a plan that is kept is one for the masters, objects included');
  if (node?.length) throw clash('--node', 'the objects belong to the cluster, not to single nodes');
  if (confirmTimeout !== undefined) throw clash('--confirm-timeout', 'no node is changed that would have to confirm');
}

/** As `plan` does, so that nothing in the cluster directory changes: machines may have come up with what is in it. */
async function identitiesOf(io: Io, space: Workspace, loaded: CheckedCluster) {
  const { identities, pki, warnings } = await produce(space, loaded, {
    renewBefore: undefined,
    dryRun: true,
    founding: false,
  });
  reportFaults([...loaded.warnings, ...warnings], io);
  if (pki.length) {
    const what = count(pki.length, 'certificate or key has', 'certificates or keys have');
    io.note(`${what} to be issued again; that is not done here, but by \`bootstrap render\``);
  }
  return identities;
}

interface Waiting {
  /** Seconds that it may wait altogether, and that are left of them. */
  readonly seconds: number;
  readonly left: number;
}

async function planAndApply(run: Run, waiting: Waiting): Promise<number> {
  const { io, options, api, wanted, signal } = run;
  const kept: KeptField[] = [];
  const unregistered: string[] = [];
  io.progress('API objects');
  const changes = await diffObjects(api, wanted, {
    patience: patience(30, signal),
    onKept: (field) => kept.push(field),
    onUnregistered: (node) => unregistered.push(node),
  });
  io.progress('');
  const planned: PlannedObjects = { cluster: run.cluster, changes, unregistered: unregistered.sort() };
  const isNothing = !changes.length && !unregistered.length;
  const text = () => plannedText(planned, io, options.quiet === true);
  if (options.dryRun || isNothing) {
    reportFaults(kept.map(keptWarning), io);
    const data = options.dryRun ? plannedData(planned) : appliedData({ ...planned, objects: [] });
    printResult(io, options.output, data, text);
    return isNothing ? 0 : EXIT_STATUS.difference;
  }
  io.note(text());
  await confirm(io, 'Do this?', options.yes);
  const applied = await carryOut(run, waiting.left);
  const result = {
    cluster: run.cluster,
    objects: applied.outcomes.filter(({ outcome }) => outcome !== 'unchanged').map(({ object }) => object),
    unregistered: applied.unregistered,
  };
  const isFirst = changes.length > 0 && changes.every(({ kind, object }) => kind === 'create' || /^Node /.test(object));
  const kubectl = `kubectl --kubeconfig ${shellQuoted(run.space.show(join(run.space.dir, 'admin.conf')))} get nodes`;
  printResult(io, options.output, appliedData(result), () =>
    appliedText(result, isFirst && !options.quiet ? kubectl : undefined),
  );
  if (!result.unregistered.length) return 0;
  // beside the result, which says what was done all the same
  reportError(notRegistered(result.unregistered, waiting.seconds), io, false);
  return EXIT_STATUS.failed;
}

async function carryOut({ io, api, wanted, signal }: Run, seconds: number): Promise<AppliedObjects> {
  const say = waitingLine(io);
  try {
    const applied = await applyObjects(api, wanted, {
      signal,
      nodePatience: patience(seconds, signal),
      onProgress: ({ object, outcome }) => {
        if (outcome === 'unchanged') return;
        io.progress('');
        io.note(`${object} ${outcome}`);
      },
      onWaiting: (nodes) => say(waitingForNodes(nodes)),
    });
    io.progress('');
    reportFaults(applied.kept.map(keptWarning), io);
    return applied;
  } catch (error) {
    if (!signal.aborted) throw error;
    const hint = 'what was applied stays; the same command goes on from there';
    throw new BootstrapError('failed', 'interrupted', { hint });
  }
}
