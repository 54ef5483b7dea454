import type { Component } from './component.ts';
import { fileFlag } from './file-flags.ts';
import { parseGoBool } from './go-values.ts';

/**
 * Whether a process reads the files that a flag names only when it starts, so that a change there needs a restart
 * (measured on 1.36.2 and etcd 3.5.30, shared/reference/rotation.md "Who reloads what"). False for flags that name no
 * file, for files that the process writes and for sockets.
 *
 * `flags` are all flags of the process (name → values); they matter where one flag switches the reloading of another.
 * What is not known to be reloaded counts as read only at start: a restart too many does no harm.
 */
export function readsFileOnlyAtStart(
  component: Component,
  name: string,
  minor: number,
  flags?: ReadonlyMap<string, readonly string[]>,
): boolean {
  const file = fileFlag(component, name);
  if (file?.access !== 'read') return false;
  switch (file.reload.kind) {
    case 'never':
      return true;
    case 'always':
      return false;
    case 'since':
      return minor < file.reload.minor;
    case 'with':
      return parseGoBool(flags?.get(file.reload.flag)?.at(-1) ?? 'false') !== true;
  }
}
