import type { PodProblem, PodRow, PodsTruth } from '../../rollout/pods/truth-types.ts';
import { listed, timeInWords } from '../../rollout/status/words.ts';
import { count } from '../format.ts';
import type { Io } from '../io.ts';
import { wrap } from '../wrap.ts';

export interface PodsTextOptions {
  readonly columns: number;
  readonly color: Io['color'];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Options that commands in hints have to repeat, e.g. ` --dir prod`. */
  readonly within: string;
}

/** More rows than these are not listed one by one where all is well with them. */
const MOST_ROWS = 40;
/** So many kinds of problem are told; -o json has all. */
const MOST_PROBLEMS = 20;

/** The pods for a person: a table, then what is wrong and what to do. */
export function listText(truth: PodsTruth, options: PodsTextOptions): string {
  const { rows, problems, notes } = truth;
  const { columns, color, within } = options;
  const none = `There is no static pod of your own. \`bootstrap pods add FILE${within}\` adds one.`;
  const { shown, rest } = chosenRows(truth);
  return [
    ...(rows.length ? [...podTable(shown, options), ...rest] : wrap(none, columns)),
    ...notes.flatMap((note) => wrap(note, columns, 'note: ', 6)),
    ...(problems.length ? podProblemLines(problems, options) : rows.length ? [color.green('All is well.')] : []),
  ].join('\n');
}

/** All of a few; of many those with which something is wrong, and how many there are besides. */
function chosenRows({ rows, problems }: PodsTruth): {
  readonly shown: readonly PodRow[];
  readonly rest: readonly string[];
} {
  const order = [...new Set(rows.map(({ pod }) => pod))];
  const byPod = order.flatMap((pod) => rows.filter((row) => row.pod === pod));
  if (rows.length <= MOST_ROWS) return { shown: byPod, rest: [] };
  const isUnwell = (row: PodRow) =>
    problems.some(({ node, pod }) => node === row.node && (pod === undefined || pod === row.pod));
  const unwell = byPod.filter(isUnwell);
  const well = byPod.filter((row) => !isUnwell(row));
  const shown = unwell.slice(0, MOST_ROWS);
  return {
    shown,
    rest: [
      ...(unwell.length > shown.length ? [`and ${unwell.length - shown.length} more (-o json lists all)`] : []),
      ...order.flatMap((pod) => {
        const n = well.filter((row) => row.pod === pod).length;
        return n ? [`${pod} on ${count(n, shown.length ? 'other node' : 'node')}: all is well`] : [];
      }),
    ],
  };
}

interface Column {
  readonly title: string;
  readonly cell: (row: PodRow, now: number) => string;
  /** It can be cut in the middle where there is no room. */
  readonly isName?: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'POD', cell: ({ pod }) => pod, isName: true },
  { title: 'NODE', cell: ({ node }) => node, isName: true },
  { title: 'SOURCE', cell: ({ source }) => (source === 'unknown' ? '?' : source) },
  { title: 'RUNS', cell: runsText },
  { title: 'RESTARTS', cell: (row) => String(restartsOf(row) ?? '-') },
  { title: 'MIRROR', cell: mirrorText },
];

/** Of the mirror; told where there is room, and by `pods show` anyway. */
const LABELS: Column = { title: 'LABELS', cell: labelsText };

/** No line is longer than `columns`; names are cut where they do not fit. */
function podTable(rows: readonly PodRow[], { columns, color, now }: PodsTextOptions): readonly string[] {
  if (!rows.length) return [];
  const known = COLUMNS.filter(({ title }) => title !== 'MIRROR' || rows.some(({ mirror }) => mirror.kind !== 'none'));
  const layout = (shown: readonly Column[]) => {
    const cells = [shown.map(({ title }) => title), ...rows.map((row) => shown.map(({ cell }) => cell(row, now)))];
    return { shown, cells, widths: shown.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0))) };
  };
  const widthOf = (widths: readonly number[]) => widths.reduce((sum, width) => sum + width + 2, -2);
  const withLabels = layout([...known, LABELS]);
  const hasLabels = rows.some((row) => labelsText(row) !== '') && widthOf(withLabels.widths) <= columns;
  const { shown, cells, widths } = hasLabels ? withLabels : layout(known);
  for (const [i, { isName }] of shown.entries()) {
    const over = widthOf(widths) - columns;
    if (isName && over > 0) widths[i] = Math.max(12, (widths[i] ?? 0) - over);
  }
  return cells.map((line, n) => {
    const row = n ? rows[n - 1] : undefined;
    const texts = line.map((text, i) => {
      const width = widths[i] ?? 0;
      const padded = cutMiddle(text, width).padEnd(width);
      return row && shown[i]?.title === 'RUNS' ? painted(padded, row, color) : padded;
    });
    return texts.join('  ').trimEnd();
  });
}

