import { createHash } from 'node:crypto';
import { loadUnifiedDiff } from '../../src/base/unified-diff.ts';
import type { Bundle } from '../../src/bundle/bundle.ts';
import { bundleDigest } from '../../src/bundle/bundle.ts';
import type { FileFacts, NodeFacts } from '../../src/rollout/node-facts.ts';
import { NONE_EXPIRED } from '../../src/rollout/plan/expired.ts';
import { makePlan, type PlanInput } from '../../src/rollout/plan/make-plan.ts';
import type { Situation } from '../../src/rollout/plan/order.ts';
import { pathsToRead, planNode } from '../../src/rollout/plan/plan-node.ts';
import type { NodePlan, Plan } from '../../src/rollout/plan.ts';

export const MANIFESTS = '/etc/kubernetes/manifests';
export const NOW = Date.UTC(2026, 6, 28, 12);

const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

const diff = await loadUnifiedDiff();

/** A node of which the plan sees what a `NodeAgent` would have read there. */
export interface FakeNode {
  readonly facts: NodeFacts;
  /** Everything on its disk, also secrets: a plan gets only what it asks for. */
  readonly disk: ReadonlyMap<string, Buffer>;
}

/** A machine on which nothing was ever delivered. */
export function bareNode(more: Partial<NodeFacts> = {}): FakeNode {
  return {
    disk: new Map(),
    facts: {
      hostname: 'cp',
      clock: NOW,
      uptimeSeconds: 1000,
      kubelet: { active: 'inactive', enabled: 'disabled' },
      disk: { freeBytes: 1e10, writable: true },
      hasEtcdData: false,
      files: new Map(),
      manifests: [],
      revisions: [],
      current: undefined,
      index: [],
      transaction: undefined,
      lock: undefined,
      reverted: undefined,
      ...more,
    },
  };
}

/** A node on which just this bundle was delivered as revision `current`. */
export function nodeWith(bundle: Bundle, current = 3, more: Partial<NodeFacts> = {}): FakeNode {
  const states = bundle.files.map(({ path, content, mode, owner, effect }) => ({
    path,
    sha256: sha256(content),
    mode,
    owner,
    effect: effect.kind === 'pods' && effect.kubelet ? 'pods+kubelet' : effect.kind,
  }));
  return {
    disk: new Map(bundle.files.map(({ path, content }) => [path, content])),
    facts: {
      ...bareNode().facts,
      kubelet: { active: 'active', enabled: 'enabled' },
      hasEtcdData: true,
      files: new Map(
        states.map(({ path, sha256, mode, owner }): [string, FileFacts] => [
          path,
          { type: 'file', sha256, mode, owner },
        ]),
      ),
      manifests: bundle.files.flatMap(({ path, effect }) =>
        effect.kind === 'manifest' ? [path.slice(MANIFESTS.length + 1)] : [],
      ),
      revisions: [{ number: current, digest: bundleDigest(bundle), at: '2026-07-01T00:00:00.000Z', by: 'ann@desk' }],
      current,
      index: states,
      ...more,
    },
  };
}

/** The same node after somebody has written a file there, or removed it with `undefined`. */
export function edited(node: FakeNode, path: string, content: Buffer | string | undefined, mode?: number): FakeNode {
  const [disk, files] = [new Map(node.disk), new Map(node.facts.files)];
  const before = files.get(path);
  if (content === undefined) {
    disk.delete(path);
    files.delete(path);
  } else {
    disk.set(path, Buffer.from(content));
    files.set(path, {
      type: 'file',
      sha256: sha256(content),
      mode: mode ?? before?.mode ?? 0o644,
      owner: before?.owner ?? 'root:root',
    });
  }
  const name = path.slice(MANIFESTS.length + 1);
  const others = node.facts.manifests.filter((each) => each !== name);
  const isManifest = path.startsWith(`${MANIFESTS}/`) && content !== undefined;
  return { disk, facts: { ...node.facts, files, manifests: isManifest ? [...others, name] : others } };
}

/** What is planned for a node, with nothing read there but what the plan asks for. */
export function planned(bundle: Bundle, { facts, disk }: FakeNode, now = NOW): NodePlan {
  // facts are only of files that were asked for
  const asked = new Set([...bundle.files, ...facts.index].map(({ path }) => path));
  const files = new Map([...facts.files].filter(([path]) => asked.has(path)));
  const seen = { ...facts, files };
  const contents = new Map(
    pathsToRead(bundle, seen).flatMap((path) => {
      const content = disk.get(path);
      return content ? [[path, content] as const] : [];
    }),
  );
  return planNode({ bundle, facts: seen, contents, now, diff });
}

/** The plan of a whole cluster; all is well there and the first node leads, unless said otherwise. */
export function planOf(
  bundles: readonly Bundle[],
  nodes: readonly FakeNode[],
  more: Partial<PlanInput> & { readonly etcd?: Situation['etcd'] | 'external'; readonly apis?: readonly string[] } = {},
): Plan {
  const names = bundles.map(({ node }) => node);
  const runs = new Set(names.filter((_, i) => nodes[i]?.facts.hasEtcdData));
  const { etcd = { dead: new Set(names), answering: runs, healthy: runs, leader: [...runs][0] }, apis, ...rest } = more;
  const situation: Situation = {
    nodes: bundles.map(({ node }, i) => ({ node, facts: (nodes[i] ?? bareNode()).facts, expired: NONE_EXPIRED })),
    etcd: etcd === 'external' ? undefined : etcd,
    readyApis: new Set(apis ?? runs),
  };
  return makePlan({
    cluster: 'prod',
    situation,
    nodes: bundles.map((bundle, i) => planned(bundle, nodes[i] ?? bareNode())),
    objects: runs.size ? [] : undefined,
    ...rest,
  });
}
