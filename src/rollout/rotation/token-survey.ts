import type { Pem } from '../../base/pem.ts';
import { below, type JsonMap } from '../../render/json.ts';
import { listAt } from '../../render/overlay.ts';
import type { ApiClient } from '../probe/api-client.ts';
import { counted, listed } from '../status/words.ts';
import { type Finding, sorted } from './finding.ts';
import { decodedAt, fullName, nameOf, textAt } from './object-text.ts';
import { type Owner, ownerOf, restartCommand, workloadOf } from './owner.ts';
import { keyIdsOf, SecretToken, signedWith } from './signed-token.ts';

export interface TokenSurveyInput {
  readonly api: ApiClient;
  /** Public half of the key that is given up, as PEM. */
  readonly oldKey: Pem;
  /** Since when all apiservers and the controller-manager sign with the new one, milliseconds since 1970. */
  readonly signingSince: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly signal?: AbortSignal;
}

/**
 * Tokens of the old key that are known to be in use: those kept in Secrets, and those of pods that may not have been
 * given a new one yet. Tokens that were given out otherwise (`kubectl create token`) are known to nobody.
 * @returns in a fixed order; nothing of a Secret but its name comes out
 * @throws ProbeError where the API does not show everything
 */
export async function surveyTokens(input: TokenSurveyInput): Promise<readonly Finding[]> {
  const { api, oldKey, signal } = input;
  const list = (path: string, limit: number, fieldSelector?: string) =>
    api.list(path, {
      seconds: 30,
      query: { limit, ...(fieldSelector && { fieldSelector }) },
      ...(signal && { signal }),
    });
  const [secrets, pods, replicaSets] = await Promise.all([
    list('/api/v1/secrets', 200, 'type=kubernetes.io/service-account-token'),
    list('/api/v1/pods', 100),
    list('/apis/apps/v1/replicasets', 200),
  ]);
  return sorted([
    ...secretTokenFindings(secrets, keyIdsOf(oldKey)),
    ...podTokenFindings(pods, replicaSets, input.signingSince, input.now),
  ]);
}

/** @param old ids of the keys that are given up */
function secretTokenFindings(secrets: readonly JsonMap[], old: ReadonlySet<string>): readonly Finding[] {
  return secrets.flatMap((secret): readonly Finding[] => {
    const id = signedWith(new SecretToken(decodedAt(secret, 'data', 'token')));
    if (id === undefined || !old.has(id)) return [];
    const patch = '[{"op":"remove","path":"/data/token"}]';
    const namespace = textAt(secret, 'metadata', 'namespace');
    return [
      {
        kind: 'token-secret',
        object: `Secret ${fullName(secret)}`,
        what: 'its token was signed with the outgoing key',
        remedy: `have it made anew, then copy it to where it is used: \`kubectl patch secret ${nameOf(secret)} -n ${namespace} --type=json -p '${patch}'\``,
        severity: 'blocks',
      },
    ];
  });
}

/** What the kubelet asks for where a pod does not say (ServiceAccount admission, WarnOnlyBoundTokenExpirationSeconds). */
const DEFAULT_LIFE = 3607;
/** The kubelet asks for a new token after a day at the latest (pkg/kubelet/token, maxTTL), and it does so at odd moments. */
const LONGEST_USE = 24 * 3600;
/** Seconds that its jitter, the next sync of the pod and the client's own reading of the file may take besides. */
const MARGIN = 180;

/** Pods that were made before, as long as the kubelet may not have brought them a token of the new key. */
function podTokenFindings(
  pods: readonly JsonMap[],
  replicaSets: readonly JsonMap[],
  signingSince: number,
  now: number,
): readonly Finding[] {
  const groups = new Map<string, { readonly owner: Owner; readonly names: string[]; until: number }>();
  for (const pod of pods) {
    if (/^(Succeeded|Failed)$/.test(textAt(pod, 'status', 'phase'))) continue;
    if (Date.parse(textAt(pod, 'metadata', 'creationTimestamp')) >= signingSince) continue;
    const until = signingSince + longestUse(pod) * 1000;
    if (until <= now || until === signingSince) continue;
    const owner = ownerOf(pod, replicaSets);
    const key = `${owner.kind} ${owner.namespace}/${owner.name}`;
    const group = groups.get(key) ?? { owner, names: [], until };
    groups.set(key, group);
    group.names.push(nameOf(pod));
    group.until = Math.max(group.until, until);
  }
  return [...groups].map(([object, { owner, names, until }]): Finding => {
    const workload = workloadOf(owner);
    const all = [...names].sort();
    return {
      kind: 'pods',
      object,
      what: `${counted(names.length, 'pod')} (${listed(all)}) may use a token of the outgoing key until ${iso(until)}`,
      remedy: `wait until then, or ${restartCommand(owner, all)}`,
      severity: 'blocks',
      ...(workload && { workload }),
    };
  });
}

/** Seconds for which a pod may use a token after it was given it: four fifths of its life; 0 where it has none. */
function longestUse(pod: JsonMap): number {
  const lives = listAt(pod, 'spec', 'volumes')
    .flatMap((volume) => listAt(volume, 'projected', 'sources'))
    .flatMap((source) => {
      if (below(source, 'serviceAccountToken') === undefined) return [];
      const seconds = below(source, 'serviceAccountToken', 'expirationSeconds');
      return [typeof seconds === 'number' ? seconds : DEFAULT_LIFE];
    });
  return lives.length ? Math.min(LONGEST_USE, Math.max(...lives) * 0.8) + MARGIN : 0;
}

function iso(moment: number): string {
  return new Date(moment).toISOString().replace(/\.\d+Z$/, 'Z');
}
