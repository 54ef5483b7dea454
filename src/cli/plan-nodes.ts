import { posix } from 'node:path';
import { nodeChanges } from '../rollout/plan/plan-node.ts';
import type { FileChange, NodePlan, PodChange } from '../rollout/plan.ts';
import { paintedDiff } from './diff-text.ts';
import { count } from './format.ts';
import type { Io } from './io.ts';
import { fileText, fingerprintWords } from './plan-file.ts';
import { printable } from './printable.ts';
import { wrap } from './wrap.ts';

export interface TextOptions {
  readonly color: Io['color'];
  readonly columns: number;
  /** Every file, every diff, all of every certificate. */
  readonly verbose: boolean;
}

const MARK = { create: '+', change: '~', remove: '-' } as const;
const PAINT = { create: 'green', change: 'yellow', remove: 'red' } as const;
/** So many new files on a node are counted instead of listed. */
const FEW = 8;

/** Nodes on which just the same happens, under one heading. */
export function nodeSections(nodes: readonly NodePlan[], options: TextOptions): readonly string[] {
  const groups = new Map<string, NodePlan[]>();
  for (const node of nodes) {
    const key = JSON.stringify([revisionText(node), ...sameness(node, options.verbose)]);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  const shown = new Map<string, string>();
  return [...groups.values()].map((group) => section(group, shown, options).join('\n'));
}

/** All that is said of a node. */
function sameness(plan: NodePlan, verbose: boolean): readonly unknown[] {
  const { changes, pods, kubelet, kubeletWhy, drift, strays, clashes, recorded, unfinished } = plan;
  // those that are only counted may differ: certificates name their node
  const counted = folds(plan, verbose) ? isNew : () => false;
  const files = changes.map((change) => (counted(change) ? change.path : fileText(change, pods, verbose).key));
  return [files, pods, kubelet, kubeletWhy, drift, strays, clashes, recorded, unfinished];
}

function revisionText(plan: NodePlan): string {
  const { currentRevision } = plan;
  if (currentRevision === undefined) return 'first delivery';
  return `revision ${currentRevision}${nodeChanges(plan) ? ' → new' : ', nothing to change'}`;
}

function section(group: readonly NodePlan[], shown: Map<string, string>, options: TextOptions): string[] {
  const [plan] = group;
  if (!plan) return [];
  const { color, columns } = options;
  const names = group.map(({ node }) => node).join(', ');
  const say = (text: string) => wrap(printable(text), columns, '  ', 6);
  const warn = (text: string) =>
    wrap(printable(text), columns, '  ! ').map((line) => line.replace('  !', `  ${color.yellow('!')}`));
  return [
    `${color.bold(names)}  ${revisionText(plan)}`,
    ...unfinishedText(plan).flatMap(warn),
    ...plan.drift.flatMap(({ path, detail }) => warn(driftText(plan, path, detail))),
    ...strayTexts(plan).flatMap(warn),
    ...fileLines(group, plan, shown, options),
    ...restartTexts(plan).flatMap(say),
  ];
}

function unfinishedText({ unfinished }: NodePlan): readonly string[] {
  if (!unfinished) return [];
  const { revision, state } = unfinished;
  const how =
    state === 'placed'
      ? 'is in place, but nobody has confirmed it'
      : state === 'placing'
        ? 'is in place in parts: whoever put it there was interrupted'
        : 'was being prepared when that was interrupted';
  return [`revision ${revision} ${how}; apply settles that`];
}

function driftText({ changes, currentRevision }: NodePlan, path: string, detail: string): string {
  const isSetRight = changes.some((change) => change.path === path && change.after);
  return `drift since revision ${currentRevision}: ${path} ${detail}${isSetRight ? '; apply sets it right' : ''}`;
}

function strayTexts({ strays, clashes }: NodePlan): readonly string[] {
  return strays.map((path) => {
    const clash = clashes.find((each) => each.path === path);
    if (!clash) return `${path} is not bootstrap's, but the kubelet runs every file there`;
    const { pod, ours, wins } = clash;
    return `${path} declares the pod ${pod} as ${ours} does: the kubelet runs ${wins ? 'the stray one' : 'ours, until that is touched'}; remove it`;
  });
}

function fileLines(
  group: readonly NodePlan[],
  plan: NodePlan,
  shown: Map<string, string>,
  options: TextOptions,
): readonly string[] {
  const { changes } = plan;
  const isFolded = folds(plan, options.verbose);
  const listed = isFolded ? changes.filter((change) => !isNew(change)) : changes;
  return [
    ...(isFolded ? foldedLines(changes.filter(isNew), group.length > 1, options.color) : []),
    ...listed.flatMap((change) => oneFile(group, plan, change, shown, options)),
  ];
}

const isNew = ({ kind }: FileChange): boolean => kind === 'create';

/** New files are counted instead of listed. */
const folds = ({ changes }: NodePlan, verbose: boolean): boolean => !verbose && changes.filter(isNew).length > FEW;

/** Directories with the number of files that are new in them. */
function foldedLines(changes: readonly FileChange[], onEach: boolean, color: Io['color']): readonly string[] {
  const counts = new Map<string, number>();
  for (const { path } of changes) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1);
  const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(...rows.map(([, number]) => String(number).length));
  return [
    `  ${color.green('+')} ${count(changes.length, 'file')}${onEach ? ' on each' : ''}`,
    ...rows.map(([directory, number]) => `      ${String(number).padStart(width)}  ${printable(directory)}`),
  ];
}

