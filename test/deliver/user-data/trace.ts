import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { needTool } from '../../support/tools.ts';
import type { Ended, ScratchBoot } from './scratch.ts';

export const CALLS = [
  ...['execve', 'umask', 'chdir', 'open', 'openat', 'creat', 'mkdir', 'mkdirat', 'chmod', 'fchmod', 'fchmodat'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'clone', 'clone3', 'fork', 'vfork'],
];

/** One thing that happened to a file of the machine, or one program that was started. */
export type Event =
  /** A file or directory came into being, with these rights; or one got others. */
  | { readonly kind: 'made'; readonly path: string; readonly mode: number }
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | { readonly kind: 'mode'; readonly path: string; readonly mode: number }
  | { readonly kind: 'renamed'; readonly from: string; readonly path: string }
  | { readonly kind: 'ran'; readonly argv: string };

/** Whether programs can be watched here; in some containers they cannot. */
export function canTrace(): boolean {
  if (!needTool('strace')) return false;
  const works = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
  if (!works)
    console.warn('SKIPPED: strace may not watch anything here, so the order of the first boot was not checked');
  return works;
}

/** Runs install.sh under strace: how it ended, and everything that happened below the root, in its order. */
export function traced(boot: ScratchBoot): { readonly ended: Ended; readonly events: readonly Event[] } {
  const log = join(boot.beside, 'strace');
  const script = boot.at('/etc/bootstrap/install.sh');
  const ended = boot.run({}, [
    ...['strace', '-f', '-s', '4096', '-o', log, '-e', `trace=${CALLS.join(',')}`],
    ...['sh', '-c', `umask 022; exec sh '${script}'`],
  ]);
  return { ended, events: eventsOf(readFileSync(log, 'latin1'), boot.root) };
}

/** What each process knows of itself. */
interface Process {
  umask: number;
  cwd: string;
}

/** @param root paths are shown without it; '' for all there are */
export function eventsOf(log: string, root: string): readonly Event[] {
  const processes = new Map<string, Process>();
  const parts = new Map<string, string>();
  const events: Event[] = [];
  const inRoot = (path: string): string | undefined =>
    path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
  const ofRoot = (process: Process, name: string, add: (path: string) => void): void => {
    const path = inRoot(resolve(process.cwd, name));
    if (path !== undefined) add(path);
  };
  for (const raw of log.split('\n')) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(raw) ?? [];
    if (rest.endsWith('<unfinished ...>')) {
      parts.set(pid, rest.replace(/ *<unfinished \.\.\.>$/, ''));
      continue;
    }
    const line = rest.replace(/^<\.\.\. \w+ resumed>/, () => parts.get(pid) ?? '');
    const [, call = '', args = '', result = ''] = /^(\w+)\((.*)\) += (-?\d+|0[0-7]*|\?)/.exec(line) ?? [];
    if (call === '' || (result.startsWith('-') && call !== 'execve')) continue;
    // the first one is what strace itself starts
    const own = processes.get(pid) ?? { umask: 0o022, cwd: '/' };
    processes.set(pid, own);
    const names = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, name = '']) => name);
    const [first = '', second = ''] = names;
    const mode = Number.parseInt(/, (0\d+)$/.exec(args.replace(/, AT_\w+$/, ''))?.[1] ?? '0', 8);
    if (/^(?:v?fork|clone)/.test(call)) processes.set(result, { ...own });
    else if (call === 'umask') own.umask = Number.parseInt(args, 8);
    else if (call === 'chdir') own.cwd = resolve(own.cwd, first);
    else if (/^mkdir/.test(call))
      ofRoot(own, first, (path) => events.push({ kind: 'folder', path, mode: mode & ~own.umask }));
    else if (/^(?:open|creat)/.test(call)) {
      if (/O_CREAT|^creat/.test(`${call}${args}`))
        ofRoot(own, first, (path) => events.push({ kind: 'made', path, mode: mode & ~own.umask }));
    } else if (/chmod/.test(call)) ofRoot(own, first, (path) => events.push({ kind: 'mode', path, mode }));
    else if (/^(?:rename|link)/.test(call)) {
      const from = inRoot(resolve(own.cwd, first)) ?? first;
      ofRoot(own, second, (path) => events.push({ kind: 'renamed', from, path }));
    } else if (call === 'execve' && !result.startsWith('-'))
      events.push({ kind: 'ran', argv: names.slice(1).join(' ') });
  }
  return events;
}
