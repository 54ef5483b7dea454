import { BootstrapError } from '../../base/errors.ts';
import { type ClusterObject, type ClusterObjects, objectName } from '../../render/cluster/object.ts';
import { isMap, type JsonMap } from '../../render/json.ts';
import { childPath } from '../../spec/tree.ts';
import type { ObjectChange } from '../plan.ts';
import { applyOne, type KeptField } from './apply-one.ts';
import { differingFields } from './differing-fields.ts';
import { missingMarks, readNode } from './mark-node.ts';
import {
  callPatiently,
  isGood,
  isMissing,
  messageOf,
  type ObjectApi,
  type Patience,
  patience,
  reasonOf,
} from './object-api.ts';
import { objectPath } from './object-path.ts';
import { together } from './together.ts';

export interface DiffOptions {
  readonly patience?: Patience;
  /** Is told of every field that somebody else has set and that stays theirs. */
  readonly onKept?: (kept: KeptField) => void;
  /** Is told of every master that has not registered. */
  readonly onUnregistered?: (node: string) => void;
}

/**
 * What `applyObjects` would do, by asking the apiserver itself: a dry run of each apply, compared with what is there.
 * Nothing is changed. Nodes that have not registered are left out: they are marked once they have.
 * @throws BootstrapError where the apiserver does not answer or refuses something
 */
export async function diffObjects(
  api: ObjectApi,
  wanted: ClusterObjects,
  options: DiffOptions = {},
): Promise<readonly ObjectChange[]> {
  const patient = options.patience ?? patience(10);
  const objects = await together(wanted.objects, (object) => diffObject(api, object, patient));
  for (const { kept } of objects) for (const field of kept) options.onKept?.(field);
  const nodes = await together(wanted.nodes, async (marks): Promise<readonly ObjectChange[]> => {
    const node = await readNode(api, marks.node, patient);
    if (!node) options.onUnregistered?.(marks.node);
    const change = node && missingMarks(node, marks);
    if (!change) return [];
    const fields = Object.keys(change.labels).map((key) => childPath('metadata.labels', key));
    if (change.taints) fields.push('spec.taints');
    return [{ kind: 'change', object: `Node ${marks.node}`, fields }];
  });
  return [...objects.flatMap(({ changes }) => changes), ...nodes.flat()];
}

async function diffObject(
  api: ObjectApi,
  object: ClusterObject,
  patient: Patience,
): Promise<{ readonly changes: readonly ObjectChange[]; readonly kept: readonly KeptField[] }> {
  const live = await readObject(api, object, patient);
  if (!live) return { changes: [{ kind: 'create', object: objectName(object), fields: [] }], kept: [] };
  const { object: after, kept } = await applyOne(api, object, true, patient);
  const fields = differingFields(live, after);
  return { changes: fields.length ? [{ kind: 'change', object: objectName(object), fields }] : [], kept };
}

/** The object as the API has it; undefined where there is none. */
export async function readObject(
  api: ObjectApi,
  object: ClusterObject,
  patient: Patience,
): Promise<JsonMap | undefined> {
  const answer = await callPatiently(api, 'GET', objectPath(object), {}, patient);
  if (isMissing(answer)) return undefined;
  if (isGood(answer) && isMap(answer.body)) return answer.body;
  const said = object.kind === 'Secret' ? '' : `: ${messageOf(answer)}`;
  throw new BootstrapError('failed', `the apiserver does not show ${objectName(object)} (${reasonOf(answer)})${said}`);
}