function oneFile(
  group: readonly NodePlan[],
  { node, pods }: NodePlan,
  change: FileChange,
  shown: Map<string, string>,
  { color, columns, verbose }: TextOptions,
): readonly string[] {
  const text = fileText(change, pods, verbose);
  const prints = text.opaque ? fingerprintWords(change.path, group) : [];
  const first = text.below.length ? shown.get(text.key) : undefined;
  if (text.below.length && first === undefined) shown.set(text.key, node);
  const [subject, ...rest] = text.words;
  const print = prints.length === 1 ? ` ${prints[0]}` : prints.length ? ', another on each node' : '';
  const words = [
    ...(subject === undefined ? [] : [`${subject}${print}`]),
    ...rest,
    ...(first === undefined ? [] : [`as on ${first}`]),
  ].join('; ');
  const path = `  ${MARK[change.kind]} ${printable(change.path)}`;
  const fits = path.length + 2 + words.length <= columns;
  const marked = path.replace(/^ {2}./, `  ${color[PAINT[change.kind]](MARK[change.kind])}`);
  return [
    words && fits ? `${marked}  ${printable(words)}` : marked,
    ...(words && !fits ? wrap(printable(words), columns, '      ') : []),
    ...(prints.length > 1 && verbose ? prints.map((line) => `      ${line}`) : []),
    ...(first === undefined ? paintedDiff(text.below.map(printable), color).map((line) => `      ${line}`) : []),
  ];
}

const PODS_DO = { start: 'starts', restart: 'restarts', stop: 'stops' } as const;
const KUBELET_DOES = { restart: 'restarts', reload: 'restarts', start: 'starts' } as const;

/** What starts, restarts and stops, and why; else that nothing does. */
function restartTexts(plan: NodePlan): readonly string[] {
  const { pods, kubelet, kubeletWhy, currentRevision, changes, recorded } = plan;
  if (!nodeChanges(plan)) return [];
  const isFresh = ({ kind }: PodChange) => currentRevision === undefined && kind === 'start';
  const fresh = pods.filter(isFresh).map(({ pod }) => pod);
  const lines = [
    ...(fresh.length
      ? [`starts ${[...(kubelet === 'start' ? ['the kubelet'] : []), ...fresh].join(', ')}`]
      : kubelet === 'none'
        ? []
        : [`kubelet ${KUBELET_DOES[kubelet]}: ${kubeletWhy.join('; ')}`]),
    ...pods.filter((pod) => !isFresh(pod)).map(({ pod, kind, why }) => `${pod} ${PODS_DO[kind]}: ${why.join('; ')}`),
  ];
  if (lines.length) return lines;
  if (!changes.length) return recorded ? [] : ['all files are as wanted; a revision that says so is written'];
  const reloaded = changes.filter(
    ({ kind, effect, rewritten }) => rewritten && kind === 'change' && effect.kind === 'none',
  );
  return [
    reloaded.length
      ? `nothing restarts: ${count(reloaded.length, 'file')} reloaded by ${reloaded.length === 1 ? 'its' : 'their'} readers`
      : 'nothing restarts',
  ];
}
