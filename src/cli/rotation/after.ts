import { BootstrapError } from '../../base/errors.ts';
import { current, type Phase } from '../../pki/rotation/journal.ts';
import { drops } from '../../pki/rotation/steps.ts';
import { withNodeLocks } from '../../rollout/apply/locks.ts';
import { isWellAgain } from '../../rollout/apply/roll.ts';
import { brokenOf, waitConnected } from '../../rollout/rotation/connectivity.ts';
import { forgetOldAuthentication, waitForAuthentication, waitForRootCas } from '../../rollout/rotation/settled.ts';
import { mintToken, tokenAccepted } from '../../rollout/rotation/token-review.ts';
import { count } from '../format.ts';
import { readyApi, thisUser } from '../rollout/crew.ts';
import type { RotationContext } from './context.ts';
import { proveRefused } from './refused.ts';

/**
 * Does what a phase does besides bringing files to the masters, and proves that every component gets through to every
 * other.
 * @throws BootstrapError `failed` saying what does not
 */
export async function actAfter(context: RotationContext, phase: Phase): Promise<void> {
  const { journal } = context;
  const isBack = journal.direction === 'back';
  const isDropped = drops(journal, phase);
  await tellPods(context);
  await tellAggregated(context, isDropped);
  if (journal.subjects.includes('kubernetes') && phase === (isBack ? 'trust' : 'sign')) await renewKubelets(context);
  await connected(context);
  if (journal.subjects.includes('service-account')) await proveTokens(context);
  if (isDropped) await proveRefused(context);
}

/** Runs a wait whose state is shown, and fails where something is left in the end. */
async function waited(
  { run, signal }: RotationContext,
  wait: (options: {
    seconds: number;
    signal: AbortSignal;
    onUnmet: (unmet: readonly string[]) => void;
  }) => Promise<readonly string[]>,
): Promise<void> {
  const { io, settings } = run;
  const onUnmet = (unmet: readonly string[]) => {
    const [first = ''] = unmet;
    io.progress(`waits: ${first}${unmet.length > 1 ? ` (+${unmet.length - 1})` : ''}`.slice(0, io.columns - 1));
  };
  const unmet = await wait({ seconds: settings.times.proofSeconds, signal, onUnmet });
  io.progress('');
  if (!unmet.length) return;
  throw new BootstrapError(
    'failed',
    ['the masters have the files of this phase, but it does not work:', ...unmet].join('\n  '),
    {
      hint: 'mend it and run the same command again: it goes on with these proofs',
    },
  );
}

/** The controller-manager writes into every namespace whom pods are to trust. */
async function tellPods(context: RotationContext): Promise<void> {
  const { journal, pki, crew } = context;
  const bundle = pki.authorities.get('kubernetes')?.bundle;
  if (!journal.subjects.includes('kubernetes') || bundle === undefined) return;
  const api = await readyApi(crew);
  await waited(context, (options) => waitForRootCas(api, bundle, options));
}

/** Aggregated apiservers read from a ConfigMap whom they are to trust. */
async function tellAggregated(context: RotationContext, isDropped: boolean): Promise<void> {
  const { journal, pki, crew } = context;
  const bundle = (name: 'kubernetes' | 'front-proxy') =>
    journal.subjects.includes(name) ? pki.authorities.get(name)?.bundle : undefined;
  const wanted = { clients: bundle('kubernetes'), frontProxy: bundle('front-proxy') };
  if (wanted.clients === undefined && wanted.frontProxy === undefined) return;
  const api = await readyApi(crew);
  await waited(context, (options) =>
    isDropped ? forgetOldAuthentication(api, wanted, options) : waitForAuthentication(api, wanted, 'at-least', options),
  );
}

/** Each master's kubelet takes the client certificate that was delivered, instead of one of the CA that is to go. */
async function renewKubelets({ run, crew, signal }: RotationContext): Promise<void> {
  const { io } = run;
  const who = `bootstrap certs rotate-ca by ${thisUser()} (process ${process.pid})`;
  await withNodeLocks(
    crew.masters.map(({ agent }) => agent),
    who,
    async () => {
      for (const master of crew.masters) {
        await master.agent.renewKubelet();
        io.progress(`${master.name}: waits for its kubelet`);
        const isWell = await isWellAgain({ observer: crew.observer, signal }, master, true);
        io.progress('');
        if (signal.aborted) throw new BootstrapError('failed', 'interrupted');
        if (!isWell) {
          throw new BootstrapError(
            'failed',
            `the kubelet of ${master.name} does not get well with its new client certificate`,
            {
              hint: '`bootstrap status` shows more; the same command goes on from here',
            },
          );
        }
        io.note(`${io.color.bold(master.name)}  kubelet restarted with its new client certificate`);
      }
    },
  );
}

async function connected(context: RotationContext): Promise<void> {
  const { crew, pki, run, journal } = context;
  const since = Date.parse(current(journal).placed ?? '');
  let proven = 0;
  await waited(context, async (options) => {
    const connections = await waitConnected({ sights: crew.sights, pki, since }, options);
    proven = connections.length;
    return brokenOf(connections);
  });
  run.io.note(`${count(proven, 'connection')} between components tried out: all work`);
}

/** A token that is signed now is accepted by every apiserver. */
async function proveTokens(context: RotationContext): Promise<void> {
  const { crew, signal } = context;
  const refusing: string[] = [];
  for (const [signedBy, sight] of crew.sights) {
    const token = await mintToken(await sight.api(), { signal });
    for (const [node, other] of crew.sights) {
      if (!(await tokenAccepted(await other.api(), token, { signal })))
        refusing.push(`the apiserver of ${node} refuses a token that the one of ${signedBy} has just signed`);
    }
  }
  if (refusing.length) {
    throw new BootstrapError('failed', refusing.join('\n'), { hint: 'the same command tries it again' });
  }
}
