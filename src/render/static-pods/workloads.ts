import { errorAt, type Fault, type Located, warningAt } from '../../base/fault.ts';
import { asList } from '../../spec/read-tree.ts';
import { at, locate, type MapTree, type Segment, type Tree } from '../../spec/tree.ts';
import { isSetAt, isTrueAt, keysAt, numberAt, textAt } from './parts.ts';

/** How an object with a pod template becomes one pod on each of its nodes. */
export interface Workload {
  readonly apiVersion: string;
  readonly template: readonly Segment[];
  /** What it cannot mean as a static pod. */
  readonly refuse?: (tree: Tree) => readonly Fault[];
  /** What the controller does that nobody does for a static pod; undefined where it is nothing. */
  readonly lost: (tree: Tree) => string | undefined;
}

const TEMPLATE = ['spec', 'template'] as const;

export const WORKLOADS: ReadonlyMap<string, Workload> = new Map<string, Workload>([
  ['Deployment', { apiVersion: 'apps/v1', template: TEMPLATE, refuse: refuseNone, lost: lostReplicas }],
  ['ReplicaSet', { apiVersion: 'apps/v1', template: TEMPLATE, refuse: refuseNone, lost: lostReplicas }],
  ['ReplicationController', { apiVersion: 'v1', template: TEMPLATE, refuse: refuseNone, lost: lostReplicas }],
  ['DaemonSet', { apiVersion: 'apps/v1', template: TEMPLATE, lost: lostOfDaemonSet }],
  ['StatefulSet', { apiVersion: 'apps/v1', template: TEMPLATE, refuse: refuseClaims, lost: lostOfStatefulSet }],
  ['Job', { apiVersion: 'batch/v1', template: TEMPLATE, refuse: refuseRuns, lost: lostOfJob }],
  ['PodTemplate', { apiVersion: 'v1', template: ['template'], lost: () => undefined }],
]);

/**
 * The pod that a controller would make of its template: under the name of the workload, with labels and annotations of
 * the template. Undefined where it has no template. Every part keeps its own place.
 */
export function podOfTemplate(tree: MapTree, { template: path }: Workload): MapTree | undefined {
  const template = at(tree, path);
  if (template?.kind !== 'map') return undefined;
  const metadata = at(tree, ['metadata']);
  const ofWorkload = pick(metadata, 'name', 'namespace');
  const ofTemplate = pick(at(template, ['metadata']), 'labels', 'annotations');
  const scalar = (key: string, value: string): Tree => ({
    kind: 'scalar',
    path: key,
    origin: at(tree, [key])?.origin ?? tree.origin,
    value,
    source: value,
  });
  const entries: (readonly [string, Tree])[] = [
    ['apiVersion', scalar('apiVersion', 'v1')],
    ['kind', scalar('kind', 'Pod')],
    [
      'metadata',
      {
        kind: 'map',
        ...located(metadata ?? tree, 'metadata'),
        entries: new Map([...ofWorkload, ...ofTemplate]),
      },
    ],
  ];
  const spec = at(template, ['spec']);
  if (spec) entries.push(['spec', spec]);
  return { kind: 'map', path: tree.path, origin: tree.origin, entries: new Map(entries) };
}

function located({ path, origin }: Located, fallback: string): Located {
  return { path: path || fallback, origin };
}

function pick(tree: Tree | undefined, ...names: readonly string[]): readonly (readonly [string, Tree])[] {
  return names.flatMap((name) => {
    const found = at(tree, [name]);
    return found ? [[name, found] as const] : [];
  });
}

/** The warning that names what is lost, placed at the kind. */
export function lossOf(tree: Tree, kind: string, { lost }: Workload): readonly Fault[] {
  const what = lost(tree);
  if (!what) return [];
  return [warningAt(locate(tree, ['kind']), `${kind}: as a static pod it is one pod on each of its nodes; ${what}`)];
}

function lostReplicas(tree: Tree): string {
  const count = numberAt(tree, 'spec', 'replicas') ?? 1;
  const replicas = count > 1 ? `its ${count} replicas become as many pods as there are nodes for it, ` : '';
  return `${replicas}a change stops the old pod before the new one starts, and nothing moves it to another node`;
}

function lostOfDaemonSet(tree: Tree): string {
  const update = isSetAt(tree, 'spec', 'updateStrategy') ? 'updateStrategy is ignored and ' : '';
  return `${update}the nodes are those you name, whatever its nodeSelector and tolerations say`;
}

function lostOfStatefulSet(tree: Tree): string {
  const name = textAt(tree, 'metadata', 'name');
  return `${lostReplicas(tree)}; it is not called ${name}-0, and no DNS name leads to it`;
}

function lostOfJob(tree: Tree): string {
  const ignored = keysAt(tree, 'spec').filter((key) =>
    ['backoffLimit', 'ttlSecondsAfterFinished', 'podFailurePolicy', 'successPolicy', 'activeDeadlineSeconds'].includes(
      key,
    ),
  );
  const fields = ignored.length ? `${ignored.join(', ')} ${ignored.length > 1 ? 'are' : 'is'} ignored, ` : '';
  return `${fields}nobody records that it is done, and it runs again when the machine starts or the manifest changes`;
}

/** A workload that is scaled down is one that is meant not to run. */
function refuseNone(tree: Tree): readonly Fault[] {
  if (numberAt(tree, 'spec', 'replicas') !== 0) return [];
  const hint = 'leave spec.replicas out, or do not add it';
  return [errorAt(locate(tree, ['spec', 'replicas']), 'no replica is wanted, but a static pod always runs', hint)];
}

function refuseClaims(tree: Tree): readonly Fault[] {
  const claims = asList(at(tree, ['spec', 'volumeClaimTemplates']));
  if (!claims.length) return refuseNone(tree);
  const names = claims.map((claim) => textAt(claim, 'metadata', 'name')).filter(Boolean);
  const message = `a static pod can claim no volume${names.length ? ` (${names.join(', ')})` : ''}: claims are objects of the API`;
  const hint = 'take a hostPath volume of that name in the template instead';
  return [...refuseNone(tree), errorAt(locate(tree, ['spec', 'volumeClaimTemplates']), message, hint)];
}

function refuseRuns(tree: Tree): readonly Fault[] {
  const faults = ['completions', 'parallelism'].flatMap((field) => {
    const count = numberAt(tree, 'spec', field) ?? 1;
    if (count === 1) return [];
    const message = `a static pod is one run on each of its nodes, not ${count}`;
    return [errorAt(locate(tree, ['spec', field]), message, `leave spec.${field} out`)];
  });
  if (isTrueAt(tree, 'spec', 'suspend')) {
    faults.push(errorAt(locate(tree, ['spec', 'suspend']), 'a static pod cannot be suspended', 'do not add it yet'));
  }
  return faults;
}
