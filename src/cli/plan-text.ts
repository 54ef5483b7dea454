import { AT_ONCE } from '../rollout/plain/order.ts';
import { allPlans, nodeChanges, planChanges } from '../rollout/plan/plan-node.ts';
import { certificateName } from '../rollout/plan/renewal.ts';
import type { NodePlan, Plan } from '../rollout/plan.ts';
import { count } from './format.ts';
import { nodeSections, type TextOptions } from './plan-nodes.ts';
import { objectLines } from './plan-objects.ts';
import { servedLines } from './plan-served.ts';
import { printable } from './printable.ts';
import { wrap } from './wrap.ts';

export interface PlanTextOptions extends TextOptions {
  /** The last line only. */
  readonly quiet: boolean;
  /** What the cluster file is called. */
  readonly clusterFile?: string;
}

/** A plan for people: what changes on each node, what restarts and why, in which order, and how much quorum is left. */
export function planText(plan: Plan, options: PlanTextOptions): string {
  const last = wrap(planChanges(plan) ? summary(plan) : nothing(plan, options), options.columns).join('\n');
  if (options.quiet) return last;
  const { columns, color } = options;
  // where nothing changes anywhere, only that which is amiss is said of a node
  const told = planChanges(plan) ? allPlans(plan) : allPlans(plan).filter(isAmiss);
  const label = (name: string, text: string) => wrap(printable(text), columns, name.padEnd(9));
  const rows = planChanges(plan)
    ? [
        ...expiredLines(plan).flatMap((text) => label('expired', text)),
        ...orderText(plan).flatMap((text) => label('order', text)),
        ...plainOrderText(plan).flatMap((text) => label('order', text)),
        ...quorumText(plan).flatMap((text) => label('etcd', text)),
        ...servedLines(plan.served, columns),
        ...(plan.objects ? objectLines(plan.objects, color) : waitingObjects(plan)),
      ]
    : [];
  return [...nodeSections(told, options), ...(rows.length ? [rows.join('\n')] : []), last].join('\n\n');
}

/** Where no API answers and no master changes, none is waited for. */
function waitingObjects({ nodes }: Plan): readonly string[] {
  return nodes.some(nodeChanges) ? ['objects  all are applied once the API answers'] : [];
}

function isAmiss({ strays, drift }: NodePlan): boolean {
  return strays.length > 0 || drift.length > 0;
}

function nothing(plan: Plan, { clusterFile = 'cluster.yaml' }: PlanTextOptions): string {
  const nodes = allPlans(plan);
  const byRevision = new Map<string, string[]>();
  for (const { node, currentRevision } of nodes) {
    const revision = String(currentRevision);
    byRevision.set(revision, [...(byRevision.get(revision) ?? []), node]);
  }
  const [only, ...more] = byRevision;
  const are = more.length
    ? [...byRevision].map(([revision, names]) => `${names.join(', ')} at revision ${revision}`).join('; ')
    : `${count(nodes.length, 'node')} ${nodes.length === 1 ? 'is' : 'are'} at revision ${only?.[0]}`;
  return `nothing to do: ${are}, as ${clusterFile} says`;
}

/** What has expired, nodes with the same in one line. */
function expiredLines({ expired }: Plan): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const [node, { certificates, kubelet }] of expired) {
    const names = certificates.map(({ path }) => certificateName(path));
    const own = kubelet === 'own' ? ['that which the kubelet got by itself'] : [];
    const text = [...names, ...own].sort().join(', ');
    groups.set(text, [...(groups.get(text) ?? []), node]);
  }
  return [...groups].map(([text, nodes]) => `certificates of ${nodes.join(', ')}: ${text}`);
}

function orderText({ mode, nodes, leader, unwell }: Plan): readonly string[] {
  const changed = nodes.filter(nodeChanges).map(({ node }) => node);
  if (!changed.length) return [];
  if (mode === 'first-boot') return changed.length > 1 ? [`all together: ${changed.join(', ')} (first boot)`] : [];
  if (mode === 'cold-start') {
    return [`all together: ${changed.join(', ')} (nothing answers anywhere, so there is no quorum to lose)`];
  }
  if (mode === 'renewal') {
    return changed.length > 1
      ? [
          `all together: ${changed.join(', ')} (members with new certificates and with expired ones do not speak to each other)`,
        ]
      : [];
  }
  const names = changed.map((node) => {
    const fault = unwell.get(node);
    return fault === undefined ? node : `${node} (${fault})`;
  });
  if (changed.length === 1 && !unwell.has(changed[0] ?? '')) return [];
  const isLast = changed.length > 1 && changed.at(-1) === leader;
  return [`${changed.length > 1 ? 'one at a time: ' : ''}${names.join(', ')}${isLast ? ' (etcd leader last)' : ''}`];
}

