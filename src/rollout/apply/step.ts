import { BootstrapError } from '../../base/errors.ts';
import type { NodePlan } from '../plan.ts';
import type { ApplyContext } from './context.ts';
import { gateReasons } from './gates.ts';
import type { Master } from './master.ts';
import { judge } from './proofs.ts';
import { waitFor } from './wait-for.ts';

/** Characters of a log line that are shown: etcd writes whole traces into one. */
const MAX_LINE = 400;
/** Milliseconds between two looks at a node. */
const PAUSE = 1000;

/** A step on one master: what it has now and shall have, and the revision that was brought to it. */
export interface Step {
  readonly master: Master;
  readonly plan: NodePlan;
  readonly revision: number;
}

/**
 * Waits until nothing speaks against working on this node.
 * @throws BootstrapError `refused` with what does, after `gateSeconds`
 */
export async function passGates(
  context: ApplyContext,
  node: string,
  masters: readonly Master[],
  inFlight: () => Promise<ReadonlyMap<string, number>>,
): Promise<void> {
  const { observer, tell, signal, gateSeconds } = context;
  const look = async () => {
    const [view, others] = await Promise.all([observer.cluster(), inFlight()]);
    const unmet = gateReasons({
      node,
      etcd: view.etcd.mayNotLose(node),
      masters: masters.length,
      readyApis: view.readyApis,
      inFlight: others,
    });
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

/** Puts the revision in place and proves it; what is still unmet in the end. It is not committed yet. */
export async function putInPlace(
  context: ApplyContext,
  { master, plan, revision }: Step,
  confirmSeconds: number,
): Promise<readonly string[]> {
  const { observer, tell, signal, proofSeconds } = context;
  const node = master.name;
  await observer.begin(master);
  const { placed, removed } = await master.agent.activate(revision, { kubelet: plan.kubelet, confirmSeconds });
  tell({ kind: 'activated', node, files: placed.length + removed.length, kubelet: plan.kubelet });
  return waitFor(async () => judge(await observer.proofs(master)), {
    seconds: proofSeconds,
    pauseMs: PAUSE,
    signal,
    onUnmet: (unmet) => tell({ kind: 'proof', node, unmet }),
  });
}

/** The last lines of those components that are named in what is unmet. */
export async function lastWords({ agent, bundle }: Master, unmet: readonly string[]): Promise<string> {
  const pods = bundle.files.flatMap((file) => (file.effect.kind === 'manifest' ? [file.effect.pod] : []));
  const blamed = ['kubelet', ...pods].filter((pod) => unmet.some((line) => line.startsWith(`${pod}:`)));
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
