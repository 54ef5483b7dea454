import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name without dashes → values, in their order. */
export type Flags = ReadonlyMap<string, readonly string[]>;

/** Minor → program → names of its flags. */
type KnownFlags = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

export const flag = (flags: Flags, name: string, standard = ''): string => flags.get(name)?.at(-1) ?? standard;

/** All values of a list, however often the flag is given. */
export const listFlag = (flags: Flags, name: string): readonly string[] =>
  (flags.get(name) ?? []).flatMap((value) => value.split(',')).filter(Boolean);

/** The image's version: `v1.36.2`. */
export const version = (): string => (process.env['STAND_IN_IMAGE'] ?? '').split(':').at(-1) ?? '';

/** 36 of v1.36.2: what is read again, and what is not, differs from one to the next. */
export const minor = (): number => Number(/^v1\.(\d+)/.exec(version())?.[1] ?? 36);

/** Says why the program cannot start, as klog does, and ends it. */
export function fatal(message: string): never {
  const root = process.env['BOOTSTRAP_NODE_ROOT'] ?? '';
  const now = new Date().toISOString().slice(11, 23);
  console.error(`E${now} run.go:72] "command failed" err="${root ? message.replaceAll(root, '') : message}"`);
  process.exit(1);
}

/**
 * Reads the command line as the real programs do: a flag that they do not know ends them, and so does a file that is not
 * there. To make one fail that is right in all this, set FAIL_ON_PURPOSE in its environment (`extraEnvs`).
 * @param shared folder with `flags.json`: the names of the flags that each program of each minor has
 */
export function readFlags(program: string, shared: string, args: readonly string[]): Flags {
  const all = JSON.parse(readFileSync(join(shared, 'flags.json'), 'utf8')) as KnownFlags;
  const known = all[String(minor())]?.[program];
  const flags = new Map<string, string[]>();
  for (const arg of args) {
    const [, name = '', value = 'true'] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (known && !known.includes(name)) {
      console.error(`Error: unknown flag: --${name}`);
      process.exit(1);
    }
    flags.set(name, [...(flags.get(name) ?? []), value]);
  }
  for (const [name, values] of flags) {
    if (!/(file|certificate|key|config)$/.test(name)) continue;
    for (const path of values) {
      if (path.startsWith('/') && !existsSync(path)) fatal(`open ${path}: no such file or directory`);
    }
  }
  if (process.env['FAIL_ON_PURPOSE']) fatal(process.env['FAIL_ON_PURPOSE']);
  return flags;
}
