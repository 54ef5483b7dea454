import { type Fault, warningAt } from '../../base/fault.ts';
import { applyRank } from '../../kubernetes/api-kinds.ts';
import { type ClusterObject, type ClusterObjects, objectName } from '../../render/cluster/object.ts';
import { applyOne, type KeptField } from './apply-one.ts';
import { readObject } from './diff-objects.ts';
import { differingFields } from './differing-fields.ts';
import { markNodes } from './mark-nodes.ts';
import { type ObjectApi, type Patience, patience } from './object-api.ts';
import { together } from './together.ts';

/** What became of one object. */
interface ObjectOutcome {
  /** E.g. `ConfigMap kube-system/kubeadm-config`, `Node cp1`. */
  readonly object: string;
  readonly outcome: 'created' | 'changed' | 'unchanged';
  readonly fields: readonly string[];
}

export interface AppliedObjects {
  readonly outcomes: readonly ObjectOutcome[];
  /** Fields that somebody else has set and that stay theirs. */
  readonly kept: readonly KeptField[];
  /** Masters that have not registered in time; `notRegistered` says so. */
  readonly unregistered: readonly string[];
}

export interface ApplyObjectsOptions {
  readonly onProgress?: (outcome: ObjectOutcome) => void;
  /** Is told which masters it waits for to register. */
  readonly onWaiting?: (nodes: readonly string[]) => void;
  /** For one call of the API; 60 s. */
  readonly patience?: Patience;
  /** For all nodes to register; `REGISTER_SECONDS`. */
  readonly nodePatience?: Patience;
  readonly signal?: AbortSignal;
}

/** Seconds that a master may take to register where its kubelet is known to run. */
export const REGISTER_SECONDS = 120;

/**
 * Puts the objects into the cluster by server-side apply as `bootstrap`, never forced: what somebody else has set stays.
 * Kind after kind, in the order of `applyRank`; then the masters get their labels and taints, each once it has registered.
 * Repeating it is harmless, and changes nothing where nothing is to be changed.
 * @throws BootstrapError where the apiserver does not answer in time or refuses something
 */
export async function applyObjects(
  api: ObjectApi,
  wanted: ClusterObjects,
  options: ApplyObjectsOptions = {},
): Promise<AppliedObjects> {
  const patient = options.patience ?? patience(60, options.signal);
  const nodePatient = options.nodePatience ?? patience(REGISTER_SECONDS, options.signal);
  const outcomes: ObjectOutcome[] = [];
  const kept: KeptField[] = [];
  const done = (outcome: ObjectOutcome) => {
    outcomes.push(outcome);
    options.onProgress?.(outcome);
  };
  for (const group of byRank(wanted.objects)) {
    await together(group, async (object) => {
      const before = await readObject(api, object, patient);
      const applied = await applyOne(api, object, false, patient);
      kept.push(...applied.kept);
      const fields = before ? differingFields(before, applied.object) : [];
      const outcome = !before ? 'created' : fields.length ? 'changed' : 'unchanged';
      done({ object: objectName(object), outcome, fields });
    });
  }
  const unregistered = await markNodes(api, wanted.nodes, {
    patience: nodePatient,
    callPatience: patient,
    onMarked: ({ node, fields }) =>
      done({ object: `Node ${node}`, outcome: fields.length ? 'changed' : 'unchanged', fields }),
    ...(options.onWaiting && { onWaiting: options.onWaiting }),
  });
  return { outcomes, kept, unregistered };
}

/** A warning for the user: which field stays as somebody else has set it. */
export function keptWarning({ object, field, manager }: KeptField): Fault {
  return warningAt(
    undefined,
    `${object}: ${field} stays as "${manager}" has set it, which is not what the cluster file asks for`,
    'to have it as bootstrap makes it, delete the object and apply again',
  );
}

function byRank(objects: readonly ClusterObject[]): readonly (readonly ClusterObject[])[] {
  const groups = new Map<number, ClusterObject[]>();
  for (const object of objects) groups.set(applyRank(object), [...(groups.get(applyRank(object)) ?? []), object]);
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}
