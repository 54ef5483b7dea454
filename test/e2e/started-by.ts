import { readdirSync, readFileSync } from 'node:fs';

/** Processes on this machine that another one has started, or that use its connections. */
export function startedBy(pid: number): readonly number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, parent = ''] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
        return [{ pid: Number(name), parent: Number(parent), line: readFileSync(`/proc/${name}/cmdline`, 'utf8') }];
      } catch {
        // it has ended
        return [];
      }
    });
  const below = (of: number): readonly number[] =>
    all.filter(({ parent }) => parent === of).flatMap((child) => [child.pid, ...below(child.pid)]);
  // a shared connection of ssh has no parent any more; its socket lies in the run's own directory
  const sharing = all.filter(({ line }) => line.includes(`/bootstrap-${pid}-`)).map((each) => each.pid);
  return [...new Set([...below(pid), ...sharing])];
}
