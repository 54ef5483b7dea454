import { BootstrapError } from '../../base/errors.ts';
import { type ClusterObject, objectName } from '../../render/cluster/object.ts';
import { below, isList, isMap, type JsonMap } from '../../render/json.ts';
import type { ApiAnswer } from '../probe/api-client.ts';
import { withoutField } from './field-path.ts';
import { callPatiently, isGood, isMissing, messageOf, type ObjectApi, type Patience, reasonOf } from './object-api.ts';
import { objectPath } from './object-path.ts';

/** A field that somebody else has set to another value: theirs stays. */
export interface KeptField {
  /** E.g. `ConfigMap kube-system/coredns`. */
  readonly object: string;
  /** As the apiserver writes it: `.data.Corefile`. */
  readonly field: string;
  /** Who has set it, e.g. `kubectl-edit`. */
  readonly manager: string;
}

export interface AppliedObject {
  /** As it is now, or would be. */
  readonly object: JsonMap;
  readonly kept: readonly KeptField[];
}

/** Each round gives up all fields of the conflict, so that more than two are never needed but for races. */
const MOST_ROUNDS = 5;

/**
 * Server-side apply, not forced: where a field has another owner and value, that field is left out and all else applied.
 * @throws BootstrapError `failed` saying what the apiserver refuses
 */
export async function applyOne(
  api: ObjectApi,
  object: ClusterObject,
  dryRun: boolean,
  patient: Patience,
): Promise<AppliedObject> {
  const name = objectName(object);
  const query = { fieldManager: 'bootstrap', ...(dryRun && { dryRun: 'All' }) };
  const kept: KeptField[] = [];
  let body = object.data;
  for (let round = 1; ; round++) {
    const answer = await callPatiently(
      api,
      'PATCH',
      objectPath(object),
      { body, query, contentType: 'application/apply-patch+yaml' },
      patient,
      // a namespace that the apiserver is about to make, or somebody who was faster
      (given) => isMissing(given) || (given.status === 409 && !conflictsIn(given).length),
    );
    if (isGood(answer) && isMap(answer.body)) return { object: answer.body, kept };
    const conflicts = answer.status === 409 ? conflictsIn(answer) : [];
    const before = body;
    for (const { field } of conflicts) body = withoutField(body, field) ?? body;
    if (!conflicts.length || body === before || round === MOST_ROUNDS) throw refused(name, object, answer);
    kept.push(...conflicts.map((conflict) => ({ object: name, ...conflict })));
  }
}

/** `details.causes` of a 409 that is one of server-side apply. */
function conflictsIn({ body }: ApiAnswer): readonly Omit<KeptField, 'object'>[] {
  const causes = below(body, 'details', 'causes');
  return (isList(causes) ? causes : []).flatMap((cause) => {
    if (below(cause, 'reason') !== 'FieldManagerConflict') return [];
    const [field, message] = [below(cause, 'field'), below(cause, 'message')];
    if (typeof field !== 'string') return [];
    const manager = /conflict with "((?:[^"\\]|\\.)*)"/.exec(String(message))?.[1] ?? 'somebody else';
    return [{ field, manager }];
  });
}

function refused(name: string, { kind }: ClusterObject, answer: ApiAnswer): BootstrapError {
  const said = kind === 'Secret' ? '' : messageOf(answer);
  const isImmutable = answer.status === 422 && /immutable|cannot change roleRef/.test(said);
  return new BootstrapError(
    'failed',
    `the apiserver does not take ${name} (${reasonOf(answer)})${said && `: ${said}`}`,
    isImmutable ? { hint: 'that cannot be changed in place: delete the object and apply again' } : {},
  );
}
