import { listed } from '../status/words.ts';
import type { DeclaredPod } from './declared.ts';
import { type Run, runningDigest } from './runs.ts';
import type { MirrorsSeen, NodeSeen } from './seen.ts';
import type { Sourced } from './source-state.ts';
import type { PodProblem } from './truth-types.ts';

type Found = Omit<PodProblem, 'node' | 'pod'>;

/** What is wrong with what runs, beside what the kubelet is given; undefined where that fits. */
export function runProblem(
  called: string,
  declared: DeclaredPod | undefined,
  { isGiven, digest, state }: Pick<Sourced, 'isGiven' | 'digest' | 'state'>,
  run: Run,
  seen: NodeSeen,
  mirrors: MirrorsSeen['kind'],
): Found | undefined {
  const { node } = seen;
  const stopped = stoppedKubelet(seen);
  const patience = mirrors === 'silent' ? ONCE_REACHED : '';
  if (!isGiven) {
    if (!run.pod?.ready || run.state === 'absent') return undefined;
    return {
      code: 'still-running',
      what: stopped
        ? `still runs: ${stopped}`
        : state === 'stopped'
          ? 'is stopped, but still runs'
          : 'still runs, without a file or URL',
      todo: stopped ? startKubelet(node) : patience || `it ends within its grace period; else look at ${journal(node)}`,
    };
  }
  const byUrl = declared?.via === 'http';
  if (run.state === 'absent') {
    if (stopped) return { code: 'not-running', what: `does not run: ${stopped}`, todo: startKubelet(node) };
    const said = seen.kubeletSays.get(called);
    if (said)
      return { code: 'not-running', what: `does not run: the kubelet says "${said}"`, todo: journal(node, true) };
    return byUrl
      ? {
          code: 'not-running',
          what: `the server has revision ${short(digest)}, the node runs none`,
          todo: server(node),
        }
      : {
          code: 'not-running',
          what: 'does not run, though its file is in place',
          todo: `the kubelet takes up a file within 20 s; else look at ${journal(node)}`,
        };
  }
  const running = run.pod && runningDigest(run.pod);
  if (run.pod && isKnown(seen) && digest !== undefined && running !== digest) {
    return byUrl
      ? {
          code: 'older',
          what: `the server has revision ${short(digest)}, the node runs ${short(running)}`,
          todo: server(node),
        }
      : {
          code: 'older',
          what: `runs an older manifest than that in its file${stopped ? `: ${stopped}` : ''}`,
          todo: stopped
            ? startKubelet(node)
            : patience || `the kubelet takes it up within 20 s; else look at ${journal(node)}`,
        };
  }
  return containerProblem(called, run, seen);
}

function containerProblem(called: string, run: Run, seen: NodeSeen): Found | undefined {
  const { node } = seen;
  const logs = `\`bootstrap pods logs ${called} --node ${node}\` tells more`;
  const quoted = (text: string | undefined) => (text ? `: "${text}"` : '');
  if (run.state === 'exited') {
    const [first] = run.ended;
    const restarts = first?.restarts ? ` (${first.restarts} restart${first.restarts === 1 ? '' : 's'})` : '';
    const what = `its container ${first?.name ?? '?'} has ended${restarts}${quoted(seen.podSays.get(called))}`;
    return { code: 'not-running', what, todo: logs };
  }
  if (run.state === 'waiting') {
    const names = `its container${run.missing.length > 1 ? 's' : ''} ${listed(run.missing)}`;
    const what = `${names} ${run.missing.length > 1 ? 'have' : 'has'} not started${quoted(seen.kubeletSays.get(called))}`;
    return { code: 'not-running', what, todo: journal(node, true) };
  }
  if (run.state === 'down')
    return {
      code: 'not-running',
      what: `its sandbox is down${quoted(seen.kubeletSays.get(called))}`,
      todo: journal(node, true),
    };
  return undefined;
}

/** Measured with 1.36.2: it starts pods without an API, but deletes none before all its sources, that one too, are ready. */
const ONCE_REACHED = 'a kubelet ends no pod before it has reached the API once since its start; bring that up first';

/** Cgroups do not tell of which manifest something runs. */
function isKnown({ runtime }: NodeSeen): boolean {
  return runtime?.source === 'crictl';
}

function stoppedKubelet({ kubelet }: NodeSeen): string | undefined {
  return kubelet === 'active' || kubelet === 'unknown' ? undefined : `the kubelet is ${kubelet}`;
}

const startKubelet = (node: string) => `\`systemctl status kubelet\` on ${node} tells why; start it there`;
const journal = (node: string, whole = false) => `\`journalctl -u kubelet\` on ${node}${whole ? ' tells more' : ''}`;
const server = (node: string) =>
  `${node} polls every few seconds: see that \`bootstrap serve\` runs and has this directory, and that the node reaches it`;

/** As people compare them. */
function short(digest: string | undefined): string {
  return digest?.slice(0, 8) ?? 'one that is not ours';
}
