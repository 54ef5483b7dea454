import { parse } from 'yaml';
import { errorAt, type Fault } from '../../base/fault.ts';
import { factsOf } from '../../kubernetes/facts.ts';
import { parseGoBool } from '../../kubernetes/go-values.ts';
import type { Json } from '../../spec/tree.ts';
import type { NodeInput, PlannedPod } from '../context.ts';
import { lastUse } from '../flag-use.ts';
import { below, isList } from '../json.ts';
import { mountsOf, onHost } from './mounts.ts';
import { probesOf } from './probes.ts';

/**
 * The kubelet's probes carry no identity: where the API server answers them with 401 it is killed over and over. Seen on
 * 1.36.2 with --anonymous-auth=false; with both that and `anonymous` in the authentication configuration it does not start.
 */
export function checkAnonymous(input: NodeInput, pod: PlannedPod): readonly Fault[] {
  if (pod.component !== 'kube-apiserver') return [];
  const flag = lastUse(pod.flags, 'anonymous-auth');
  const config = lastUse(pod.flags, 'authentication-config');
  const anonymous = config?.value ? below(readUserFile(input, pod, config.value), 'anonymous') : undefined;
  if (flag && anonymous !== undefined) {
    return [
      errorAt(
        flag.at ?? config?.at,
        '--anonymous-auth and "anonymous" in the file of --authentication-config exclude each other',
        'take one away',
      ),
    ];
  }
  const paths = [
    ...new Set(
      probesOf(pod)
        .filter((probe) => probe.kind === 'httpGet' && !probe.hasHeaders)
        .map((probe) => probe.path),
    ),
  ];
  const refused = paths.filter((path) =>
    anonymous === undefined ? parseGoBool(flag?.value ?? 'true') === false : !allows(anonymous, path),
  );
  if (!refused.length) return [];
  const { authenticationConfigVersion } = factsOf(input.cluster.version.minor);
  const conditions = paths.map((path) => `{path: ${path}}`).join(', ');
  const message = `the kubelet's probes of ${refused.join(' and ')} would be refused, and kube-apiserver be killed for it again and again`;
  const hint = `allow just these paths, by --authentication-config with an AuthenticationConfiguration (${authenticationConfigVersion}): anonymous: {enabled: true, conditions: [${conditions}]}`;
  return [errorAt(flag?.at ?? config?.at, message, hint)];
}

function allows(anonymous: Json, path: string): boolean {
  if (below(anonymous, 'enabled') !== true) return false;
  const conditions = below(anonymous, 'conditions');
  return (
    !isList(conditions) || conditions.length === 0 || conditions.some((condition) => below(condition, 'path') === path)
  );
}

/** One of the node's `files`, found by its path in the container; undefined where it is none of them, or no YAML. */
function readUserFile({ node }: NodeInput, pod: PlannedPod, path: string): Json | undefined {
  const wanted = onHost(mountsOf(pod), path);
  const file = node.files.find((candidate) => candidate.path === wanted);
  try {
    return file && (parse(file.content.toString(), { maxAliasCount: 0, logLevel: 'silent' }) as Json);
  } catch {
    return undefined;
  }
}
