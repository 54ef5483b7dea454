import { pause } from '../../base/pause.ts';
import { isMap, type JsonMap } from '../../render/json.ts';
import { waitFor } from '../apply/wait-for.ts';
import {
  callPatiently,
  isGood,
  isMissing,
  messageOf,
  type ObjectApi,
  patience,
  reasonOf,
} from '../objects/object-api.ts';
import { together } from '../objects/together.ts';
import type { Workload } from './finding.ts';
import { textAt } from './object-text.ts';
import { rolloutOf } from './rollout-of.ts';
import type { SettleOptions } from './settled.ts';

/** What `kubectl rollout restart` sets. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

export interface RestartOptions extends SettleOptions {
  /**
   * From when on a pod that starts is as it shall be, milliseconds since 1970. It is waited for; what was restarted after
   * it is not restarted again.
   */
  readonly since: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface Restarted {
  readonly restarted: readonly Workload[];
  /** What could not be restarted, or did not get ready in time, in words that begin with its name. */
  readonly unready: readonly string[];
}

/**
 * Restarts workloads as `kubectl rollout restart` does, and waits until their new pods are ready. Nothing that goes wrong
 * with one of them is an error: they are the user's own.
 * @throws BootstrapError `failed` where it was interrupted; ProbeError where no apiserver answers
 */
export async function restartWorkloads(
  api: ObjectApi,
  workloads: readonly Workload[],
  options: RestartOptions,
): Promise<Restarted> {
  const { signal, since, clock } = options;
  if (workloads.length) await pause(Math.max(0, since - clock()), signal);
  const outcomes = await together(workloads, (workload) => restart(api, workload, options));
  const restarted = workloads.filter((_, i) => outcomes[i] === 'restarted');
  const refusals = outcomes.filter((outcome) => outcome !== 'restarted' && outcome !== 'gone');
  return { restarted, unready: [...refusals, ...(await waitForRollouts(api, restarted, options))] };
}

/** `restarted`, `gone`, or why not. */
async function restart(
  api: ObjectApi,
  workload: Workload,
  { signal, since, clock }: RestartOptions,
): Promise<'restarted' | 'gone' | string> {
  const patient = patience(30, signal);
  const found = await callPatiently(api, 'GET', pathOf(workload), {}, patient);
  if (isMissing(found)) return 'gone';
  const before = Date.parse(textAt(found.body, 'spec', 'template', 'metadata', 'annotations', RESTARTED_AT));
  if (isGood(found) && before >= since) return 'restarted';
  const moment = new Date(clock()).toISOString().replace(/\.\d+Z$/, 'Z');
  const request = {
    body: { spec: { template: { metadata: { annotations: { [RESTARTED_AT]: moment } } } } },
    contentType: 'application/strategic-merge-patch+json',
    query: { fieldManager: 'bootstrap' },
  };
  const answer = await callPatiently(api, 'PATCH', pathOf(workload), request, patient);
  if (isGood(answer)) return 'restarted';
  if (isMissing(answer)) return 'gone';
  return `${called(workload)} cannot be restarted (${reasonOf(answer)}): ${messageOf(answer)}`;
}

async function waitForRollouts(
  api: ObjectApi,
  workloads: readonly Workload[],
  { seconds, signal, onUnmet, pauseMs = 2000 }: RestartOptions,
): Promise<readonly string[]> {
  let waiting = workloads;
  const stuck: string[] = [];
  const unmet = await waitFor(
    async () => {
      const looks = await together(waiting, async (workload) => ({
        workload,
        state: rolloutOf(workload.kind, await read(api, workload, signal)),
      }));
      stuck.push(
        ...looks.flatMap(({ workload, state }) => (state.kind === 'hopeless' ? [said(workload, state.unmet)] : [])),
      );
      const open = looks.flatMap(({ workload, state }) => (state.kind === 'not-yet' ? [{ workload, state }] : []));
      waiting = open.map(({ workload }) => workload);
      if (!open.length) return { kind: 'good' };
      return { kind: 'not-yet', unmet: open.map(({ workload, state }) => said(workload, state.unmet)) };
    },
    { seconds, pauseMs, signal, ...(onUnmet && { onUnmet }) },
  );
  return [...stuck, ...unmet];
}

async function read(api: ObjectApi, workload: Workload, signal: AbortSignal): Promise<JsonMap | undefined> {
  const answer = await callPatiently(api, 'GET', pathOf(workload), {}, patience(30, signal));
  return isGood(answer) && isMap(answer.body) ? answer.body : undefined;
}

function pathOf({ kind, namespace, name }: Workload): string {
  return `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/${kind.toLowerCase()}s/${encodeURIComponent(name)}`;
}

function called({ kind, namespace, name }: Workload): string {
  return `${kind} ${namespace}/${name}`;
}

function said(workload: Workload, unmet: readonly string[]): string {
  return `${called(workload)} ${unmet.join('; ')}`;
}
