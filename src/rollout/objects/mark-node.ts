import { BootstrapError } from '../../base/errors.ts';
import { CONTROL_PLANE_LABEL } from '../../render/cluster/node-marks.ts';
import type { NodeMarks } from '../../render/cluster/object.ts';
import { below, isList, isMap, type JsonMap } from '../../render/json.ts';
import type { Json } from '../../spec/tree.ts';
import { callPatiently, isGood, isMissing, messageOf, type ObjectApi, type Patience, reasonOf } from './object-api.ts';
import { nodePath } from './object-path.ts';

/** What is to be changed of a node; taints as the whole list, which is how the API takes them. */
export interface MarkChange {
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Json[] | undefined;
}

/**
 * The labels and taints that a node lacks; undefined where it lacks none. Others are never touched. The control-plane
 * label tells whether the node has been marked before.
 */
export function missingMarks(node: JsonMap, { once, always }: NodeMarks): MarkChange | undefined {
  const live = below(node, 'metadata', 'labels');
  const has = isMap(live) ? live : {};
  const isNew = !Object.hasOwn(has, CONTROL_PLANE_LABEL);
  const wanted = { ...(isNew && once.labels), ...always.labels };
  const labels = Object.fromEntries(Object.entries(wanted).filter(([key, value]) => has[key] !== value));

  const liveTaints = below(node, 'spec', 'taints');
  let taints: readonly Json[] = isList(liveTaints) ? liveTaints : [];
  let changed = false;
  for (const { key, value, effect } of [...(isNew ? once.taints : []), ...always.taints]) {
    const isThis = (taint: Json) => below(taint, 'key') === key && below(taint, 'effect') === effect;
    const found = taints.find(isThis);
    if (found && (below(found, 'value') ?? '') === (value ?? '')) continue;
    changed = true;
    taints = [...taints.filter((taint) => !isThis(taint)), { key, effect, ...(value && { value }) }];
  }
  if (!changed && !Object.keys(labels).length) return undefined;
  return { labels, taints: changed ? taints : undefined };
}

/** The node as the API has it; undefined where it has not registered. */
export async function readNode(api: ObjectApi, name: string, patient: Patience): Promise<JsonMap | undefined> {
  const answer = await callPatiently(api, 'GET', nodePath(name), {}, patient);
  if (isMissing(answer)) return undefined;
  if (isGood(answer) && isMap(answer.body)) return answer.body;
  throw new BootstrapError(
    'failed',
    `the apiserver does not show the node ${name} (${reasonOf(answer)}): ${messageOf(answer)}`,
  );
}

/**
 * Adds what a node lacks. A change by somebody else in between is seen (by the resourceVersion) and looked at anew.
 * @returns the node before and after, the same where nothing was missing; undefined where it has not registered
 * @throws BootstrapError `failed` where the apiserver refuses
 */
export async function markNode(
  api: ObjectApi,
  marks: NodeMarks,
  patient: Patience,
): Promise<{ readonly before: JsonMap; readonly after: JsonMap } | undefined> {
  const end = patient.now() + patient.seconds * 1000;
  for (;;) {
    const before = await readNode(api, marks.node, patient);
    if (!before) return undefined;
    const change = missingMarks(before, marks);
    if (!change) return { before, after: before };
    const version = below(before, 'metadata', 'resourceVersion');
    const body: JsonMap = {
      metadata: { labels: change.labels, ...(typeof version === 'string' && { resourceVersion: version }) },
      ...(change.taints && { spec: { taints: change.taints } }),
    };
    const request = {
      body,
      contentType: 'application/strategic-merge-patch+json',
      query: { fieldManager: 'bootstrap' },
    };
    const answer = await callPatiently(api, 'PATCH', nodePath(marks.node), request, patient);
    if (isGood(answer) && isMap(answer.body)) return { before, after: answer.body };
    if (answer.status !== 409 || patient.now() >= end) throw refused(marks.node, answer);
  }
}

function refused(node: string, answer: Parameters<typeof reasonOf>[0]): BootstrapError {
  return new BootstrapError(
    'failed',
    `the apiserver does not mark the node ${node} (${reasonOf(answer)}): ${messageOf(answer)}`,
  );
}
