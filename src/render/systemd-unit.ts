import { BootstrapError } from '../base/errors.ts';
import { errorAt } from '../base/fault.ts';
import type { ExtraArg } from '../spec/cluster.ts';
import { asArguments, flagName } from './overlay.ts';
import { readSystemdWord, systemdWord } from './template/systemd-quote.ts';
import { type Template, templatePlace } from './template/template.ts';

/** A unit or drop-in as data: its lines, and the command that its last `ExecStart=` runs. */
export interface Unit {
  /** Everything before that line, and everything after the command. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The program and its arguments, as the process gets them. */
  readonly command: readonly string[];
}

/**
 * Reads what a unit template became: one word a line, as the templates write it.
 * @throws BootstrapError naming the template where it runs nothing or has two arguments on one line
 */
export function parseUnit(text: string, { file }: Template): Unit {
  const lines = text.replace(/\n$/, '').split('\n');
  const first = lines.findLastIndex((line) => /^ExecStart=./.test(line));
  if (first < 0) throw invalid(file, 1, 'runs nothing: it has no ExecStart= with a command');
  let last = first;
  while (lines[last]?.endsWith('\\')) last++;
  const words = lines.slice(first, last + 1).map((line) =>
    line
      .replace(/^ExecStart=/, '')
      .replace(/\\$/, '')
      .trim(),
  );
  const crowded = words.findIndex((word) => !/^(?:"(?:[^"\\]|\\.)*"|[^\s"]*)$/.test(word));
  if (crowded >= 0) throw invalid(file, first + crowded + 1, 'has more than one word of its command on a line');
  return {
    before: lines.slice(0, first),
    after: lines.slice(last + 1),
    command: words.filter(Boolean).map(readSystemdWord),
  };
}

function invalid(file: string, line: number, problem: string): BootstrapError {
  return new BootstrapError('cluster-file', `the template ${file} cannot be used`, {
    faults: [errorAt(templatePlace(file, line, 1), `once filled, it ${problem}`)],
  });
}

/** The user's flags laid over the command, by the same rule as for manifests. */
export function overlayUnit(unit: Unit, args: readonly ExtraArg[]): Unit {
  const overridden = new Set(args.map((arg) => arg.name));
  const defaults = unit.command.filter((word) => !overridden.has(flagName(word) ?? ''));
  return { ...unit, command: [...defaults, ...asArguments(args)] };
}

/** The text of the unit. */
export function emitUnit({ before, after, command }: Unit): string {
  return `${[...before, `ExecStart=${command.map(systemdWord).join(' \\\n    ')}`, ...after].join('\n')}\n`;
}
