import { MANIFESTS, STOPPED_PODS } from '../../render/layout.ts';
import { manifestFile, podCalled, podNamed, podOfFile } from '../../render/static-pods/manifest-file.ts';
import type { RuntimePod } from '../runtime-pods.ts';
import type { DeclaredPod } from './declared.ts';
import { mirrorOf } from './mirror-state.ts';
import { runProblem } from './run-problem.ts';
import { chosenInstance, instancesOf, runOf } from './runs.ts';
import type { ManifestSeen, NodeSeen, PodsSeen } from './seen.ts';
import { polls } from './source-state.ts';
import type { PodProblem, PodRow, SourceState } from './truth-types.ts';

interface Part {
  readonly rows: readonly PodRow[];
  readonly problems: readonly PodProblem[];
}

type Found = Omit<PodProblem, 'node' | 'pod'>;

/**
 * Pods of the user's on a node that was reached, which its cluster file does not declare.
 * @param mine those that it declares there
 * @param wanted path → pod of every manifest that the node shall have, the control plane's too
 */
export function strayRows(
  mine: readonly DeclaredPod[],
  wanted: ReadonlyMap<string, string>,
  seen: NodeSeen,
  all: PodsSeen,
): Part {
  const own = new Set(mine.map(({ called }) => called));
  const others = new Set([...wanted.values()].filter((pod) => !own.has(pod)));
  const known = new Set([...wanted.keys(), ...mine.map(manifestFile)]);
  const files = seen.manifests.filter(({ path }) => !known.has(path));
  const unreadable = files.filter(({ pod }) => pod === undefined);
  const clashing = files.filter(({ pod }) => pod !== undefined && others.has(pod));
  const strayFiles = files.filter(({ pod }) => pod !== undefined && !others.has(pod) && !own.has(pod));
  const byPod = new Map(strayFiles.map((file) => [file.pod ?? '', file]));
  const taken = new Set([...own, ...others, ...byPod.keys()]);
  const kept = [...seen.index.keys()].filter(
    (path) => path.startsWith(`${STOPPED_PODS}/`) && seen.files.has(path) && !taken.has(podOfFile(path)),
  );
  for (const path of kept) taken.add(podOfFile(path));
  const parts = [
    ...[...byPod].map(([pod, file]) => ofFile(pod, file, strayFiles, seen, all)),
    ...kept.map((path) => ofKept(path, seen, all)),
    ...ofRuntime(taken, seen, all),
  ];
  return {
    rows: parts.flatMap(({ rows }) => rows),
    problems: [
      ...unreadable.map(({ path }) => unreadableFile(path, seen)),
      ...clashing.map(({ path, pod }) => clash(path, pod ?? '', seen)),
      ...parts.flatMap(({ problems }) => problems),
    ],
  };
}

function ofFile(
  pod: string,
  { path, digest, containers }: ManifestSeen,
  strayFiles: readonly ManifestSeen[],
  seen: NodeSeen,
  all: PodsSeen,
): Part {
  const { node } = seen;
  const run = runOf(
    seen.runtime,
    chosenInstance(instancesOf(seen.runtime, node, podNamed(pod)), digest),
    containers,
    seen.clock,
  );
  const isOurs = seen.index.has(path);
  const before = strayFiles.filter((file) => file.pod === pod && file.path !== path);
  const found: readonly (Found | undefined)[] = [
    isOurs
      ? {
          code: 'not-applied',
          what: 'is no longer in the cluster file, but that is not applied yet',
          todo: `\`bootstrap apply --node ${node}\` ends it`,
        }
      : {
          code: 'undeclared',
          what: `${run.state === 'absent' ? 'is' : 'runs, but is'} in no cluster file: stray file ${path}`,
          todo: `remove it on ${node}, or \`bootstrap pods add\` its manifest and remove it then`,
        },
    before.length
      ? {
          code: 'two-sources',
          what: `${before.map((file) => file.path).join(', ')} declares it too; the kubelet takes the last by name`,
          todo: `remove one on ${node}`,
        }
      : undefined,
    runProblem(pod, undefined, { isGiven: true, digest, state: 'stray' }, run, seen, all.mirrors.kind),
  ];
  return part(pod, isOurs ? 'left' : 'stray', path, run, found, seen, all);
}

