import { errorAt, type Fault, warningAt } from '../../../base/fault.ts';
import type { PodField } from '../../../kubernetes/pod-fields.ts';
import { locate, type Tree } from '../../../spec/tree.ts';
import { eachField } from '../field-faults.ts';
import type { StaticPod } from '../static-pod.ts';
import type { Where } from './context.ts';

/** Fields that do something only with a feature gate, and since which minor that is on (pkg/features/kube_features.go). */
const GATED: readonly (readonly [path: RegExp, gate: string, onSince: number])[] = [
  [/^spec\.hostnameOverride$/, 'HostnameOverride', 35],
  [/^spec\.resources$/, 'PodLevelResources', 34],
  [/\.restartPolicyRules$/, 'ContainerRestartRules', 35],
  [/\.containers\[\d+\]\.restartPolicy$/, 'ContainerRestartRules', 35],
  [/\.valueFrom\.fileKeyRef$/, 'EnvFiles', 35],
  [/\.volumes\[\d+\]\.image$/, 'ImageVolume', 35],
  [/\.lifecycle\.stopSignal$/, 'ContainerStopSignals', Infinity],
];

/** Fields that the kubelet of that minor does not have yet. */
export function checkMinor({ tree }: StaticPod, { minor }: Where): readonly Fault[] {
  const faults: Fault[] = [];
  const look = (field: Tree, { addedIn }: PodField) => {
    if (addedIn > minor) {
      const message = `is there since 1.${addedIn}; the kubelet of 1.${minor} would drop it without a word`;
      faults.push(errorAt(field, message, 'take it out'));
      return;
    }
    const gated = GATED.find(
      ([path, , onSince]) => minor < onSince && path.test(field.path.replace(/^.*?(?=\bspec\.)/, '')),
    );
    if (!gated) return;
    const message = `needs the feature gate ${gated[1]}, which is off in 1.${minor} where nobody turns it on`;
    faults.push(warningAt(locate(field, []), message, 'see that the kubelet has it, or take the field out'));
  };
  eachField(tree, 'Pod', look);
  return faults;
}
