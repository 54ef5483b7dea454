import { loadUnifiedDiff } from '../base/unified-diff.ts';
import type { DirectoryChange } from '../deliver/directory.ts';
import { certificateText } from './certificate-text.ts';
import { paintedDiff } from './diff-text.ts';
import { count } from './format.ts';
import type { Io } from './io.ts';
import type { Produced } from './produce.ts';

const MARK = { create: '+', change: '~', remove: '-' } as const;

const nodeOf = ({ path }: DirectoryChange): string => path.split('/')[0] ?? '';

/** Nodes all of whose files are new, or that have left the cluster: each is one line, not forty. */
function wholeNodes({ nodes, bundles }: Produced, dryRun: boolean): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  const files = (node: string, kind: DirectoryChange['kind']) =>
    nodes.changes.filter((change) => change.kind === kind && nodeOf(change) === node).length;
  for (const node of new Set(nodes.changes.map(nodeOf))) {
    const bundle = bundles.find((each) => each.node === node);
    const [created, removed] = [files(node, 'create'), files(node, 'remove')];
    if (!bundle) lines.set(node, `  - nodes/${node}: ${count(removed, 'file')} ${dryRun ? 'to remove' : 'removed'}`);
    else if (created === bundle.files.length) lines.set(node, `  + nodes/${node}: ${count(created, 'file')}`);
  }
  return lines;
}

/** What a run did, a line each: certificates with their reasons, files with what happened to them. */
export function producedLines(
  produced: Produced,
  { dryRun, summary }: { readonly dryRun: boolean; readonly summary: boolean },
): readonly string[] {
  const { changes, strays, unchanged } = produced.nodes;
  const lines: string[] = [];
  for (const path of produced.imported) lines.push(`${dryRun ? 'would take over' : 'took over'} ${path}`);
  for (const { kind, path, reasons } of summary ? [] : produced.pki) {
    const verb =
      kind === 'created' ? (dryRun ? 'would issue' : 'issued') : dryRun ? 'would issue again' : 'issued again';
    lines.push(`${verb} ${path}${reasons.length ? `: ${reasons.join('; ')}` : ''}`);
  }
  const whole = wholeNodes(produced, dryRun);
  for (const change of changes) {
    if (whole.has(nodeOf(change))) continue;
    lines.push(`  ${MARK[change.kind]} nodes/${change.path}${change.edited ? ' (had been edited by hand)' : ''}`);
  }
  lines.push(...whole.values());
  for (const path of produced.kubeconfigs) lines.push(`  ~ ${path}`);
  for (const path of strays) lines.push(`  ? nodes/${path}: not made by bootstrap, left alone`);
  const total = changes.length + produced.kubeconfigs.length;
  const verb = dryRun ? 'would change' : 'changed';
  lines.push(
    total
      ? `${count(total, 'file')} ${verb}, ${unchanged} unchanged`
      : `nothing to change (${count(unchanged, 'file')})`,
  );
  return lines;
}

/** What would change in each file, as unified diffs; of secret files only that they would. */
export async function producedDiff({ nodes, bundles }: Produced, color: Io['color']): Promise<string> {
  const diff = await loadUnifiedDiff();
  const members = new Set(bundles.map((bundle) => bundle.node));
  const blocks = nodes.changes
    .filter((change) => members.has(nodeOf(change)))
    .map(({ path, before, after, sensitive }) => {
      if (sensitive) return `--- nodes/${path}\n(secret: not shown)`;
      const text = (content: Buffer | undefined) => certificateText(content?.toString() ?? '');
      const names = {
        path: `nodes/${path}`,
        before: before ? 'now' : 'not there',
        after: after ? 'new' : 'removed',
      };
      return (
        diff(text(before), text(after), names) ?? `--- nodes/${path}\n(too long, or too different, to be compared)`
      );
    });
  return paintedDiff(
    blocks.flatMap((block) => block.split('\n')),
    color,
  ).join('\n');
}
