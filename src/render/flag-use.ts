import type { Located } from '../base/fault.ts';
import type { ExtraArg, Patch } from '../spec/cluster.ts';
import type { Json } from '../spec/tree.ts';
import type { JsonMap } from './json.ts';
import { asArguments, containerOf, flagName, listAt } from './overlay.ts';

/** One flag of a process as it will be started, and who set it. */
export interface FlagUse {
  readonly name: string;
  /** Undefined for a flag without `=`. */
  readonly value: string | undefined;
  readonly by: 'template' | 'user' | 'patch';
  /** Where the user set it; undefined for what the template says. */
  readonly at: Located | undefined;
}

/** All flags of a component's container, in order. */
export function podFlags(
  pod: JsonMap,
  component: string,
  args: readonly ExtraArg[],
  applied: readonly Patch[],
  unpatched: JsonMap,
): readonly FlagUse[] {
  return flagUses(words(pod, component), args, applied.at(-1)?.at, new Set(words(unpatched, component)));
}

function words(pod: JsonMap, component: string): readonly Json[] {
  const container = containerOf(pod, component);
  return [...listAt(container, 'command').slice(1), ...listAt(container, 'args')];
}

/**
 * @param before the words before any patch; none = there are no patches
 */
export function flagUses(
  items: readonly Json[],
  args: readonly ExtraArg[],
  patchedAt?: Located,
  before?: ReadonlySet<Json>,
): readonly FlagUse[] {
  const users = new Map(args.flatMap((arg) => asArguments([arg]).map((text) => [text, arg.at] as const)));
  return items.flatMap((item): readonly FlagUse[] => {
    const name = flagName(item);
    if (name === undefined || typeof item !== 'string') return [];
    const value = item.includes('=') ? item.slice(item.indexOf('=') + 1) : undefined;
    if (patchedAt && before && !before.has(item)) return [{ name, value, by: 'patch', at: patchedAt }];
    const at = users.get(item);
    return [{ name, value, by: at ? 'user' : 'template', at }];
  });
}

/** Flag name → values, a flag without `=` as `true`. */
export function valuesByName(uses: readonly FlagUse[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { name, value = 'true' } of uses) {
    const values = found.get(name);
    if (values) values.push(value);
    else found.set(name, [value]);
  }
  return found;
}

/** The last value of a flag, which is the one that counts. */
export function lastUse(uses: readonly FlagUse[], name: string): FlagUse | undefined {
  return uses.findLast((use) => use.name === name);
}
