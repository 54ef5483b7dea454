import type { Problem } from '../rollout/status/status.ts';
import { listed } from '../rollout/status/words.ts';
import { count } from './format.ts';
import type { Io } from './io.ts';
import { wrap } from './wrap.ts';

/** So many kinds of problem are told; -o json has all. */
const MOST = 20;

/** The same on several nodes is told once. */
interface Group {
  readonly problem: Problem;
  readonly nodes: readonly string[];
}

/**
 * The problems in words, worst first, each with what to do.
 * @param within options that the user has to repeat, e.g. ` --dir prod`; '' where there are none
 */
export function problemLines(
  problems: readonly Problem[],
  columns: number,
  color: Io['color'],
  within: string,
): readonly string[] {
  if (!problems.length) return [];
  const groups = grouped(problems);
  const width = Math.max(...groups.map(({ problem }) => problem.severity.length)) + 2;
  const hidden = groups.slice(MOST).reduce((sum, { nodes }) => sum + Math.max(1, nodes.length), 0);
  return [
    color.bold(count(problems.length, 'problem')),
    ...groups.slice(0, MOST).flatMap((group) => {
      const { severity } = group.problem;
      const hint = group.problem.hint.replaceAll(NODES, nodeOptions(group.nodes));
      const [first = '', ...more] = wrap(`${subject(group)}${group.problem.what}`, columns, severity.padEnd(width));
      const paint = severity === 'error' ? color.red : color.yellow;
      const todo = `what to do: ${hint.replaceAll(/`bootstrap ([^`]+)`/g, `\`bootstrap $1${within}\``)}`;
      return [
        `${paint(severity)}${first.slice(severity.length)}`,
        ...more,
        ...wrap(todo, columns, ' '.repeat(width)).map((line) => color.dim(line)),
      ];
    }),
    ...(hidden ? [`and ${hidden} more (-o json lists all)`] : []),
  ];
}

/** `cp3 etcd: `, `etcd on cp1 and cp2: `, `cp1, cp2 and cp3: `, `etcd: `, ''. */
function subject({ problem, nodes }: Group): string {
  const { component } = problem;
  const who =
    component !== undefined && nodes.length > 1
      ? `${component} on ${listed(nodes, 4)}`
      : [listed(nodes, 4), component].filter(Boolean).join(' ');
  return who && `${who}: `;
}

function grouped(problems: readonly Problem[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const problem of problems) {
    const { node } = problem;
    const general = node === undefined ? problem.hint : withoutNode(problem.hint, node);
    const key = [problem.severity, problem.code, node === undefined, problem.component, problem.what, general].join(
      '\n',
    );
    const before = groups.get(key);
    if (before && node !== undefined) {
      groups.set(key, { problem: { ...before.problem, hint: general }, nodes: [...before.nodes, node] });
    } else groups.set(key, { problem, nodes: node === undefined ? [] : [node] });
  }
  return [...groups.values()];
}

/** Stands for the options that name the nodes until it is known which. */
const NODES = '\0';

/** ` --node cp1 --node cp2`: a command for some nodes must not become one for all. */
function nodeOptions(nodes: readonly string[]): string {
  return nodes.length > 4 ? ' --node NODE' : nodes.map((node) => ` --node ${node}`).join('');
}

/** What to do, said for several nodes at once. */
function withoutNode(hint: string, node: string): string {
  return hint
    .replaceAll(new RegExp(` --node ${escaped(node)}(?=[ \`])`, 'g'), NODES)
    .replaceAll(new RegExp(`\\bon ${escaped(node)}(?=[\\s,;:?]|$)`, 'g'), 'there');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
