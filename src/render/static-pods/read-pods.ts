import { errorAt, type Fault, uniqueFaults } from '../../base/fault.ts';
import { didYouMean } from '../../base/suggest.ts';
import { readYaml } from '../../spec/read-yaml.ts';
import { at, fromJson, locate, type MapTree, type Tree } from '../../spec/tree.ts';
import { fieldFaults } from './field-faults.ts';
import { asKubernetesReads } from './normal.ts';
import { textAt } from './parts.ts';
import { type Found, readPod } from './read-pod.ts';
import { refusedKind } from './refused-kinds.ts';
import { show } from './show.ts';
import type { StaticPod } from './static-pod.ts';
import { lossOf, podOfTemplate, WORKLOADS, type Workload } from './workloads.ts';

export interface ReadPods {
  /** Fit for use only where none of the faults is an error; until then they are there so that more can be found. */
  readonly pods: readonly StaticPod[];
  /** In file order. Of every object there is a pod or an error. */
  readonly faults: readonly Fault[];
}

/**
 * Reads manifests, YAML (also several documents) or JSON: Pods, lists of them, and what has a pod template, which is
 * split. Everything that is wrong with them as documents of Kubernetes is told at once; never throws.
 * @param file the name to use in messages
 */
export function readPods({ file, text }: { readonly file: string; readonly text: string }): ReadPods {
  const { documents, faults } = readYaml({
    file,
    text: withoutTabs(text),
    origin: (place) => ({ kind: 'file', place }),
  });
  if (faults.length) return { pods: [], faults };
  const trees = documents.filter((tree) => !isEmpty(tree));
  if (!trees.length) {
    const origin = { kind: 'file', place: { file, line: 1, column: 1 } } as const;
    return { pods: [], faults: [errorAt({ path: '', origin }, 'holds no pod: there is nothing in it')] };
  }
  return readPodTrees(trees);
}

/** The same for documents that were read already, such as a part of the cluster file. */
export function readPodTrees(trees: readonly Tree[]): ReadPods {
  const found = trees.map((tree) => readObject(tree, {}));
  return { pods: found.flatMap(({ pods }) => pods), faults: uniqueFaults(found.flatMap((one) => one.faults)) };
}

/** JSON may be indented with tabs; in no JSON text can one stand anywhere else. Columns stay what they are. */
function withoutTabs(text: string): string {
  return /^\s*[{[]/.test(text) ? text.replaceAll('\t', ' ') : text;
}

function isEmpty(tree: Tree): boolean {
  return tree.kind === 'scalar' && tree.value === null;
}

/** @param known what the list around it says of its items: those of a PodList need not say it again */
function readObject(tree: Tree, known: { readonly apiVersion?: string; readonly kind?: string }): Found {
  if (tree.kind !== 'map') return refused(errorAt(tree, `must be an object such as a Pod, not ${show(tree)}`));
  const object = {
    ...tree,
    entries: new Map([...Object.entries(known).map(([k, v]) => scalar(tree, k, v)), ...tree.entries]),
  };
  const [apiVersion, kind] = [textAt(object, 'apiVersion'), textAt(object, 'kind')];
  const missing = (['apiVersion', 'kind'] as const).filter((field) => !textAt(object, field));
  if (missing.length) {
    const hint =
      kind || !at(tree, ['spec', 'containers']) ? undefined : 'a Pod begins with "apiVersion: v1" and "kind: Pod"';
    return {
      pods: [],
      faults: missing.map((field) => {
        const value = at(object, [field]);
        return errorAt(
          locate(object, [field]),
          value && !isEmpty(value) ? `must be a text, not ${show(value)}` : 'is missing',
          hint,
        );
      }),
    };
  }
  if (known.kind && kind !== known.kind) {
    return refused(errorAt(locate(object, ['kind']), `a ${known.kind}List holds no ${kind}`, 'use kind: List'));
  }
  const isAnyList = kind === 'List';
  const itemKind = kind.replace(/List$/, '');
  const itemVersion = isAnyList ? 'v1' : versionOf(itemKind);
  if (kind.endsWith('List') && itemVersion) {
    if (apiVersion !== itemVersion) return wrongVersion(object, kind, itemVersion);
    return readList(object, isAnyList ? {} : { apiVersion: itemVersion, kind: itemKind });
  }
  const wanted = versionOf(kind);
  if (!wanted) return refused(unknownKind(object, kind));
  if (apiVersion !== wanted) return wrongVersion(object, kind, wanted);
  const workload = WORKLOADS.get(kind);
  const problems = fieldFaults(object, kind);
  const found = workload ? readWorkload(object, kind, workload) : readPod(object, locate(object, ['spec']));
  return certain(object, { pods: found.pods, faults: [...problems, ...found.faults] });
}

function scalar(parent: Tree, key: string, value: string): readonly [string, Tree] {
  return [key, fromJson(value, parent.path ? `${parent.path}.${key}` : key, parent.origin)];
}

function readList(list: MapTree, known: { readonly apiVersion?: string; readonly kind?: string }): Found {
  const items = at(list, ['items']);
  const others = [...list.entries.keys()].filter((key) => !['apiVersion', 'kind', 'metadata', 'items'].includes(key));
  const faults = others.map((key) =>
    errorAt(locate(list, [key]), 'unknown field', didYouMean(key, ['items', 'metadata'])),
  );
  if (items?.kind !== 'list' || !items.items.length) {
    const problem =
      items?.kind === 'list' || !items || isEmpty(items) ? 'holds no pod' : `must be a list, not ${show(items)}`;
    return { pods: [], faults: [...faults, errorAt(locate(list, ['items']), problem)] };
  }
  const found = items.items.map((item) => readObject(item, known));
  return { pods: found.flatMap(({ pods }) => pods), faults: [...faults, ...found.flatMap((one) => one.faults)] };
}

function readWorkload(object: MapTree, kind: string, workload: Workload): Found {
  const tree = asKubernetesReads(object);
  const problems = workload.refuse?.(tree) ?? [];
  if (problems.length) return { pods: [], faults: problems };
  const pod = tree.kind === 'map' ? podOfTemplate(tree, workload) : undefined;
  if (!pod) {
    const isThere = at(tree, workload.template) !== undefined;
    return isThere ? { pods: [], faults: [] } : refused(errorAt(locate(tree, workload.template), 'is missing'));
  }
  const found = readPod(pod, locate(tree, [...workload.template, 'spec']));
  return { pods: found.pods, faults: [...lossOf(tree, kind, workload), ...found.faults] };
}

/** Nothing is ever left out without a word. */
function certain(object: Tree, found: Found): Found {
  if (found.pods.length || found.faults.some(({ severity }) => severity === 'error')) return found;
  return { pods: [], faults: [...found.faults, errorAt(object, 'no pod could be made of this')] };
}

function versionOf(kind: string): string | undefined {
  return kind === 'Pod' ? 'v1' : WORKLOADS.get(kind)?.apiVersion;
}

function wrongVersion(object: Tree, kind: string, wanted: string): Found {
  const place = locate(object, ['apiVersion']);
  return refused(
    errorAt(place, `${kind} is in ${wanted}, not in ${show(at(object, ['apiVersion']))}`, `write ${wanted}`),
  );
}

function unknownKind(object: Tree, kind: string): Fault {
  const { message, hint } = refusedKind(kind, ['Pod', 'PodList', 'List', ...WORKLOADS.keys()]);
  return errorAt(locate(object, ['kind']), message, hint);
}

function refused(fault: Fault): Found {
  return { pods: [], faults: [fault] };
}