function painted(text: string, { run, declared }: PodRow, color: Io['color']): string {
  if (run.state === 'running') return color.green(text);
  if (run.state === 'absent' && (!declared || declared.isStopped)) return text;
  return run.state === 'unknown' || run.state === 'starting' ? color.yellow(text) : color.red(text);
}

function runsText({ run, mirror }: PodRow, now: number): string {
  const started = run.state === 'unknown' && 'pod' in mirror ? mirror.pod.startedAt : run.since;
  if (started !== undefined) return timeInWords(Math.max(0, now - Date.parse(started)));
  if (run.state === 'running') return 'yes';
  return run.state === 'absent' ? 'no' : run.state === 'unknown' ? '?' : run.state;
}

function restartsOf({ run, mirror }: PodRow): number | undefined {
  if (run.pod) return run.restarts;
  return 'pod' in mirror ? mirror.pod.restarts : undefined;
}

function mirrorText({ mirror }: PodRow): string {
  if (mirror.kind === 'seen') {
    const { ready, waitingReason, phase } = mirror.pod;
    return ready ? 'Ready' : (waitingReason ?? (phase === 'Running' ? 'not Ready' : phase || 'not Ready'));
  }
  return { none: '-', unknown: '?', missing: 'missing', stale: 'stale' }[mirror.kind];
}

function labelsText({ mirror }: PodRow): string {
  const labels = 'pod' in mirror ? Object.entries(mirror.pod.labels) : [];
  return labels.map(([key, value]) => `${key}=${value}`).join(',');
}

function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text;
  const head = Math.ceil((width - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}

/** The problems in words, the same on several nodes once, each with what to do. */
export function podProblemLines(
  problems: readonly PodProblem[],
  { columns, color, within }: Pick<PodsTextOptions, 'columns' | 'color' | 'within'>,
): readonly string[] {
  const groups = new Map<string, { readonly problem: PodProblem; readonly nodes: string[] }>();
  for (const problem of problems) {
    const key = [problem.code, problem.pod, problem.what, forAll(problem.todo, problem.node)].join('\n');
    const group = groups.get(key);
    if (group) group.nodes.push(problem.node);
    else groups.set(key, { problem, nodes: [problem.node] });
  }
  const all = [...groups.values()];
  const hidden = all.slice(MOST_PROBLEMS).reduce((sum, { nodes }) => sum + nodes.length, 0);
  return [
    color.bold(count(problems.length, 'problem')),
    ...all.slice(0, MOST_PROBLEMS).flatMap(({ problem, nodes }) => {
      const { pod, what, todo, node } = problem;
      const where = listed(nodes, 4);
      const subject = pod === undefined ? where : `${pod} on ${where}`;
      const said = nodes.length > 1 ? forAll(todo, node).replaceAll(NODES, nodeOptions(nodes)) : todo;
      const hint = `what to do: ${said.replaceAll(/`bootstrap ([^`]+)`/g, `\`bootstrap $1${within}\``)}`;
      return [
        ...wrap(`${subject}: ${what}`, columns, '  ', 4),
        ...wrap(hint, columns, '    ').map((line) => color.dim(line)),
      ];
    }),
    ...(hidden ? [`and ${hidden} more (-o json lists all)`] : []),
  ];
}

/** Stands for the options that name the nodes until it is known which. */
const NODES = '\0';

/** What to do, said for several nodes at once. */
function forAll(todo: string, node: string): string {
  return todo.replaceAll(` --node ${node}`, NODES).replaceAll(`on ${node}`, 'there');
}

function nodeOptions(nodes: readonly string[]): string {
  return nodes.length > 4 ? ' --node NODE' : nodes.map((node) => ` --node ${node}`).join('');
}
