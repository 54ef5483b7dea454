import { count } from './format.ts';
import type { Io } from './io.ts';
import type { Produced } from './produce.ts';

const MARK = { create: '+', change: '~', remove: '-' } as const;

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
  // a fresh node is one line, not forty
  const fresh = new Map<string, number>();
  for (const { kind, path } of changes)
    if (kind === 'create') fresh.set(path.split('/')[0] ?? '', (fresh.get(path.split('/')[0] ?? '') ?? 0) + 1);
  const whole = (path: string) => (fresh.get(path.split('/')[0] ?? '') ?? 0) > 12;
  for (const { kind, path, edited } of changes) {
    if (kind === 'create' && whole(path)) continue;
    lines.push(`  ${MARK[kind]} nodes/${path}${edited ? ' (had been edited by hand)' : ''}`);
  }
  for (const [node, files] of fresh) if (files > 12) lines.push(`  + nodes/${node}: ${count(files, 'file')}`);
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
export async function producedDiff({ nodes }: Produced, color: Io['color']): Promise<string> {
  const { createTwoFilesPatch } = await import('diff');
  const blocks = nodes.changes.map(({ path, before, after, sensitive }) => {
    if (sensitive) return `--- nodes/${path}\n(secret: not shown)`;
    const patch = createTwoFilesPatch(
      `nodes/${path}`,
      `nodes/${path}`,
      before?.toString() ?? '',
      after?.toString() ?? '',
      before ? 'now' : 'not there',
      after ? 'new' : 'removed',
    );
    return patch.replace(/^=+\n/, '').trimEnd();
  });
  const paint = (line: string) =>
    line.startsWith('+')
      ? color.green(line)
      : line.startsWith('-')
        ? color.red(line)
        : line.startsWith('@@')
          ? color.cyan(line)
          : line;
  return blocks
    .flatMap((block) => block.split('\n'))
    .map(paint)
    .join('\n');
}