/** Plain nodes stand behind the masters and depend on nobody: one shows that it works, then a few go at a time. */
function plainOrderText({ nodes, plainNodes }: Plan): readonly string[] {
  const [first, ...others] = plainNodes.filter(nodeChanges).map(({ node }) => node);
  if (first === undefined) return [];
  const after = nodes.some(nodeChanges) ? 'after the masters ' : '';
  if (!others.length) return after ? [`${after}${first}`] : [];
  return [`${after}${first}, then up to ${AT_ONCE} at a time: ${others.join(', ')}`];
}

function quorumText({ mode, nodes, quorum: { members, needed, before, during } }: Plan): readonly string[] {
  if (!members) return [];
  const numbers = `${count(members, 'member')}, ${needed} needed`;
  if (mode === 'first-boot') return [members > 1 ? `${numbers}: they start together` : 'one member starts'];
  if (mode === 'cold-start') return [`${numbers}, none up now`];
  if (mode === 'renewal') return [`${numbers}, ${before || 'none'} to be seen up now; none restarts`];
  if (!nodes.some(({ pods }) => pods.some(({ pod }) => pod === 'etcd'))) {
    return [`${numbers}, ${before} up, none restarts`];
  }
  if (members === 1) return ['one member: the API is away while it restarts'];
  if (during >= needed) return [`${numbers}, never fewer than ${during} up`];
  return [`${numbers}, ${before} up now; with ${during} up meanwhile etcd would lose its quorum`];
}

/** `3 nodes change; restarts: kube-apiserver on each; nothing else stops`. */
function summary(plan: Plan): string {
  const { served, objects } = plan;
  const changed = allPlans(plan).filter(nodeChanges);
  const files = changed.reduce((sum, { changes }) => sum + changes.length, 0);
  const parts = [
    changed.length
      ? `${count(changed.length, 'node')} ${changed.length === 1 ? 'changes' : 'change'}${files ? ` (${count(files, 'file')})` : ''}`
      : 'no node changes',
    ...happenings(changed),
    ...(served.length ? [`other pods by URL for ${count(served.length, 'node')}`] : []),
    ...(objects?.length ? [`${count(objects.length, 'API object')} applied`] : []),
  ];
  return parts.join('; ');
}

const KINDS = { start: 'starts', restart: 'restarts', stop: 'stops' } as const;

function happenings(nodes: readonly NodePlan[]): readonly string[] {
  const found = {
    start: new Map<string, string[]>(),
    restart: new Map<string, string[]>(),
    stop: new Map<string, string[]>(),
  };
  const note = (kind: keyof typeof KINDS, what: string, node: string) =>
    found[kind].set(what, [...(found[kind].get(what) ?? []), node]);
  for (const { node, kubelet, pods } of nodes) {
    if (kubelet !== 'none') note(kubelet === 'start' ? 'start' : 'restart', 'kubelet', node);
    for (const { pod, kind } of pods) note(kind, pod, node);
  }
  const where = (names: readonly string[]) =>
    nodes.length > 1 && names.length === nodes.length ? 'on each' : `on ${names.join(', ')}`;
  const texts = (['start', 'restart', 'stop'] as const).flatMap((kind) => {
    const byPlace = new Map<string, string[]>();
    for (const [what, names] of found[kind]) byPlace.set(where(names), [...(byPlace.get(where(names)) ?? []), what]);
    const list = [...byPlace].map(([place, whats]) => `${whats.join(', ')} ${place}`).join('; ');
    return list ? [`${KINDS[kind]}: ${list}`] : [];
  });
  if (!nodes.length) return [];
  if (found.restart.size || found.stop.size) return [...texts, 'nothing else stops'];
  return [...texts, ...(texts.length ? ['nothing stops'] : ['nothing restarts'])];
}
