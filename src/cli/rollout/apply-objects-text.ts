import { secondsText } from '../../base/seconds-text.ts';
import type { SeenApi } from '../../rollout/direct-api.ts';
import type { ObjectChange } from '../../rollout/plan.ts';
import type { Json } from '../../spec/tree.ts';
import { count } from '../format.ts';
import type { Io } from '../io.ts';
import { objectLines } from '../plan-objects.ts';
import { printable } from '../printable.ts';
import { wrap } from '../wrap.ts';

/** What `apply --objects` would do. */
export interface PlannedObjects {
  readonly cluster: string;
  readonly changes: readonly ObjectChange[];
  /** Masters whose kubelets have not registered them: they are waited for, and then marked. */
  readonly unregistered: readonly string[];
}

export interface AppliedOnlyObjects {
  readonly cluster: string;
  /** Those that were made or changed. */
  readonly objects: readonly string[];
  /** Masters that have not registered in time. */
  readonly unregistered: readonly string[];
}

type Data = { readonly [key: string]: Json };

const NOTHING = 'nothing to do: the objects in the API are as the cluster file says';

export function plannedText(planned: PlannedObjects, { columns, color }: Io, quiet: boolean): string {
  const { changes, unregistered } = planned;
  const rows = [
    ...objectLines(changes, color),
    ...(unregistered.length
      ? wrap(`${unregistered.join(', ')}: not registered yet; labels and taints once they are`, columns, 'masters  ')
      : []),
  ];
  const parts = [
    ...(changes.length ? [`${count(changes.length, 'API object')} applied`] : []),
    ...(unregistered.length ? [`${count(unregistered.length, 'master')} waited for`] : []),
  ];
  const last = parts.join('; ') || NOTHING;
  return [...(quiet || !rows.length ? [] : [rows.join('\n')]), last].join('\n\n');
}

export function plannedData({ cluster, changes, unregistered }: PlannedObjects): Data {
  return {
    cluster,
    changes: changes.length + unregistered.length > 0,
    objects: changes.map(({ kind, object, fields }) => ({ kind, object, fields })),
    unregistered,
  };
}

/** @param ask how to ask the cluster something, where until now nobody but the super-admin had any rights */
export function appliedText({ cluster, objects }: AppliedOnlyObjects, ask: string | undefined): string {
  if (!objects.length) return 'no API object had to be changed';
  const done = `${count(objects.length, 'API object')} applied`;
  if (ask === undefined) return done;
  return [`The API of ${cluster} has what it needs: ${done}`, '', 'Next', `  Ask it:         ${ask}`].join('\n');
}

export function appliedData({ cluster, objects, unregistered }: AppliedOnlyObjects): Data {
  return { cluster, objects, unregistered };
}

/** `waits for an API (14 min left): api.example.com:6443, 10.0.0.11:6443 (cp1): nobody listens there`. */
export function waitingForApi(seen: readonly SeenApi[], secondsLeft: number): string {
  const groups = new Map<string, string[]>();
  for (const each of seen) groups.set(each.seen, [...(groups.get(each.seen) ?? []), each.name]);
  const what = [...groups].map(([text, names]) => `${names.join(', ')}: ${printable(text)}`).join('; ');
  return `waits for an API (${secondsText(secondsLeft)} left): ${what}`;
}

export function waitingForNodes(nodes: readonly string[]): string {
  return `waits for ${nodes.join(', ')} to register`;
}
