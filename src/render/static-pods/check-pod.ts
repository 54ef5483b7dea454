import { type Fault, uniqueFaults } from '../../base/fault.ts';
import { checkApiReferences } from './check/api-references.ts';
import { checkContainers } from './check/containers.ts';
import type { PodCheck, Where } from './check/context.ts';
import { checkForms } from './check/forms.ts';
import { checkHost } from './check/host.ts';
import { checkLifetime } from './check/lifetime.ts';
import { checkMetadata } from './check/metadata.ts';
import { checkMinor } from './check/minor.ts';
import { checkName } from './check/name.ts';
import { checkNetwork } from './check/network.ts';
import { checkPlacement } from './check/placement.ts';
import { checkProbes } from './check/probes.ts';
import { checkResources } from './check/resources.ts';
import { checkSecurity } from './check/security.ts';
import { checkVolumes } from './check/volumes.ts';
import type { StaticPod } from './static-pod.ts';

const CHECKS: readonly PodCheck[] = [
  checkName,
  checkMetadata,
  checkApiReferences,
  checkPlacement,
  checkHost,
  checkLifetime,
  checkContainers,
  checkProbes,
  checkVolumes,
  checkResources,
  checkSecurity,
  checkNetwork,
  checkForms,
  checkMinor,
];

/**
 * Everything that can be said of one pod on one node, in file order. An error is what would keep it from running, harm
 * the node, or make the kubelet or the API server refuse it; the rest are warnings.
 */
export function checkPod(pod: StaticPod, where: Where): readonly Fault[] {
  return uniqueFaults(CHECKS.flatMap((check) => check(pod, where)));
}
