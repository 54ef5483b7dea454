import { below, isMap, type JsonMap } from '../../render/json.ts';
import { listAt } from '../../render/overlay.ts';
import type { Json } from '../../spec/tree.ts';
import { counted, listed } from '../status/words.ts';
import { ROOT_CA } from './bundle-findings.ts';
import type { Finding, Workload } from './finding.ts';
import { fullName, nameOf, textAt } from './object-text.ts';
import { type Owner, ownerOf, restartCommand, workloadOf } from './owner.ts';

/**
 * Milliseconds after which every pod that starts sees a changed kube-root-ca.crt: the kubelet writes it into running pods
 * with each sync of theirs, which takes up to 90 s, and gives new pods what it knows then.
 */
export const SEEN_BY_PODS_AFTER = 120_000;

export interface PodLook {
  readonly pods: readonly JsonMap[];
  readonly replicaSets: readonly JsonMap[];
  /** `namespace/name` of the Secrets that hold a token and a CA. */
  readonly tokenSecrets: ReadonlySet<string>;
  /** Milliseconds since 1970; what started before has read the CA when the old one was the only one. */
  readonly startedBefore: number;
}

/**
 * Pods that speak to the API and have been running since before both CAs were trusted, by what made them. Whether one
 * reads the CA again (client-go 0.36 and later do) cannot be seen.
 */
export function podFindings({ pods, replicaSets, tokenSecrets, startedBefore }: PodLook): readonly Finding[] {
  const groups = new Map<string, { readonly owner: Owner; readonly names: string[] }>();
  for (const pod of pods) {
    if (!hasOldContainer(pod, tokenSecrets, startedBefore)) continue;
    const owner = ownerOf(pod, replicaSets);
    const key = `${owner.kind} ${owner.namespace}/${owner.name}`;
    const group = groups.get(key) ?? { owner, names: [] };
    groups.set(key, group);
    group.names.push(nameOf(pod));
  }
  return [...groups].map(([object, { owner, names }]): Finding => {
    const workload: Workload | undefined = workloadOf(owner);
    const all = [...names].sort();
    const which = owner.kind === 'Pod' ? '' : `${counted(names.length, 'pod')} (${listed(all)}) `;
    const verb = names.length === 1 ? 'has' : 'have';
    return {
      kind: 'pods',
      object,
      what: `${which}${verb} been running since before both CAs were trusted; clients older than client-go 0.36 read the CA only at their start`,
      remedy: restartCommand(owner, all),
      severity: 'blocks',
      ...(workload && { workload }),
    };
  });
}

/** A container that is started again reads the CA again, so that each counts for itself. */
function hasOldContainer(pod: JsonMap, tokenSecrets: ReadonlySet<string>, startedBefore: number): boolean {
  const volumes = new Set(
    listAt(pod, 'spec', 'volumes')
      .filter((volume) => holdsCredentials(volume, textAt(pod, 'metadata', 'namespace'), tokenSecrets))
      .map((volume) => textAt(volume, 'name')),
  );
  if (!volumes.size) return false;
  const started = new Map(
    ['containerStatuses', 'initContainerStatuses']
      .flatMap((field) => listAt(pod, 'status', field))
      .map((status) => [textAt(status, 'name'), Date.parse(textAt(status, 'state', 'running', 'startedAt'))]),
  );
  return ['containers', 'initContainers']
    .flatMap((field) => listAt(pod, 'spec', field))
    .filter((container) => listAt(container, 'volumeMounts').some((mount) => volumes.has(textAt(mount, 'name'))))
    .some((container) => (started.get(textAt(container, 'name')) ?? Number.NaN) < startedBefore);
}

function holdsCredentials(volume: Json, namespace: string, tokenSecrets: ReadonlySet<string>): boolean {
  const isSource = (source: Json): boolean =>
    isMap(below(source, 'serviceAccountToken')) ||
    textAt(source, 'configMap', 'name') === ROOT_CA ||
    tokenSecrets.has(`${namespace}/${textAt(source, 'secret', 'secretName') || textAt(source, 'secret', 'name')}`);
  return isSource(volume) || listAt(volume, 'projected', 'sources').some(isSource);
}

/** `namespace/name` of each. */
export function fullNames(objects: readonly JsonMap[]): ReadonlySet<string> {
  return new Set(objects.map(fullName));
}
