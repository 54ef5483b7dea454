import type { UnifiedDiff } from '../../base/unified-diff.ts';
import { type Bundle, bundleDigest } from '../../bundle/bundle.ts';
import { MANIFESTS } from '../../render/layout.ts';
import type { NodeFacts } from '../node-facts.ts';
import type { NodePlan, Plan } from '../plan.ts';
import { driftOf } from './drift.ts';
import type { Expired } from './expired.ts';
import { fileChanges, leftovers, stateOf } from './file-changes.ts';
import { kubeletAction } from './kubelet.ts';
import { observedDigest } from './observed.ts';
import { podChanges } from './pods.ts';
import { clashesOf, straysOf } from './strays.ts';

export interface NodePlanInput {
  readonly bundle: Bundle;
  readonly facts: NodeFacts;
  /** What is in the files of {@link pathsToRead}; of those that are missing here less is told. */
  readonly contents: ReadonlyMap<string, Buffer>;
  /** Milliseconds since the epoch, for the days that certificates have left. */
  readonly now: number;
  /** `loadUnifiedDiff` makes it. */
  readonly diff: UnifiedDiff;
  readonly manifestsDir?: string;
  /** What has expired there; nothing where it is left out. */
  readonly expired?: Expired | undefined;
}

/**
 * The files whose contents a plan wants to see, besides their states: open ones that change, manifests and certificates
 * that go, strays. None of them was a secret when bootstrap put it there.
 */
export function pathsToRead(bundle: Bundle, facts: NodeFacts, manifestsDir = MANIFESTS): readonly string[] {
  const isFile = (path: string) => facts.files.get(path)?.type === 'file';
  const changed = bundle.files.filter(
    (file) => !file.sensitive && isFile(file.path) && facts.files.get(file.path)?.sha256 !== stateOf(file).sha256,
  );
  const gone = leftovers(bundle, facts).filter(
    ({ path }) => isFile(path) && (path.startsWith(`${manifestsDir}/`) || path.endsWith('.crt')),
  );
  return [...[...changed, ...gone].map(({ path }) => path), ...straysOf(bundle, facts, manifestsDir)].sort();
}

/** The difference between what a node has and what it shall have. */
export function planNode({ manifestsDir = MANIFESTS, ...input }: NodePlanInput): NodePlan {
  const { bundle, facts, contents, expired } = input;
  const changes = fileChanges(input);
  const strays = straysOf(bundle, facts, manifestsDir);
  const { transaction } = facts;
  return {
    node: bundle.node,
    digest: bundleDigest(bundle),
    observed: observedDigest(facts, bundle),
    currentRevision: facts.current,
    recorded: isRecorded(bundle, facts),
    changes,
    drift: driftOf(facts),
    strays,
    clashes: clashesOf(bundle, strays, contents),
    ...kubeletAction(facts, changes, expired?.kubelet),
    givesUpIdentity: expired?.kubelet === 'own',
    pods: podChanges(input, changes),
    unfinished: transaction && { revision: transaction.to, state: transaction.state },
  };
}

function isRecorded({ files }: Bundle, { current, index }: NodeFacts): boolean {
  const recorded = new Map(index.map((entry) => [entry.path, entry]));
  if (current === undefined || recorded.size !== files.length) return false;
  return files.every((file) => {
    const [entry, state] = [recorded.get(file.path), stateOf(file)];
    return entry?.sha256 === state.sha256 && entry.mode === state.mode && entry.owner === state.owner;
  });
}

/** Whether `apply` would do anything on this node. */
export function nodeChanges({ changes, recorded, kubelet, unfinished }: NodePlan): boolean {
  return changes.length > 0 || !recorded || kubelet !== 'none' || unfinished !== undefined;
}

/** Whether `apply` would do anything at all: `plan` exits with status 2 then. */
export function planChanges(plan: Plan): boolean {
  return allPlans(plan).some(nodeChanges) || plan.served.length > 0 || Boolean(plan.objects?.length);
}

/** Of all machines: the masters first. */
export function allPlans({ nodes, plainNodes }: Pick<Plan, 'nodes' | 'plainNodes'>): readonly NodePlan[] {
  return [...nodes, ...plainNodes];
}