function ofKept(path: string, seen: NodeSeen, all: PodsSeen): Part {
  const pod = podOfFile(path);
  const run = runOf(
    seen.runtime,
    chosenInstance(instancesOf(seen.runtime, seen.node, podNamed(pod)), undefined),
    [],
    seen.clock,
  );
  const found: Found = {
    code: 'not-applied',
    what: 'is no longer in the cluster file, but is still kept on the node, stopped',
    todo: `\`bootstrap apply --node ${seen.node}\` removes it`,
  };
  return part(pod, 'left', path, run, [found], seen, all);
}

/** What runs without a file that declares it. */
function ofRuntime(taken: ReadonlySet<string>, seen: NodeSeen, all: PodsSeen): readonly Part[] {
  const { node, runtime } = seen;
  const suffix = `-${node.toLowerCase()}`;
  const found = new Map<string, RuntimePod>();
  for (const pod of runtime?.pods ?? []) {
    const called = podCalled(pod.namespace, pod.name.slice(0, -suffix.length));
    if (isStatic(pod) && pod.ready && pod.name.endsWith(suffix) && !taken.has(called) && !found.has(called))
      found.set(called, pod);
  }
  return [...found].map(([called, pod]) => {
    const run = runOf(runtime, pod, [], seen.clock);
    const isServed = all.published?.get(node)?.has(called) === true && polls(seen);
    if (pod.configSource !== 'http') {
      const problem = runProblem(
        called,
        undefined,
        { isGiven: false, digest: undefined, state: 'missing' },
        run,
        seen,
        all.mirrors.kind,
      );
      return part(called, 'missing', undefined, run, [problem], seen, all);
    }
    const problem: Found = isServed
      ? {
          code: 'not-applied',
          what: 'is no longer in the cluster file, but still served',
          todo: `\`bootstrap apply --node ${node}\` ends it`,
        }
      : {
          code: 'undeclared',
          what: 'runs by URL, but is in no cluster file',
          todo: polls(seen)
            ? 'it ends at the next poll of the server; else see what that serves'
            : `see staticPodURL of the kubelet on ${node}`,
        };
    return part(called, isServed ? 'left' : 'stray', undefined, run, [problem], seen, all);
  });
}

/** A static pod's UID is a hash of its manifest; the API's have dashes. */
function isStatic({ configSource, uid }: RuntimePod): boolean {
  return configSource === undefined ? /^[0-9a-f]{32}$/.test(uid) : configSource !== 'api';
}

function part(
  pod: string,
  source: SourceState,
  path: string | undefined,
  run: PodRow['run'],
  found: readonly (Found | undefined)[],
  { node }: NodeSeen,
  { mirrors }: PodsSeen,
): Part {
  const mirror = mirrorOf(pod, run, node, mirrors);
  return {
    rows: [{ node, pod, declared: undefined, source, path, run, mirror }],
    problems: found.flatMap((problem) => (problem ? [{ ...problem, node, pod }] : [])),
  };
}

function unreadableFile(path: string, { node }: NodeSeen): PodProblem {
  return {
    code: 'undeclared',
    node,
    pod: undefined,
    what: `${path} is no pod that the kubelet can read; it runs every file in ${MANIFESTS} that it can`,
    todo: `remove it on ${node}`,
  };
}

function clash(path: string, pod: string, { node }: NodeSeen): PodProblem {
  return {
    code: 'two-sources',
    node,
    pod,
    what: `a second file declares it: ${path}; the kubelet takes the last by name`,
    todo: `remove it on ${node}`,
  };
}
