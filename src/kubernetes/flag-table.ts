import type { Component } from './component.ts';
import type { EtcdMinor } from './facts.ts';
import { isRepeatable } from './flag-types.ts';

/** What is known of one flag in one minor. */
export interface FlagFacts {
  readonly name: string;
  /** As pflag or etcd names it: `stringSlice`, `duration`, `urls(comma)` … */
  readonly type: string;
  /** Whether giving it again adds to the value; otherwise only the last one counts. */
  readonly repeatable: boolean;
  /** Present where the flag is deprecated: what its own help says about that, or ''. */
  readonly deprecated?: string;
  /** The field of KubeletConfiguration that has taken the place of a kubelet flag. */
  readonly configField?: string;
  /** What etcd names instead of a deprecated flag. */
  readonly replacedBy?: string;
}

/** Why a flag that some minor has is not there in this one. */
type Absence =
  | { readonly kind: 'removed'; readonly in: string; readonly instead?: string }
  | { readonly kind: 'later'; readonly from: string };

export interface FlagTable {
  /** The program and its minor as messages name it: `kube-apiserver 1.36`, `etcd 3.5`. */
  readonly program: string;
  readonly flags: ReadonlyMap<string, FlagFacts>;
  absence(name: string): Absence | undefined;
}

/** `data/kube-apiserver.json` and its like: the flags of 1.36. */
export interface FlagData {
  readonly flags: Readonly<Record<string, string>>;
  readonly deprecated: Readonly<Record<string, string>>;
  readonly configFields?: Readonly<Record<string, string>>;
}

interface Change {
  readonly type?: string;
  readonly addedIn?: number;
  readonly removedIn?: number;
  readonly notDeprecatedFrom?: number;
  readonly instead?: string;
}

/** One component's part of `data/changes.json`: how the other minors differ from 1.36. */
export type ChangeData = Readonly<Record<string, Change>>;

/** The flags of a Kubernetes component in a minor. */
export function kubernetesFlags(component: Component, minor: number, data: FlagData, changes: ChangeData): FlagTable {
  const types = new Map(Object.entries(data.flags));
  for (const [name, change] of Object.entries(changes)) if (change.type) types.set(name, change.type);
  const flags = new Map<string, FlagFacts>();
  for (const [name, type] of types) {
    const change = changes[name] ?? {};
    if ((change.addedIn ?? 0) > minor || minor >= (change.removedIn ?? Infinity)) continue;
    const configField = data.configFields?.[name];
    const deprecated = data.deprecated[name] ?? (configField === undefined ? undefined : '');
    const stillDeprecated = deprecated !== undefined && minor < (change.notDeprecatedFrom ?? Infinity);
    flags.set(name, {
      name,
      type,
      repeatable: isRepeatable(type),
      ...(stillDeprecated && { deprecated }),
      ...(configField !== undefined && { configField }),
    });
  }
  return {
    program: `${component} 1.${minor}`,
    flags,
    absence(name) {
      const { addedIn, removedIn, instead } = (Object.hasOwn(changes, name) && changes[name]) || {};
      if (addedIn !== undefined && addedIn > minor) return { kind: 'later', from: `1.${addedIn}` };
      if (removedIn === undefined || removedIn > minor) return undefined;
      return { kind: 'removed', in: `1.${removedIn}`, ...(instead && { instead }) };
    },
  };
}

/** `data/etcd.json`: type, or [type, minors, minors where deprecated, replacement]. */
export interface EtcdData {
  readonly flags: Readonly<Record<string, string | readonly string[]>>;
  readonly featureGates: Readonly<Record<string, string>>;
}

/** The flags of etcd in a minor. */
export function etcdFlags(minor: EtcdMinor, data: EtcdData): FlagTable {
  const flags = new Map<string, FlagFacts>();
  for (const [name, entry] of Object.entries(data.flags)) {
    const [type = '', minors, deprecatedIn, replacedBy] = typeof entry === 'string' ? [entry] : entry;
    if (minors && !minors.split(' ').includes(minor)) continue;
    const deprecated = deprecatedIn?.split(' ').includes(minor);
    flags.set(name, {
      name,
      type,
      // Go's own flag package keeps the last value; only the gates of --feature-gates add up.
      repeatable: type === 'mapStringBool',
      ...(deprecated && { deprecated: '' }),
      ...(replacedBy && { replacedBy }),
    });
  }
  return {
    program: `etcd ${minor}`,
    flags,
    absence(name) {
      const entry = Object.hasOwn(data.flags, name) ? data.flags[name] : undefined;
      if (entry === undefined || typeof entry === 'string' || flags.has(name)) return undefined;
      const minors = entry[1]?.split(' ') ?? [];
      const first = minors[0] ?? '';
      if (first > minor) return { kind: 'later', from: first };
      const next = { '3.5': '3.6', '3.6': '3.7' }[minors.at(-1) ?? ''] ?? minor;
      return { kind: 'removed', in: next, ...(entry[3] && { instead: `write --${entry[3]}` }) };
    },
  };
}
