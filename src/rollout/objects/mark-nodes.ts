import { BootstrapError } from '../../base/errors.ts';
import { secondsText } from '../../base/seconds-text.ts';
import type { NodeMarks } from '../../render/cluster/object.ts';
import { differingFields } from './differing-fields.ts';
import { markNode } from './mark-node.ts';
import { nextPause, type ObjectApi, type Patience } from './object-api.ts';
import { together } from './together.ts';

/** A master that has its labels and taints now. */
interface MarkedNode {
  readonly node: string;
  /** Labels and taints that were set; empty where it had them all. */
  readonly fields: readonly string[];
}

export interface MarkOptions {
  /** How long nodes may take to register. */
  readonly patience: Patience;
  /** For one call of the API. */
  readonly callPatience: Patience;
  readonly onMarked: (marked: MarkedNode) => void;
  /** Is told for whom it waits, before it looks again. */
  readonly onWaiting?: (nodes: readonly string[]) => void;
}

/**
 * Gives each master its labels and taints as soon as its kubelet has registered it; one that does not keeps no other waiting.
 * @returns the names of those that have not registered in time
 * @throws BootstrapError `failed` where the apiserver refuses, or it was interrupted
 */
export async function markNodes(
  api: ObjectApi,
  wanted: readonly NodeMarks[],
  { patience, callPatience, onMarked, onWaiting }: MarkOptions,
): Promise<readonly string[]> {
  const { now, pause, signal } = patience;
  const end = now() + patience.seconds * 1000;
  let rest = wanted;
  for (let wait = nextPause(); ; wait = nextPause(wait)) {
    const absent = await together(rest, async (marks): Promise<readonly NodeMarks[]> => {
      const marked = await markNode(api, marks, callPatience);
      if (!marked) return [marks];
      const { before, after } = marked;
      // a kubelet's own news are not what was changed here
      const fields =
        before === after ? [] : differingFields(before, after).filter((path) => /labels|taints/.test(path));
      onMarked({ node: marks.node, fields });
      return [];
    });
    rest = absent.flat();
    const names = rest.map(({ node }) => node);
    const left = end - now();
    if (!rest.length || left <= 0) return names;
    onWaiting?.(names);
    await pause(Math.min(wait, left), signal);
    if (signal?.aborted) throw new BootstrapError('failed', 'interrupted');
  }
}

/** What to fail with where masters have not registered in so many seconds. */
export function notRegistered(nodes: readonly string[], seconds: number): BootstrapError {
  const [are, have] = nodes.length === 1 ? ['the node', 'has'] : ['the nodes', 'have'];
  return new BootstrapError(
    'failed',
    `${are} ${nodes.join(', ')} ${have} not registered within ${secondsText(seconds)}`,
    {
      hint: 'its kubelet registers it: `journalctl -u kubelet` on the node says why it does not',
    },
  );
}
