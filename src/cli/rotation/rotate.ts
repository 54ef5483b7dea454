import { BootstrapError } from '../../base/errors.ts';
import type { Pki } from '../../pki/pki.ts';
import { current, following, type Journal, type Phase } from '../../pki/rotation/journal.ts';
import { settle } from '../../pki/rotation/settle.ts';
import { entered, nextMove, placed, proven } from '../../pki/rotation/steps.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { type Produced, produce } from '../produce.ts';
import { applyWith } from '../rollout/apply-cluster.ts';
import { type Crew, withCrew } from '../rollout/crew.ts';
import { actAfter } from './after.ts';
import { passBefore } from './before.ts';
import { noted, type RotationRun } from './run.ts';
import { phaseText } from './words.ts';

/** How a run of the command has ended. */
export type Outcome =
  | { readonly kind: 'ended'; readonly journal: Journal }
  /** `why` in words, for the person. */
  | { readonly kind: 'paused'; readonly journal: Journal; readonly why: string };

/**
 * Takes a rotation from where it is to its end, or to where it is to pause. Before anything is done it is in the
 * journal, so that the same call goes on after a SIGKILL at any moment.
 * @throws BootstrapError `refused` where going on would endanger the cluster; `failed` where a phase does not work
 */
export async function rotate(run: RotationRun, from: Journal, signal: AbortSignal): Promise<Outcome> {
  let journal = from;
  for (;;) {
    if (nextMove(journal).kind === 'end') {
      await settle(run.store, journal);
      return { kind: 'ended', journal };
    }
    const outcome = await throughPhase(run, journal, signal);
    if (outcome.kind === 'paused') return outcome;
    journal = outcome.journal;
  }
}

type Step = Outcome | { readonly kind: 'on'; readonly journal: Journal };

/** Places and proves the present phase as far as that is not done, and enters the next one. */
async function throughPhase(run: RotationRun, from: Journal, signal: AbortSignal): Promise<Step> {
  const { io, space, loaded } = run;
  const { cluster } = loaded;
  const produced = await rendered(run);
  const needed = new Set(cluster.nodes.map(({ name }) => name));
  io.progress(`connecting to ${[...needed].join(', ')}`);
  return withCrew({ space, cluster, produced, needed, signal }, async (crew) => {
    io.progress('');
    let journal = from;
    const { phase } = current(journal);
    if (nextMove(journal).kind === 'place') {
      announce(run, journal);
      await place(run, produced, crew, signal);
      journal = await noted(run, placed(journal, new Date()));
    } else await Promise.all(crew.masters.map((master) => crew.observer.refresh(master)));
    const context = { run, crew, journal, pki: ofMasters(produced.identities, cluster), signal };
    if (nextMove(journal).kind === 'prove') {
      await actAfter(context, phase);
      journal = await noted(run, proven(journal, new Date()));
      io.note(`${io.color.green('✓')} ${phase}: ${phaseText(phase, journal.subjects)}`);
    }
    const next = following(journal);
    if (!next) return { kind: 'on', journal };
    const pause = await pauseBefore({ ...context, journal }, next, produced);
    if (pause !== undefined) return { kind: 'paused', journal, why: pause };
    return { kind: 'on', journal: await noted(run, entered(journal, next, new Date())) };
  });
}

/** Nothing that a rotation replaces lies on plain nodes (`refuseWhereNotCarried`): how they are is no matter to it. */
function ofMasters(pki: Pki, { nodes }: Cluster): Pki {
  const names = new Set(nodes.map(({ name }) => name));
  return { ...pki, nodes: new Map([...pki.nodes].filter(([name]) => names.has(name))) };
}

async function pauseBefore(
  context: Parameters<typeof passBefore>[0],
  next: Phase,
  produced: Produced,
): Promise<string | undefined> {
  const { run, journal } = context;
  if (journal.direction === 'forward' && run.settings.pauseBefore === next)
    return `paused before ${next}, as it was asked for`;
  return passBefore(context, next, produced);
}

function announce({ io }: RotationRun, journal: Journal): void {
  const { subjects, direction } = journal;
  const { phase } = current(journal);
  const text =
    direction === 'back' && phase === 'prepare' ? 'the old one alone is trusted again' : phaseText(phase, subjects);
  io.note(`${io.color.bold(phase)}: ${text}`);
}

/** Makes every file of the present phase; which one that is says the journal. */
async function rendered({ space, loaded, warn }: RotationRun): Promise<Produced> {
  const produced = await produce(space, loaded, { renewBefore: undefined, dryRun: false, founding: false });
  warn(produced.warnings);
  return produced;
}

async function place(run: RotationRun, produced: Produced, crew: Crew, signal: AbortSignal): Promise<void> {
  const { io, space, loaded, settings, verbose } = run;
  const chosen = new Set(loaded.cluster.nodes.map(({ name }) => name));
  await applyWith(
    {
      io,
      space,
      loaded,
      chosen,
      times: settings.times,
      yes: true,
      quiet: !verbose,
      verbose,
      check: ({ mode }) => {
        if (mode === 'rolling') return;
        throw new BootstrapError('refused', 'the control plane does not live: a rotation needs it to be well', {
          hint: '`bootstrap status` shows what is wrong; `bootstrap apply` brings it up with the files of this phase',
        });
      },
    },
    produced,
    crew,
    signal,
  );
}
