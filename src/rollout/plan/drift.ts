import type { NodeFacts } from '../node-facts.ts';
import type { Drift } from '../plan.ts';

/**
 * Files that are not as the current revision left them. None while another revision is being put in place or is not
 * confirmed: then files of two revisions lie side by side, and no file is where a person has put it.
 */
export function driftOf({ index, files, transaction }: NodeFacts): readonly Drift[] {
  if (transaction && transaction.state !== 'preparing') return [];
  return index.flatMap(({ path, sha256, mode, owner }): readonly Drift[] => {
    const now = files.get(path);
    if (!now) return [{ path, what: 'missing', detail: 'is not there any more' }];
    if (now.type === 'other') return [{ path, what: 'changed', detail: 'is not a file any more' }];
    return [
      ...(now.sha256 === sha256 ? [] : [{ path, what: 'changed', detail: 'has another content' } as const]),
      ...(now.mode === mode
        ? []
        : [{ path, what: 'mode', detail: `mode ${octal(now.mode)} instead of ${octal(mode)}` } as const]),
      ...(now.owner === owner
        ? []
        : [{ path, what: 'owner', detail: `owner ${now.owner} instead of ${owner}` } as const]),
    ];
  });
}

/** `0600`. */
export function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
