import { BootstrapError } from '../../base/errors.ts';
import type { Bundle } from '../../bundle/bundle.ts';
import { bare } from '../bare.ts';
import type { NodePlan } from '../plan.ts';
import type { ApplyContext } from './context.ts';
import { gateReasons } from './gates.ts';
import type { Master } from './master.ts';
import type { Beginning, Observer } from './observer.ts';
import { judge } from './proofs.ts';
import { patient, type Seen, waitFor } from './wait-for.ts';

/** Characters of a log line that are shown: etcd writes whole traces into one. */
const MAX_LINE = 400;
/** Milliseconds between two looks at a node. */
const PAUSE = 1000;
/** Seconds for which what ends a step is tried again where the node does not answer. */
const ENDING = 60;

/** A step on one master: what it has now and shall have, and the revision that was brought to it. */
export interface Step {
  readonly master: Master;
  readonly plan: NodePlan;
  readonly revision: number;
  /** There was a control plane on the node before, with certificates that are valid: there is something to go back to. */
  readonly hasBefore: boolean;
}

/**
 * Waits until nothing speaks against working on this node.
 * @param masters how many the cluster has
 * @param unrest what is not at rest on other nodes
 * @throws BootstrapError `refused` with what does, after `gateSeconds`
 */
export async function passGates(
  context: ApplyContext,
  node: string,
  masters: number,
  unrest: () => Promise<readonly string[]>,
): Promise<void> {
  const { observer, tell, signal, gateSeconds } = context;
  const look = async () => {
    const [view, found] = await Promise.all([observer.cluster(), unrest()]);
    const etcd = view.etcd.mayNotLose(node);
    const unmet = gateReasons({ node, etcd, masters, readyApis: view.readyApis, unrest: found });
    return unmet.length ? ({ kind: 'not-yet', unmet } as const) : ({ kind: 'good' } as const);
  };
  const onUnmet = (unmet: readonly string[]) => tell({ kind: 'gate', node, unmet });
  const unmet = await waitFor(look, { seconds: gateSeconds, pauseMs: PAUSE, signal, onUnmet });
  if (!unmet.length) return;
  throw new BootstrapError(
    'refused',
    `${node} is left as it is, because now that would endanger the cluster: ${unmet.join('; ')}`,
    {
      hint: '`bootstrap status` shows what is wrong; once that is mended, the same command goes on',
    },
  );
}

export interface PutOptions {
  readonly confirmSeconds: number;
  /** Whether the kubelet must have spoken to the API since it was restarted. */
  readonly heartbeat: boolean;
  /** Pods that run are replaced before the kubelet is restarted. */
  readonly podsFirst?: boolean;
  /** Waiting longer has lost its sense, because of something elsewhere. */
  readonly isLost?: () => boolean;
}

/** Says whether a node does what its new revision says. */
export interface Prover {
  /** Remembers what is there before it is put in place. */
  begin(master: Master, step: Beginning): Promise<void>;
  look(master: Master): Promise<Seen>;
}

const proverOf = (observer: Observer): Prover => ({
  begin: (master, step) => observer.begin(master, step),
  look: async (master) => judge(await observer.proofs(master)),
});

/** As {@link putAndProve}, on a master. */
export function putInPlace(context: ApplyContext, step: Step, options: PutOptions): Promise<readonly string[]> {
  return putAndProve(context, proverOf(context.observer), step, options);
}

/** What a step on a single node needs of a run. */
export type StepContext = Pick<ApplyContext, 'tell' | 'signal' | 'proofSeconds'>;

/**
 * Puts the revision in place and proves it; what is still unmet in the end. It is not committed yet. A node that does not
 * answer is asked again as long as there is time: putting a revision in place twice does no harm.
 *
 * A kubelet that has just started takes pods of before for orphans: it starts those of changed manifests at once, beside
 * them, and they fail because their ports are taken (seen with 1.36.2). So it is restarted once they are replaced, or
 * after half of the time, as it may be what keeps them from getting well.
 */
export async function putAndProve(
  context: StepContext,
  prover: Prover,
  step: Step,
  options: PutOptions,
): Promise<readonly string[]> {
  const { plan } = step;
  const isRestarted = plan.kubelet === 'restart' || plan.kubelet === 'reload';
  // what an earlier run has begun may still lack it
  const isDue = (isRestarted && plan.pods.length > 0) || plan.unfinished !== undefined;
  if (options.podsFirst && isDue && !plan.givesUpIdentity) {
    const { unmet, isHopeless } = await activateAndProve(context, prover, step, { ...options, turn: 'pods' });
    if (isHopeless) return unmet;
    return (await activateAndProve(context, prover, step, { ...options, turn: 'kubelet' })).unmet;
  }
  return (await activateAndProve(context, prover, step, { ...options, turn: 'all' })).unmet;
}

interface TurnOptions extends PutOptions {
  /** What is replaced now: pods alone, then the kubelet; or all at once. */
  readonly turn: 'pods' | 'kubelet' | 'all';
}

