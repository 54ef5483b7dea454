import { describeOrigin } from '../../base/fault.ts';
import { emitYaml, type YamlValue } from '../../base/yaml-emit.ts';
import { runningDigest } from '../../rollout/pods/runs.ts';
import type { PodRow } from '../../rollout/pods/truth-types.ts';
import { counted, listed, timeInWords } from '../../rollout/status/words.ts';
import { wrap } from '../wrap.ts';
import { type PodsTextOptions, podProblemLines } from './list-text.ts';
import { manifestOf, type ShownPod } from './show-data.ts';

/** One pod for a person: where it comes from, how it is on each node, its manifest, and what is wrong. */
export function showText(shown: ShownPod, options: PodsTextOptions): string {
  const { columns, color, now } = options;
  const { pod, rows, problems, notes } = shown;
  const manifest = manifestOf(shown.declared);
  return [
    color.bold(pod),
    ...declaredLines(shown).flatMap(([label, text]) => wrap(text, columns, label.padEnd(10), 10)),
    ...rows.flatMap((row) => [
      color.bold(row.node),
      ...nodeLines(row, now).flatMap((line) => wrap(line, columns, '  ', 4)),
    ]),
    ...(manifest
      ? [
          color.bold('manifest'),
          ...emitYaml(manifest as YamlValue)
            .trimEnd()
            .split('\n')
            .map((line) => `  ${line}`),
        ]
      : []),
    ...notes.flatMap((note) => wrap(note, columns, 'note: ', 6)),
    ...(problems.length ? podProblemLines(problems, options) : []),
  ].join('\n');
}

function declaredLines({ declared, rows }: ShownPod): readonly (readonly [string, string])[] {
  const [first] = declared;
  if (!first) {
    const on = listed(
      rows.map(({ node }) => node),
      5,
    );
    return [['declared', `in no cluster file; found on ${on}`]];
  }
  const places = [...new Set(declared.map(({ at }) => `${describeOrigin(at.origin)} (${at.path})`))];
  const sources = [...new Set(declared.flatMap(({ source }) => source ?? []))];
  const named = (stopped: boolean) => declared.filter((pod) => pod.isStopped === stopped).map(({ node }) => node);
  const paths = [...new Set(declared.flatMap(({ file, isStopped }) => (file && !isStopped ? [file.path] : [])))];
  const kept = [...new Set(declared.flatMap(({ file, isStopped }) => (file && isStopped ? [file.path] : [])))];
  const [runs, stopped] = [named(false), named(true)];
  return [
    ['declared', `${places.join(', ')}${sources.length ? `, from ${sources.join(', ')}` : ''}`],
    ['via', first.via === 'http' ? 'URL: `bootstrap serve` has it' : 'file'],
    ...(runs.length ? [['nodes', listed(runs, 8)] as const] : []),
    ...(stopped.length ? [['stopped', `on ${listed(stopped, 8)}`] as const] : []),
    ...paths.map((path) => ['file', path] as const),
    ...kept.map((path) => ['kept', path] as const),
    ...(first.digest ? [['revision', first.digest.slice(0, 8)] as const] : []),
  ];
}

function nodeLines({ source, path, run, mirror }: PodRow, now: number): readonly string[] {
  const since = run.since === undefined ? '' : `, for ${timeInWords(Math.max(0, now - Date.parse(run.since)))}`;
  const { pod } = run;
  const digest = pod && runningDigest(pod);
  return [
    `source: ${source}${path ? `, ${path}` : ''}`,
    `runs: ${run.state === 'running' ? `yes${since}` : run.state}${pod ? `, ${counted(run.restarts, 'restart')}` : ''}${digest ? `, revision ${digest.slice(0, 8)}` : ''}`,
    ...(pod?.containers ?? []).map(({ name, id, image, state, restarts, startedAt }) =>
      [
        `container ${name}: ${state}`,
        image,
        startedAt ? `since ${startedAt.replace(/\.\d+Z$/, 'Z')}` : '',
        restarts ? counted(restarts, 'restart') : '',
        id ? `id ${id.slice(0, 13)}` : '',
      ]
        .filter(Boolean)
        .join(', '),
    ),
    ...('pod' in mirror
      ? [
          `mirror: ${mirror.kind === 'stale' ? 'stale' : mirror.pod.ready ? 'Ready' : (mirror.pod.waitingReason ?? mirror.pod.phase)}, labels ${labelsText(mirror.pod.labels)}`,
        ]
      : mirror.kind === 'none'
        ? []
        : [`mirror: ${mirror.kind}`]),
  ];
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return texts.length ? texts.sort().join(',') : '(none)';
}
