import { normalize } from 'node:path/posix';
import { errorAt, type Fault, uniqueFaults, warningAt } from '../../base/fault.ts';
import type { NodeFile, StaticPodSource } from '../../spec/cluster.ts';
import { asText } from '../../spec/read-tree.ts';
import { setAt, type Tree, toJson } from '../../spec/tree.ts';
import type { NodeInput } from '../context.ts';
import type { JsonMap } from '../json.ts';
import type { Listener } from '../listeners.ts';
import { hasApi } from '../view/common.ts';
import { isWithin } from '../view/host-dirs.ts';
import { checkPod } from './check-pod.ts';
import { checkProvable } from './check-provable.ts';
import { checkTogether } from './check-together.ts';
import { othersOn } from './control-plane.ts';
import { type ReadPods, readPods, readPodTrees } from './read-pods.ts';
import type { StaticPod, Via } from './static-pod.ts';

/** Sources are the same objects for all nodes: each is read once. */
const memory = new WeakMap<StaticPodSource, ReadPods>();

/** A pod of the user's on one of its nodes. */
export interface PlannedStaticPod {
  readonly pod: StaticPod;
  readonly via: Via;
  /** Kept on the node, but not run. */
  readonly isStopped: boolean;
}

/**
 * The user's pods of one node, and everything that is wrong with them there. A stopped one has to be as right as another:
 * to start it, nothing but its place changes.
 * @param listeners of what this program runs on the node
 * @param rendered paths of what it puts there by itself
 */
export function planStaticPods(
  { cluster, node }: NodeInput,
  listeners: readonly Listener[],
  rendered: readonly string[],
): { readonly pods: readonly PlannedStaticPod[]; readonly faults: readonly Fault[] } {
  const read = node.staticPods.map(({ source, isStopped }) => ({ ...remembered(source), via: source.via, isStopped }));
  const pods = read.flatMap(({ pods: found, via, isStopped }) => found.map((pod) => ({ pod, via, isStopped })));
  if (!read.length) return { pods, faults: [] };
  const isMaster = node.role === 'master';
  const standsAlone = !hasApi(cluster);
  const where = { node: node.name, minor: cluster.version.minor, standsAlone };
  const faults = [
    ...read.flatMap((one) => one.faults),
    ...pods.flatMap(({ pod, via }) => {
      // what comes by URL, or to a plain node, is proven on the node itself
      const proof = { byMirror: isMaster && via === 'file', standsAlone };
      return withoutWeaker([...checkPod(pod, { ...where, via }), ...checkProvable(pod, proof)]);
    }),
    ...pods.flatMap(({ pod }) => checkReplaced(pod, rendered)),
    ...checkTogether(
      pods.map((placed) => ({ ...placed, node: node.name })),
      othersOn(node, listeners),
    ),
  ];
  return { pods, faults };
}

/**
 * The files with which a pod begins anew, since it may have read them long ago: those of the user's that it mounts. Not
 * what is rendered: certificates must be renewed without a restart of anything.
 */
export function startFilesOf(pod: StaticPod, files: readonly NodeFile[]): ReadonlySet<string> {
  const mounts = mountsOf(pod);
  return new Set(files.flatMap(({ path }) => (mounts.some((mount) => isWithin(path, mount.path)) ? [path] : [])));
}

/** A bind mount of one file goes on showing that very file after another has been renamed to its place. */
function checkReplaced(pod: StaticPod, rendered: readonly string[]): readonly Fault[] {
  return mountsOf(pod)
    .filter(({ path }) => rendered.includes(path))
    .map(({ path, at }) =>
      warningAt(at, `once ${path} is replaced, the container still sees the old one`, 'mount its directory instead'),
    );
}

function mountsOf({ hostPaths }: StaticPod): StaticPod['hostPaths'] {
  return hostPaths.map((mount) => ({ ...mount, path: normalize(mount.path).replace(/(?<=.)\/$/, '') }));
}

/** The pods of an entry of `spec.staticPods`, which was checked before. */
export function podsOfSource(source: StaticPodSource): readonly StaticPod[] {
  return remembered(source).pods;
}

function remembered(source: StaticPodSource): ReadPods {
  const known = memory.get(source) ?? readSource(source);
  memory.set(source, known);
  return known;
}

function readSource({ from, name }: StaticPodSource): ReadPods {
  const read = from.kind === 'file' ? readPods(from) : readPodTrees([from.tree]);
  if (!name) return read;
  const [pod, second] = read.pods;
  if (second) {
    const problem = `${read.pods.length} pods come from this, and they cannot all have one name`;
    return { pods: read.pods, faults: [...read.faults, errorAt(name, problem, 'give them an entry each, or no name')] };
  }
  return { pods: pod ? [renamed(pod, name)] : [], faults: read.faults };
}

function renamed(pod: StaticPod, name: Tree): StaticPod {
  const tree = setAt(pod.tree, ['metadata', 'name'], name);
  return { ...pod, name: asText(name) ?? pod.name, tree, manifest: toJson(tree) as JsonMap };
}

/** Of what is said of one place twice, as a warning and as an error, only the error. */
function withoutWeaker(faults: readonly Fault[]): readonly Fault[] {
  const refused = new Set(faults.flatMap(({ severity, at }) => (severity === 'error' && at ? [at.path] : [])));
  return uniqueFaults(faults.filter(({ severity, at }) => severity === 'error' || !at || !refused.has(at.path)));
}
