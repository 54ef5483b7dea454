import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CommonOptions } from './options.ts';

/** What a command's module exports: it does the work and gives the exit status. */
type Run<O> = (options: O, ...args: readonly string[]) => Promise<number> | number;

/** What commander calls for a command: loads it, runs it with its own and the program's options, hands its exit status on. */
export type Action = <O extends CommonOptions>(
  load: () => Promise<Run<O>>,
) => (...input: readonly unknown[]) => Promise<void>;

/** For options that may be given several times. */
export const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];
const collectList = (value: string, all: readonly string[] = []): readonly string[] => {
  const names = value.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('A name in it is empty.');
  return [...all, ...names];
};

export const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;

/** The options of everything that reads the cluster file and prints a result. */
export function common(command: Command): Command {
  return command
    .option('-d, --dir <dir>', 'the cluster directory', '.')
    .option('-f, --file <file>', 'the cluster file (default: cluster.yaml in the cluster directory)')
    .option(
      '-p, --profile <name>',
      'use these profiles instead of those of the cluster file (repeatable, or a,b)',
      collectList,
    )
    .option('--set <path=value>', 'set a field of the cluster file for this run (repeatable)', collect)
    .addOption(
      new Option('-o, --output <format>', 'how to print the result').choices(['text', 'json', 'yaml']).default('text'),
    );
}

/** Options of everything that changes live masters. */
export const TIMES = [
  ['--timeout <time>', 'how long a master may take to prove itself (default: 5m; 15m on a first boot)'],
  ['--confirm-timeout <time>', 'a node takes back by itself what was not confirmed within this time (default: 10m)'],
] as const;
