import type { Plan } from '../plan.ts';
import {
  type DocumentFile,
  type DocumentNode,
  type DocumentState,
  type PlanDocument,
  planDocument,
} from './plan-document.ts';
import { readPlanDocument } from './read-plan-document.ts';

/**
 * What is another now than when the plan file was made, a sentence each; empty where the plan still holds. Not counted
 * is what `apply` looks at by itself before each step: health, leader, order; nor the days that certificates have left.
 * @param plan the plan as it would be made now
 * @param clusterDigest that of the cluster file now, as in `PlanOrigin`
 */
export function movedSince(document: PlanDocument, plan: Plan, clusterDigest: string): readonly string[] {
  const now = readPlanDocument(planDocument(plan, { clusterDigest, at: '', by: '' }));
  if (now.cluster !== document.cluster) return [`the plan is for cluster "${document.cluster}", not "${now.cluster}"`];
  const source = now.clusterDigest === document.clusterDigest ? 'the PKI, or this program' : 'the cluster file';
  const [then, today] = [byName(document.nodes), byName(now.nodes)];
  return [
    ...(now.mode === document.mode ? [] : [`it was a ${document.mode} then, it is a ${now.mode} now`]),
    ...[...then.keys()].filter((name) => !today.has(name)).map((name) => `${name}: is not among the nodes any more`),
    ...[...today].flatMap(([name, node]) => {
      const before = then.get(name);
      return before ? nodeMoved(before, node, source) : [`${name}: was not among the nodes then`];
    }),
    ...objectsMoved(document, now),
  ];
}

const byName = (nodes: readonly DocumentNode[]) => new Map(nodes.map((node) => [node.node, node] as const));

function nodeMoved(then: DocumentNode, now: DocumentNode, source: string): readonly string[] {
  const say = (text: string) => `${now.node}: ${text}`;
  const [before, after] = [differing(then, now, 'before'), differing(then, now, 'after')];
  const strays = {
    come: now.strays.filter((path) => !then.strays.includes(path)),
    gone: then.strays.filter((path) => !now.strays.includes(path)),
  };
  const onNode = [
    ...(then.revision === now.revision ? [] : [say(`${revision(then.revision)} then, ${revision(now.revision)} now`)]),
    ...(then.unfinished === now.unfinished ? [] : [say(unfinished(then.unfinished, now.unfinished))]),
    ...(before.length ? [say(`files have changed on the node: ${few(before)}`)] : []),
    ...(strays.come.length ? [say(`new in the manifests directory: ${few(strays.come)}`)] : []),
    ...(strays.gone.length ? [say(`gone from the manifests directory: ${few(strays.gone)}`)] : []),
  ];
  return [
    ...onNode,
    // something that shows in no change, such as a file that was not to be touched
    ...(then.observed !== now.observed && !onNode.length ? [say('its files are not as they were')] : []),
    ...(then.digest === now.digest ? [] : [say(wantedMoved(after, source))]),
  ];
}

function wantedMoved(paths: readonly string[], source: string): string {
  return `what is wanted has changed, with ${source}${paths.length ? `: ${few(paths)}` : ''}`;
}

const revision = (number: number | undefined): string => (number === undefined ? 'no revision' : `revision ${number}`);

function unfinished(then: number | undefined, now: number | undefined): string {
  if (now === undefined) return `revision ${then} was under way then`;
  return `revision ${now} is under way now`;
}

/** Paths whose state before, or after, the change is another one in the two plans. */
function differing(then: DocumentNode, now: DocumentNode, side: 'before' | 'after'): readonly string[] {
  const [old, current] = [byPath(then.files), byPath(now.files)];
  const isWantedMoved = then.digest !== now.digest;
  // a file that only one plan changes has become on the node what was wanted, or is wanted as it was on the node
  const isOfThisSide = side === 'after' ? isWantedMoved : !isWantedMoved && then.observed !== now.observed;
  return [...new Set([...old.keys(), ...current.keys()])].sort().filter((path) => {
    const [a, b] = [old.get(path), current.get(path)];
    return a && b ? stateKey(a[side]) !== stateKey(b[side]) : isOfThisSide;
  });
}

const byPath = (files: readonly DocumentFile[]) => new Map(files.map((file) => [file.path, file] as const));

const stateKey = (state: DocumentState | undefined): string =>
  state ? `${state.sha256} ${state.mode} ${state.owner}` : '';

function objectsMoved(then: PlanDocument, now: PlanDocument): readonly string[] {
  if (!then.objects || !now.objects) {
    return Boolean(then.objects) === Boolean(now.objects)
      ? []
      : [now.objects ? 'the API answers now' : 'the API does not answer now'];
  }
  const key = ({ kind, object, fields }: { kind: string; object: string; fields: readonly string[] }) =>
    `${object}\n${kind} ${fields.join(' ')}`;
  const [old, current] = [new Set(then.objects.map(key)), new Set(now.objects.map(key))];
  const differ = [...old].filter((each) => !current.has(each)).concat([...current].filter((each) => !old.has(each)));
  const names = [...new Set(differ.map((each) => each.split('\n')[0] ?? ''))];
  return names.length ? [`API objects have changed: ${few(names)}`] : [];
}

const SHOWN = 5;

function few(items: readonly string[]): string {
  const rest = items.length - SHOWN;
  return rest > 1 ? `${items.slice(0, SHOWN).join(', ')} and ${rest} more` : items.join(', ');
}