async function activateAndProve(
  { tell, signal, proofSeconds }: StepContext,
  prover: Prover,
  { master, plan, revision }: Step,
  { confirmSeconds, heartbeat, isLost = () => false, turn }: TurnOptions,
): Promise<{ readonly unmet: readonly string[]; readonly isHopeless: boolean }> {
  const node = master.name;
  const later = turn === 'pods';
  const stops = plan.pods.flatMap(({ pod, kind }) => (kind === 'stop' ? [`${pod}-${node.toLowerCase()}`] : []));
  // what an earlier run has put in place already is in no plan any more
  const begun = plan.pods.flatMap(({ pod, kind }) => (kind === 'stop' ? [] : [pod]));
  const changed = plan.unfinished ? podsIn(master.bundle) : begun;
  await prover.begin(master, { stops, changed, heartbeat: heartbeat && !later && plan.kubelet !== 'none' });
  let isPlaced = false;
  let isHopeless = false;
  let tries = 0;
  const activate = async (): Promise<void> => {
    tries += 1;
    // giving up its certificate restarts the kubelet as well: once is enough
    const kubelet = plan.givesUpIdentity && plan.kubelet === 'restart' ? 'none' : plan.kubelet;
    const { placed, removed } = await master.agent.activate(revision, { kubelet, later, confirmSeconds });
    if (plan.givesUpIdentity) await master.agent.renewKubelet();
    isPlaced = true;
    // of its second turn there is something to be told only where the kubelet was
    if (turn === 'kubelet' && plan.kubelet === 'none') return;
    const files = placed.length + removed.length;
    tell({ kind: 'activated', node, files, kubelet: later ? 'none' : plan.kubelet });
  };
  const look = async (): Promise<Seen> => {
    if (!isPlaced) {
      // what the connection broke under may still be at work there
      const lacking = await patient(node, activate, tries ? ['unreachable', 'locked'] : ['unreachable']);
      if (lacking) return lacking;
    }
    const seen = await patient(node, () => prover.look(master), ['unreachable', 'failed']);
    isHopeless = seen.kind === 'hopeless';
    return seen.kind === 'not-yet' && isLost() ? { ...seen, kind: 'hopeless' } : seen;
  };
  const unmet = await waitFor(look, {
    seconds: later ? proofSeconds / 2 : proofSeconds,
    pauseMs: PAUSE,
    signal,
    onUnmet: (unmet) => tell({ kind: 'proof', node, unmet }),
  });
  return { unmet, isHopeless };
}

/**
 * Commits a revision that has proven itself, also where the user has interrupted the run by now.
 * @param began `performance.now()`
 */
export async function commitStep(
  { tell }: Pick<ApplyContext, 'tell'>,
  { master: { name, agent }, revision }: Pick<Step, 'master' | 'revision'>,
  { began, confirmSeconds }: { readonly began: number; readonly confirmSeconds: number },
): Promise<void> {
  try {
    await surely(name, () => agent.commit(revision));
  } catch (error) {
    if (!(error instanceof BootstrapError)) throw error;
    const message = `revision ${revision} works on ${name}, but that could not be noted there: ${bare(name, error)}`;
    throw new BootstrapError(error.code, message, {
      hint:
        confirmSeconds && error.code !== 'refused'
          ? `\`bootstrap apply\` goes on from here; without it, ${name} goes back to what it had within ${confirmSeconds} s`
          : '`bootstrap apply` goes on from here',
      cause: error,
    });
  }
  tell({ kind: 'committed', node: name, revision, seconds: (performance.now() - began) / 1000 });
}

/** Takes back what was put in place on a node; tried again where the node does not answer. */
export function revertStep({ name, agent }: Master, why: string): Promise<void> {
  return surely(name, () => agent.revert(why));
}

/** Something that may be repeated, until it is known to be done. @throws BootstrapError why it could not be done */
async function surely(node: string, act: () => Promise<void>): Promise<void> {
  let last: BootstrapError | undefined;
  const look = async (): Promise<Seen> => {
    try {
      await act();
      return { kind: 'good' };
    } catch (error) {
      if (!(error instanceof BootstrapError)) throw error;
      const isPassing = error.code === 'unreachable' || (error.code === 'locked' && last?.code === 'unreachable');
      last = error;
      return { kind: isPassing ? 'not-yet' : 'hopeless', unmet: [bare(node, error)] };
    }
  };
  // no interruption ends it: it is what leaves the node in good order
  const { signal } = new AbortController();
  const unmet = await waitFor(look, { seconds: ENDING, pauseMs: PAUSE, signal });
  if (unmet.length && last) throw last;
}

function podsIn({ files }: Bundle): readonly string[] {
  return files.flatMap(({ effect }) => (effect.kind === 'manifest' ? [effect.pod] : []));
}

/** The last lines of those components that are named in what is unmet. */
export async function lastWords({ agent, bundle }: Master, unmet: readonly string[]): Promise<string> {
  const blamed = ['kubelet', ...podsIn(bundle)].filter((pod) => unmet.some((line) => line.startsWith(`${pod}:`)));
  const texts = await Promise.all(blamed.map(async (pod) => ({ pod, text: await agent.logs(pod, 5).catch(() => '') })));
  return texts
    .filter(({ text }) => text)
    .map(
      ({ pod, text }) =>
        `last lines of ${pod}:\n${text
          .split('\n')
          .map((line) => `  ${line.slice(0, MAX_LINE)}`)
          .join('\n')}`,
    )
    .join('\n');
}
