import type { ComponentStatus, NodeStatus, Status } from '../rollout/status/status.ts';
import type { State } from '../rollout/status/verdict.ts';
import { count } from './format.ts';
import type { Io } from './io.ts';

/** More nodes than these are not listed one by one where they are all well. */
const MOST_ROWS = 15;

const HEADERS = {
  kubelet: ['KUBELET', 'KUBELET'],
  etcd: ['ETCD', 'ETCD'],
  'kube-apiserver': ['APISERVER', 'API'],
  'kube-controller-manager': ['CONTROLLER', 'CTRL'],
  'kube-scheduler': ['SCHEDULER', 'SCHED'],
} as const;

const SHORT: Readonly<Record<State, string>> = {
  ok: 'ok',
  starting: 'start',
  failing: 'fail',
  absent: 'none',
  unknown: '?',
};

interface Cell {
  readonly text: string;
  readonly state: State | undefined;
}

interface Row {
  readonly cells: readonly Cell[];
  /** For the last column, the weightiest first: as many as there is room for. */
  readonly notes: readonly string[];
}

/** Nodes × components, as wide as the terminal allows: the short words where the whole ones do not fit. */
export function statusTable(status: Status, columns: number, color: Io['color']): readonly string[] {
  const { shown, rest } = chosenNodes(status);
  const draw = (short: boolean) => drawn(status, shown, short, columns, color);
  const whole = shown.length ? draw(false) : { lines: [], width: 0 };
  return [...(whole.width <= columns ? whole : draw(true)).lines, ...rest];
}

/** All of a few nodes; of many those that are not well, and how many there are besides. */
function chosenNodes({ nodes }: Status): { readonly shown: readonly NodeStatus[]; readonly rest: readonly string[] } {
  if (nodes.length <= MOST_ROWS) return { shown: nodes, rest: [] };
  const unwell = nodes.filter((node) => !isWell(node));
  const shown = unwell.slice(0, MOST_ROWS);
  const revisions = new Map<string, number>();
  for (const node of nodes.filter(isWell)) {
    const revision = String(node.revision.current ?? 'none');
    revisions.set(revision, (revisions.get(revision) ?? 0) + 1);
  }
  const other = shown.length ? 'other ' : '';
  return {
    shown,
    rest: [
      ...(unwell.length > shown.length
        ? [`${unwell.length - shown.length} more are not well (-o json lists all)`]
        : []),
      ...[...revisions].map(([revision, n]) => `${count(n, `${other}node`)} all ok at revision ${revision}`),
    ],
  };
}

function isWell({ components, revision, drift, strays, unreachable }: NodeStatus): boolean {
  return (
    unreachable === undefined &&
    components.every(({ state }) => state === 'ok') &&
    !drift.length &&
    !strays.length &&
    !revision.unfinished &&
    revision.wanted !== false
  );
}

function drawn(
  status: Status,
  nodes: readonly NodeStatus[],
  short: boolean,
  columns: number,
  color: Io['color'],
): { readonly lines: readonly string[]; readonly width: number } {
  // plain nodes have fewer of them
  const most = nodes.reduce<NodeStatus | undefined>(
    (widest, node) => (node.components.length > (widest?.components.length ?? 0) ? node : widest),
    undefined,
  );
  const components = most?.components.map(({ component }) => component) ?? [];
  const plain = (text: string): Cell => ({ text, state: undefined });
  const header: Row = {
    cells: ['NODE', ...components.map((component) => HEADERS[component][short ? 1 : 0])].map(plain),
    notes: [short ? 'REV' : 'REVISION'],
  };
  const rows: readonly Row[] = nodes.map((node) => ({
    cells: [
      plain(node.node),
      ...components.map((component) => {
        const each = node.components.find((one) => one.component === component);
        return each ? componentCell(each, node.node, status, short) : plain('-');
      }),
    ],
    notes: short ? revisionNotes(node).slice(0, 1) : revisionNotes(node),
  }));
  const widths = header.cells.map((_, i) =>
    Math.max(...[header, ...rows].map(({ cells }) => cells[i]?.text.length ?? 0)),
  );
  const before = widths.reduce((sum, width) => sum + width + 2, 0);
  const lines = [header, ...rows].map(({ cells, notes }) => {
    const left = cells.map(
      ({ text, state }, i) => `${painted(text, state, color)}${' '.repeat((widths[i] ?? 0) - text.length)}`,
    );
    return [...left, fitting(notes, columns - before)].join('  ').trimEnd();
  });
  const last = Math.max(...[header, ...rows].map(({ notes }) => notes[0]?.length ?? 0));
  return { lines, width: before + last };
}

function componentCell({ component, state }: ComponentStatus, node: string, { etcd }: Status, short: boolean): Cell {
  const leads = component === 'etcd' && state === 'ok' && etcd?.leader === node;
  const word = short ? SHORT[state] : state;
  return { text: leads ? `${word}${short ? '*' : ' (leader)'}` : word, state };
}

function painted(text: string, state: State | undefined, color: Io['color']): string {
  if (state === undefined) return text;
  if (state === 'ok') return color.green(text);
  return state === 'failing' || state === 'absent' ? color.red(text) : color.yellow(text);
}

function revisionNotes({ revision, drift, strays, unreachable }: NodeStatus): readonly string[] {
  if (unreachable !== undefined) return ['?', 'unreachable'];
  const { current, unfinished, reverted, wanted } = revision;
  return [
    String(current ?? 'none'),
    ...(unfinished ? [unfinished.live ? `${unfinished.to} on its way` : `${unfinished.to} unconfirmed`] : []),
    ...(reverted && wanted === false ? [`${reverted.revision} taken back`] : []),
    ...(drift.length ? [`${count(drift.length, 'file')} drifted`] : []),
    ...(strays.length ? [`${count(strays.length, 'stray file')}`] : []),
    ...(wanted === false && !unfinished && !reverted ? ['changes wait'] : []),
  ];
}

/** As many as there is room for, at least the first; `…` says that there are more. */
function fitting(notes: readonly string[], room: number): string {
  const [first = '', ...more] = notes;
  let text = first;
  for (const note of more) {
    const longer = `${text}, ${note}`;
    if (longer.length > room) return text.length + 3 <= room ? `${text}, …` : text;
    text = longer;
  }
  return text;
}
