import type { Command, Option } from 'commander';
import { BootstrapError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { profileNames } from '../../spec/profiles.ts';
import { processIo } from '../io.ts';
import type { CommonOptions } from '../options.ts';
import { program } from '../program.ts';
import { workspace } from '../workspace.ts';

/** One command line up to a point, and what may come next. */
interface Step {
  readonly path: string;
  readonly words: readonly Word[];
}

interface Word {
  readonly word: string;
  readonly help: string;
  /** `-o`, where there is one. */
  readonly short?: string;
  /** What follows an option that takes a value. */
  readonly value?: Value;
}

/** A few words, a file, a directory, or something that nobody can know. */
type Value = { readonly kind: 'file' | 'directory' | 'text' } | { readonly kind: 'list'; readonly list: string };

const SHELLS = ['bash', 'zsh', 'fish'];

/** `completion SHELL`: a script made from the very commands and options that the program has. */
export function completion(options: CommonOptions, shell = ''): number {
  const script = { bash, zsh, fish }[shell];
  if (!script) {
    throw new BootstrapError('usage', `there is no completion for ${JSON.stringify(shell)}`, {
      hint: didYouMean(shell, SHELLS) ?? `shells: ${SHELLS.join(', ')}`,
    });
  }
  const profiles = profileNames(workspace({}).profileFolders).join(' ');
  const root = program(() => undefined);
  processIo(options).out(script(steps(root, '', [], profiles)));
  return 0;
}

function steps(command: Command, path: string, inherited: readonly Word[], profiles: string): readonly Step[] {
  const options = [
    ...command.options.filter((o) => o.long !== '--version').map((o) => word(o, profiles)),
    ...inherited,
  ];
  const arguments_: Readonly<Record<string, string>> = {
    'profiles show': profiles,
    completion: SHELLS.join(' '),
    help: (command.parent?.commands ?? []).map((c) => c.name()).join(' '),
  };
  const commands = command.commands.map((c) => ({ word: c.name(), help: c.description().split('\n')[0] ?? '' }));
  const fixed = (arguments_[path]?.split(' ') ?? []).map((each) => ({ word: each, help: '' }));
  return [
    { path, words: [...commands, ...fixed, ...options, { word: '--help', help: 'show help' }] },
    ...command.commands.flatMap((c) => steps(c, path ? `${path} ${c.name()}` : c.name(), options, profiles)),
  ];
}

const KINDS: Readonly<Record<string, 'file' | 'directory'>> = {
  '--dir': 'directory',
  '--pki': 'directory',
  '--file': 'file',
  '--from-kubeadm': 'file',
};

function word({ long, short, description, required, argChoices }: Option, profiles: string): Word {
  const name = long ?? '';
  const list = name === '--profile' ? profiles : argChoices?.join(' ');
  const value: Value = list === undefined ? { kind: KINDS[name] ?? 'text' } : { kind: 'list', list };
  return { word: name, help: description, ...(short && { short }), ...(required && { value }) };
}

/** Every option that takes a value, once for all values that are alike: `-d|--dir`. */
function valueCases(all: readonly Step[], line: (value: Value) => string): string {
  const byLine = new Map<string, Set<string>>();
  for (const { word: long, short, value } of all.flatMap((step) => step.words)) {
    if (!value) continue;
    const names = byLine.get(line(value)) ?? new Set();
    for (const name of [short, long]) if (name) names.add(name);
    byLine.set(line(value), names);
  }
  return [...byLine].map(([text, names]) => `    ${[...names].join('|')}) ${text}; return ;;`).join('\n');
}

const known = (all: readonly Step[], quote: string, between: string): string =>
  all.flatMap(({ path }) => (path ? [quote + path + quote] : [])).join(between);

function bash(all: readonly Step[]): string {
  const values = valueCases(all, (value) =>
    value.kind === 'list'
      ? `_bootstrap_reply -W "${value.list}"`
      : value.kind === 'text'
        ? ':'
        : `compopt -o filenames 2>/dev/null; _bootstrap_reply ${value.kind === 'file' ? '-f' : '-d'}`,
  );
  const cases = all.map(({ path, words }) => `    "${path}") words="${words.map((w) => w.word).join(' ')}" ;;`);
  return `# bash completion for bootstrap
# shellcheck shell=bash
_bootstrap_reply() {
  local word
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$@" -- "\${COMP_WORDS[COMP_CWORD]}")
}
_bootstrap() {
  local path="" words="" i
  COMPREPLY=()
  case \${COMP_WORDS[COMP_CWORD-1]} in
${values}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
      ${known(all, '"', '|')}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  _bootstrap_reply -W "$words"
}
complete -F _bootstrap bootstrap`;
}

const zshText = (text: string) => text.replace(/[[\]:'\\]/g, ' ').replace(/\s+/g, ' ');

function zsh(all: readonly Step[]): string {
  const values = valueCases(all, (value) =>
    value.kind === 'list'
      ? `compadd -- ${value.list}`
      : value.kind === 'text'
        ? ':'
        : value.kind === 'file'
          ? '_files'
          : '_files -/',
  );
  const cases = all.map(
    ({ path, words }) =>
      `    '${path}') list=(${words.map((w) => `'${w.word}${w.help && `:${zshText(w.help)}`}'`).join(' ')}) ;;`,
  );
  return `#compdef bootstrap
_bootstrap() {
  local -a list
  local line='' word
  case $words[CURRENT-1] in
${values}
  esac
  for word in \${words[2,CURRENT-1]}; do
    case "\${line:+$line }$word" in
      ${known(all, "'", '|')}) line="\${line:+$line }$word" ;;
    esac
  done
  case $line in
${cases.join('\n')}
  esac
  _describe 'bootstrap' list
}
if [ "$funcstack[1]" = "_bootstrap" ]; then _bootstrap; else compdef _bootstrap bootstrap; fi`;
}

const fishText = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;

function fishValue(value: Value): string {
  if (value.kind === 'list') return ` -x -a '${value.list}'`;
  return { file: ' -r -F', directory: " -x -a '(__fish_complete_directories)'", text: ' -x' }[value.kind];
}

function fish(all: readonly Step[]): string {
  const lines = all.flatMap(({ path, words }) =>
    words.map(({ word: name, help, short, value }) => {
      const what = name.startsWith('--') ? `-l ${name.slice(2)}${short ? ` -s ${short.slice(1)}` : ''}` : `-a ${name}`;
      const about = help ? ` -d ${fishText(help)}` : '';
      return `complete -c bootstrap -n '__bootstrap_at ${path}' ${what}${about}${value ? fishValue(value) : ''}`;
    }),
  );
  return `# fish completion for bootstrap
function __bootstrap_at
  set -l line
  for word in (commandline -opc)[2..]
    contains -- (string join -- ' ' $line $word) ${known(all, "'", ' ')}; and set -a line $word
  end
  test "$line" = "$argv"
end
complete -c bootstrap -f
${lines.join('\n')}`;
}
