import { randomBytes } from 'node:crypto';
import { BootstrapError } from '../../base/errors.ts';
import { acquireLock } from '../../base/lock.ts';
import { closeAllNow } from '../../deliver/transport/open-transport.ts';
import { pkiInventory } from '../../pki/inventory.ts';
import { generateKey } from '../../pki/keys.ts';
import { current, type Journal, phasesOf, type Subject } from '../../pki/rotation/journal.ts';
import { readJournal } from '../../pki/rotation/overlay.ts';
import { prepareNew } from '../../pki/rotation/prepare.ts';
import { begun, mayTurnBack, nextMove, turnedBack } from '../../pki/rotation/steps.ts';
import { openPlainStore } from '../../pki/store.ts';
import type { Cluster } from '../../spec/cluster.ts';
import { printResult } from '../format.ts';
import { processIo } from '../io.ts';
import { loadChecked } from '../load.ts';
import { confirm } from '../rollout/confirm.ts';
import { interruptible } from '../rollout/interruptible.ts';
import { sameCluster } from '../same-cluster.ts';
import { workspace } from '../workspace.ts';
import { refuseWhereNotCarried } from './not-carried.ts';
import { chosenAuthorities, type RotationOptions, rotationSettings } from './options.ts';
import { type Outcome, rotate } from './rotate.ts';
import { noted, type RotationRun, warnOnce } from './run.ts';
import { rotationData, rotationText } from './status-text.ts';
import { commandOf, phaseText, subjectsText } from './words.ts';

/** `certs rotate-ca` */
export function rotateCa(options: RotationOptions, which?: string): Promise<number> {
  return rotation(options, (cluster, journal) => {
    const ofCas = journal?.subjects.includes('service-account') ? undefined : journal?.subjects;
    if (which !== undefined) return chosenAuthorities(which, cluster.etcd.kind === 'local');
    if (ofCas) return ofCas;
    throw new BootstrapError('usage', 'which CA?', {
      hint: '`bootstrap certs rotate-ca kubernetes`, etcd, front-proxy, or all',
    });
  });
}

/** `certs rotate-sa-key` */
export function rotateServiceAccountKey(options: RotationOptions): Promise<number> {
  return rotation(options, () => ['service-account']);
}

type Chosen = (cluster: Cluster, journal: Journal | undefined) => readonly Subject[];

async function rotation(options: RotationOptions, chosen: Chosen): Promise<number> {
  const io = processIo(options);
  const space = workspace(options);
  const store = openPlainStore(space.dir);
  const within = sameCluster(space);
  const show = (journal: Journal | undefined) => {
    printResult(io, options.output, rotationData(journal), () =>
      journal ? rotationText(journal, io, within) : 'no rotation is under way',
    );
  };
  if (options.status) {
    show(readJournal(store));
    return 0;
  }
  const loaded = await loadChecked(space, options);
  const lock = acquireLock(space.dir, 'bootstrap certs rotate', new Date());
  try {
    const there = readJournal(store);
    const subjects = chosen(loaded.cluster, there);
    refuseOther(there, subjects, options);
    refuseWhereNotCarried(loaded.cluster, subjects, there !== undefined);
    const settings = rotationSettings(subjects, options);
    const run: RotationRun = {
      io,
      space,
      loaded,
      store,
      settings,
      verbose: options.verbose === true,
      warn: warnOnce(io),
    };
    const journal = options.rollback ? await turned(run, there, options) : (there ?? (await prepared(run)));
    if (!options.apply) {
      show(journal);
      return 0;
    }
    if (!options.quiet) io.note(intention(journal));
    await confirm(io, 'Do this?', options.yes);
    const saying = `stopping; \`${commandOf(subjects)}${within} --apply\` goes on from there; a second Ctrl-C ends it at once`;
    const outcome = await interruptible(io, { saying, abandon: closeAllNow }, (signal) => rotate(run, journal, signal));
    io.progress('');
    printResult(io, options.output, outcomeData(outcome), () => outcomeText(outcome, io, within));
    return 0;
  } finally {
    lock.release();
  }
}

