import { listed } from '../status/words.ts';
import { type DeclaredPod, lastingContainers } from './declared.ts';
import { mirrorOf, mirrorProblem } from './mirror-state.ts';
import { runProblem } from './run-problem.ts';
import { chosenInstance, instancesOf, runOf } from './runs.ts';
import type { NodeSeen, PodsSeen } from './seen.ts';
import { sourceOf } from './source-state.ts';
import { strayRows } from './strays.ts';
import type { PodProblem, PodRow, PodsTruth } from './truth-types.ts';

export interface Wanted {
  /** The user's pods, of all nodes. */
  readonly declared: readonly DeclaredPod[];
  /** Node → path → pod of every manifest that the node shall have, the control plane's too. */
  readonly manifests: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/**
 * What is true of the user's pods: what is declared, what the kubelet is given, what runs and what the API shows; and for
 * each disagreement a sentence that says why, and what to do. Pure; takes any combination of things seen and not seen.
 */
export function podsTruth(wanted: Wanted, seen: PodsSeen): PodsTruth {
  const parts = seen.nodes.map((node) => ofNode(wanted, node, seen));
  const rows = parts.flatMap((part) => part.rows);
  return {
    rows,
    problems: parts.flatMap(({ problems }) => problems),
    notes: [
      ...(rows.length ? unseen(seen) : []),
      ...seen.nodes
        .filter(({ isChanging }) => isChanging)
        .map(({ node }) => `${node}: a revision is being put in place, or is not confirmed yet`),
    ],
  };
}

function unseen({ nodes, mirrors }: PodsSeen): readonly string[] {
  const without = nodes.filter(({ contact, runtime }) => contact === 'reached' && runtime?.source !== 'crictl');
  const blind = without.filter(({ runtime }) => runtime?.source !== 'cgroup').map(({ node }) => node);
  const dim = without.filter(({ runtime }) => runtime?.source === 'cgroup').map(({ node }) => node);
  const why = without.flatMap(({ runtime }) => runtime?.problem ?? [])[0];
  const reason = why === undefined ? 'there is no crictl' : `crictl says "${why}"`;
  return [
    ...(blind.length ? [`what runs on ${listed(blind)} cannot be seen: ${reason}`] : []),
    ...(dim.length ? [`what runs on ${listed(dim)} is told by cgroups, without its manifest: ${reason}`] : []),
    ...(mirrors.kind === 'silent' ? [`mirror pods cannot be seen: ${mirrors.why}`] : []),
  ];
}

interface Part {
  readonly rows: readonly PodRow[];
  readonly problems: readonly PodProblem[];
}

function ofNode(wanted: Wanted, seen: NodeSeen, all: PodsSeen): Part {
  const { node, contact } = seen;
  const mine = wanted.declared.filter((pod) => pod.node === node);
  if (contact !== 'reached') {
    const todo = contact.hint ?? 'what runs there goes on; look again once it answers';
    const what = `cannot be reached: ${contact.why}`;
    return {
      rows: mine.map((declared) => unreachedRow(declared, seen, all)),
      problems: [{ code: 'unreachable', node, pod: undefined, what, todo }],
    };
  }
  const parts = [
    ...mine.map((pod) => ofPod(pod, seen, all)),
    strayRows(mine, wanted.manifests.get(node) ?? new Map(), seen, all),
  ];
  const rows = parts.flatMap((part) => part.rows);
  return { rows, problems: parts.flatMap((part) => part.problems) };
}

function unreachedRow(declared: DeclaredPod, seen: NodeSeen, { mirrors }: PodsSeen): PodRow {
  const { node } = seen;
  const run = runOf(undefined, undefined, [], 0);
  return {
    node,
    pod: declared.called,
    declared,
    source: 'unknown',
    path: declared.file?.path,
    run,
    mirror: mirrorOf(declared.called, run, node, mirrors),
  };
}

function ofPod(declared: DeclaredPod, seen: NodeSeen, all: PodsSeen): Part {
  const { node } = seen;
  const { called } = declared;
  const source = sourceOf(declared, seen, all.published);
  const instances = instancesOf(seen.runtime, node, declared);
  const own = instances.filter(({ configSource }) => configSource === undefined || configSource === declared.via);
  const instance = chosenInstance(own.length ? own : instances, source.digest);
  const run = runOf(seen.runtime, instance, lastingOf(declared, seen), seen.clock);
  const mirror = mirrorOf(called, run, node, all.mirrors);
  const path = seen.manifests.find(({ pod }) => pod === called)?.path ?? declared.file?.path;
  const trouble = runProblem(called, declared, source, run, seen, all.mirrors.kind);
  const found = [
    source.problem,
    trouble,
    ...twice(declared, seen, instances),
    mirrorProblem(called, mirror, run, seen, all.mirrors, trouble !== undefined),
  ];
  return {
    rows: [
      {
        node,
        pod: called,
        declared,
        source: source.state,
        path: source.state === 'by URL' ? undefined : path,
        run,
        mirror,
      },
    ],
    problems: found.flatMap((problem) => (problem ? [{ ...problem, node, pod: called }] : [])),
  };
}

/** The containers of the manifest that runs, as far as it is known. */
function lastingOf(declared: DeclaredPod, seen: NodeSeen): readonly string[] {
  const there = seen.manifests.find(({ pod }) => pod === declared.called);
  return there?.containers.length ? there.containers : lastingContainers(declared.manifest);
}

/** Others that bring a pod of this name. */
function twice(
  declared: DeclaredPod,
  seen: NodeSeen,
  instances: ReturnType<typeof instancesOf>,
): readonly Omit<PodProblem, 'node' | 'pod'>[] {
  const { node } = seen;
  const files = seen.manifests.filter(({ pod }) => pod === declared.called).map(({ path }) => path);
  const others = files.filter((path) => !seen.index.has(path) && path !== declared.file?.path);
  const sources = new Set(instances.filter(({ ready }) => ready).map(({ configSource }) => configSource));
  const second = others.filter(() => files.length > 1 || declared.via === 'http');
  return [
    ...(second.length
      ? [
          {
            code: 'two-sources',
            what: `${second.length > 1 ? 'other files declare' : 'a second file declares'} it: ${listed(second)}${files.length > 1 ? '; the kubelet takes the last by name' : ''}`,
            todo: `remove ${second.length > 1 ? 'them' : 'it'} on ${node}`,
          } as const,
        ]
      : []),
    ...(sources.has('file') && sources.has('http') && !second.length
      ? [
          {
            code: 'two-sources',
            what: 'runs twice, by file and by URL',
            todo: `\`bootstrap apply --node ${node}\`; two pods of one name fight for their ports`,
          } as const,
        ]
      : []),
  ];
}
