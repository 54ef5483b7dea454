import type { Command } from 'commander';
import { BootstrapError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { profileNames } from '../../spec/profiles.ts';
import { processIo } from '../io.ts';
import type { CommonOptions } from '../options.ts';
import { program } from '../program.ts';
import { workspace } from '../workspace.ts';

/** One command line up to a point: the words before, and what may come next. */
interface Step {
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly help: string }[];
}

const SHELLS = ['bash', 'zsh', 'fish'];

/** `completion SHELL`: a script made from the very commands and options that the program has. */
export function completion(options: CommonOptions, shell = ''): number {
  const script = { bash, zsh, fish }[shell];
  if (!script) {
    throw new BootstrapError('usage', `there is no completion for ${JSON.stringify(shell)}`, {
      hint: didYouMean(shell, SHELLS) ?? `shells: ${SHELLS.join(', ')}`,
    });
  }
  const profiles = profileNames(workspace({}).profileFolders);
  processIo(options).out(
    script(
      steps(
        program(() => undefined),
        '',
      ),
      profiles,
    ),
  );
  return 0;
}

function steps(command: Command, path: string): readonly Step[] {
  const commands = command.commands.map((c) => ({ word: c.name(), help: c.description().split('\n')[0] ?? '' }));
  const flags = [...command.options, ...(command.parent?.options ?? [])].filter(
    (o) => o.long && o.long !== '--version',
  );
  const words = [
    ...commands,
    ...flags.map((o) => ({ word: o.long ?? '', help: o.description })),
    { word: '--help', help: 'show help' },
  ];
  return [{ path, words }, ...command.commands.flatMap((c) => steps(c, path ? `${path} ${c.name()}` : c.name()))];
}

/** What follows an option: files, directories, or one of a few words. */
const VALUES = (profiles: readonly string[]): Readonly<Record<string, string>> => ({
  '--output': 'text json yaml',
  '-o': 'text json yaml',
  '--profile': profiles.join(' '),
  '-p': profiles.join(' '),
});

function bash(all: readonly Step[], profiles: readonly string[]): string {
  const cases = all.map(
    ({ path, words }) => `    ${JSON.stringify(path)}) words="${words.map((w) => w.word).join(' ')}" ;;`,
  );
  const values = Object.entries(VALUES(profiles)).map(
    ([flag, list]) => `    ${flag}) COMPREPLY=($(compgen -W "${list}" -- "$cur")); return ;;`,
  );
  return `# bash completion for bootstrap
_bootstrap() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path="" words="" i
  case $prev in
${values.join('\n')}
    --dir|-d|--pki) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    --file|-f|--from-kubeadm) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    completion) COMPREPLY=($(compgen -W "${SHELLS.join(' ')}" -- "$cur")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
      ${all
        .filter((s) => s.path)
        .map((s) => JSON.stringify(s.path))
        .join('|')}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
    esac
  done
  case $path in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _bootstrap bootstrap`;
}

const zshText = (text: string) => text.replace(/[[\]:'\\]/g, ' ').replace(/\s+/g, ' ');

function zsh(all: readonly Step[], profiles: readonly string[]): string {
  const cases = all.map(
    ({ path, words }) => `    '${path}') list=(${words.map((w) => `'${w.word}:${zshText(w.help)}'`).join(' ')}) ;;`,
  );
  const values = Object.entries(VALUES(profiles)).map(([flag, list]) => `    ${flag}) compadd ${list}; return ;;`);
  return `#compdef bootstrap
_bootstrap() {
  local -a list
  local line='' word
  case $words[CURRENT-1] in
${values.join('\n')}
    --dir|-d|--pki) _files -/; return ;;
    --file|-f|--from-kubeadm) _files; return ;;
    completion) compadd ${SHELLS.join(' ')}; return ;;
  esac
  for word in \${words[2,CURRENT-1]}; do
    case "\${line:+$line }$word" in
      ${all
        .filter((s) => s.path)
        .map((s) => `'${s.path}'`)
        .join('|')}) line="\${line:+$line }$word" ;;
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

function fish(all: readonly Step[], profiles: readonly string[]): string {
  const lines = all.flatMap(({ path, words }) =>
    words.map(({ word, help }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
      const list = VALUES(profiles)[word];
      return `complete -c bootstrap -f -n '__bootstrap_at ${fishText(path).slice(1, -1)}' ${what} -d ${fishText(help)}${list ? ` -x -a '${list}'` : ''}`;
    }),
  );
  const known = all.filter((s) => s.path).map((s) => fishText(s.path));
  return `# fish completion for bootstrap
function __bootstrap_at
  set -l line
  for word in (commandline -opc)[2..]
    contains -- (string join ' ' $line $word) ${known.join(' ')}; and set -a line $word
  end
  test "$line" = "$argv"
end
${lines.join('\n')}
complete -c bootstrap -f -n '__bootstrap_at completion' -a '${SHELLS.join(' ')}'
complete -c bootstrap -l dir -s d -r -a '(__fish_complete_directories)'
complete -c bootstrap -l pki -r -a '(__fish_complete_directories)'
complete -c bootstrap -l file -s f -r -F
complete -c bootstrap -l from-kubeadm -r -F`;
}