/** One rotation at a time: two would not know whom to trust. */
function refuseOther(there: Journal | undefined, subjects: readonly Subject[], options: RotationOptions): void {
  if (!there) return;
  const same =
    there.subjects.length === subjects.length && subjects.every((subject) => there.subjects.includes(subject));
  if (!same) {
    throw new BootstrapError(
      'refused',
      `a rotation of ${subjectsText(there.subjects)} is under way (phase ${current(there).phase})`,
      {
        hint: `end it first: ${commandOf(there.subjects)} --apply`,
      },
    );
  }
  if (there.direction === 'back' && !options.rollback) {
    throw new BootstrapError('refused', `the rotation of ${subjectsText(subjects)} is being taken back`, {
      hint: `let it come to its end first: ${commandOf(subjects)} --rollback --apply`,
    });
  }
}

/** Makes the new keys and certificates, then the journal: from then on a rotation is under way. */
async function prepared(run: RotationRun): Promise<Journal> {
  const { loaded, store, settings, io } = run;
  const inventory = pkiInventory(loaded.cluster);
  if (!store.read('ca.crt')) {
    throw new BootstrapError('usage', `${store.directory} holds no PKI of this cluster yet`, {
      hint: '`bootstrap init` makes it',
    });
  }
  const { subjects, given } = settings;
  const sources = { now: new Date(), randomBytes, generateKey };
  for (const path of await prepareNew(subjects, inventory, store, sources, given))
    io.note(`created ${store.shown(path)}`);
  return noted(run, begun(subjects, new Date()));
}

/** Turns a rotation round. Only with --apply does anything happen on masters. */
async function turned(run: RotationRun, there: Journal | undefined, options: RotationOptions): Promise<Journal> {
  if (!there) throw new BootstrapError('usage', 'no rotation is under way: there is nothing to go back to');
  if (!mayTurnBack(there)) {
    throw new BootstrapError(
      'refused',
      'masters have been told to distrust the old one: there is no way back any more',
      {
        hint: `go on: ${commandOf(there.subjects)} --apply; to be rid of the new one, rotate once more after that`,
      },
    );
  }
  if (!options.apply) return there;
  return noted(run, turnedBack(there, new Date()));
}

/** What lies before the user, in lines. */
function intention(journal: Journal): string {
  const { subjects, direction } = journal;
  const phases = phasesOf(subjects);
  const at = phases.indexOf(current(journal).phase);
  const isDone = nextMove(journal).kind !== 'place' && nextMove(journal).kind !== 'prove';
  if (direction === 'back')
    return `Takes back the rotation of ${subjectsText(subjects)}: the old one stays, the new one goes.`;
  const ahead = phases.slice(isDone ? at + 1 : at);
  const width = Math.max(...phases.map((phase) => phase.length));
  return [
    `Rotates ${subjectsText(subjects)}; one master at a time in each phase, each proven:`,
    ...ahead.map((phase) => `  ${phase.padEnd(width)}  ${phaseText(phase, subjects)}`),
  ].join('\n');
}

function outcomeText(outcome: Outcome, io: RotationRun['io'], within: string): string {
  const { journal } = outcome;
  if (outcome.kind === 'paused') return [outcome.why, '', rotationText(journal, io, within)].join('\n');
  const what = subjectsText(journal.subjects);
  if (journal.direction === 'back')
    return `The rotation of ${what} was taken back: the old one alone is trusted, as before.`;
  return `${what[0]?.toUpperCase()}${what.slice(1)} ${journal.subjects.length > 1 ? 'are' : 'is'} replaced; the old one is trusted nowhere any more.`;
}

function outcomeData(outcome: Outcome) {
  return outcome.kind === 'paused'
    ? { outcome: 'paused', why: outcome.why, ...rotationData(outcome.journal) }
    : { outcome: outcome.journal.direction === 'back' ? 'taken-back' : 'done', rotation: null };
}
