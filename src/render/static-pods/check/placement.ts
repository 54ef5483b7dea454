import { errorAt, type Fault, warningAt } from '../../../base/fault.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, locate, type Tree } from '../../../spec/tree.ts';
import { isLabelValue, isQualifiedName } from '../names.ts';
import { isSetAt, keysAt, locateKey, numberAt, textAt } from '../parts.ts';
import { quote } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';
import type { Where } from './context.ts';

const OS = 'kubernetes.io/os';
const HOSTNAME = 'kubernetes.io/hostname';

/** What only a scheduler looks at. */
const SCHEDULERS = ['schedulerName', 'topologySpreadConstraints', 'schedulingGroup'] as const;

/** Where the pod is to run: a static pod runs where its manifest is, whatever it says itself. */
export function checkPlacement({ tree }: StaticPod, where: Where): readonly Fault[] {
  const faults: Fault[] = [];
  const nodeName = textAt(tree, 'spec', 'nodeName');
  if (nodeName && nodeName !== where.node) {
    // pkg/kubelet/config/common.go, applyDefaults
    const message = `the pod is for ${where.node}, where the kubelet puts its own name for ${quote(nodeName)}`;
    faults.push(warningAt(locate(tree, ['spec', 'nodeName']), message, 'take it out'));
  }
  if (isSetAt(tree, 'spec', 'schedulingGates')) {
    // pkg/apis/core/validation: nodeName "cannot be set until all schedulingGates have been cleared"
    const message = 'the kubelet refuses the pod: nobody would ever open the gates of a static pod';
    faults.push(errorAt(locateKey(tree, 'spec', 'schedulingGates'), message, 'take them out'));
  }
  for (const field of SCHEDULERS) {
    if (!isSetAt(tree, 'spec', field) || textAt(tree, 'spec', field) === 'default-scheduler') continue;
    faults.push(
      warningAt(locateKey(tree, 'spec', field), 'does nothing: no scheduler sees a static pod', 'take it out'),
    );
  }
  for (const field of ['podAffinity', 'podAntiAffinity']) {
    if (!isSetAt(tree, 'spec', 'affinity', field)) continue;
    const message = 'does nothing: no scheduler sees a static pod';
    faults.push(warningAt(locateKey(tree, 'spec', 'affinity', field), message, 'take it out'));
  }
  return [...faults, ...checkSelector(tree, where), ...checkTolerations(tree, where)];
}

/** The kubelet does look at these: pkg/kubelet/lifecycle/predicate.go, Admit. */
function checkSelector(tree: Tree, { node }: Where): readonly Fault[] {
  const faults: Fault[] = [];
  const os = textAt(tree, 'spec', 'os', 'name');
  if (os && os !== 'linux') {
    const message = `the kubelet never admits the pod: this node runs linux, not ${os}`;
    faults.push(errorAt(locate(tree, ['spec', 'os', 'name']), message));
  }
  const others: string[] = [];
  for (const key of keysAt(tree, 'spec', 'nodeSelector')) {
    const value = textAt(tree, 'spec', 'nodeSelector', key);
    const place = locate(tree, ['spec', 'nodeSelector', key]);
    if (!isQualifiedName(key) || !isLabelValue(value)) {
      faults.push(errorAt(place, `${quote(`${key}: ${value}`)} can be no label of a node`));
    } else if (key === OS && value !== 'linux') {
      faults.push(errorAt(place, `the kubelet never admits the pod: this node has ${OS}: linux, not ${quote(value)}`));
    } else if (key === HOSTNAME && value !== node) {
      const message = `the kubelet does not admit the pod unless this label of ${node} is ${quote(value)}`;
      faults.push(warningAt(place, message, 'take it out: a static pod runs where you put it'));
    } else if (key !== OS && key !== HOSTNAME) {
      others.push(key);
    }
  }
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const terms = at(tree, ['spec', 'affinity', 'nodeAffinity', required, 'nodeSelectorTerms']);
  if (terms && !asList(terms).length) faults.push(errorAt(terms, 'must not be empty'));
  const hint = 'take it out: a static pod runs where you put it';
  const message = `the kubelet does not admit the pod unless ${node} has such labels`;
  if (others.length) faults.push(warningAt(locateKey(tree, 'spec', 'nodeSelector'), message, hint));
  if (isSetAt(tree, 'spec', 'affinity', 'nodeAffinity', required)) {
    faults.push(warningAt(locateKey(tree, 'spec', 'affinity', 'nodeAffinity', required), message, hint));
  }
  return faults;
}

/** pkg/apis/core/validation, ValidateTolerations. */
function checkTolerations(tree: Tree, { via, standsAlone }: Where): readonly Fault[] {
  const tolerations = asList(at(tree, ['spec', 'tolerations']));
  const faults = tolerations.flatMap((toleration) => {
    const [key, operator, value, effect] = ['key', 'operator', 'value', 'effect'].map((f) => textAt(toleration, f));
    if (key && !isQualifiedName(key))
      return [errorAt(locate(toleration, ['key']), `${quote(key)} is no key of a taint`)];
    if (!key && operator !== 'Exists') {
      return [
        errorAt(locate(toleration, ['operator']), 'must be Exists where there is no key', 'write operator: Exists'),
      ];
    }
    if (operator === 'Exists' && value) {
      return [errorAt(locate(toleration, ['value']), 'must not be there with operator: Exists', 'take it out')];
    }
    if ((operator === '' || operator === 'Equal') && !isLabelValue(value ?? '')) {
      return [errorAt(locate(toleration, ['value']), `${quote(value ?? '')} is no value of a taint`)];
    }
    if (isSetAt(toleration, 'tolerationSeconds') && effect !== 'NoExecute') {
      const hint = 'add effect: NoExecute, or take it out';
      return [errorAt(locate(toleration, ['tolerationSeconds']), 'means something only with effect: NoExecute', hint)];
    }
    return [];
  });
  const stays = tolerations.some(
    (toleration) =>
      !textAt(toleration, 'key') &&
      textAt(toleration, 'operator') === 'Exists' &&
      ['', 'NoExecute'].includes(textAt(toleration, 'effect')) &&
      numberAt(toleration, 'tolerationSeconds') === undefined,
  );
  if (via === 'file' || stays || standsAlone) return faults;
  // pkg/kubelet/config/common.go, applyDefaults: only a pod from a file is given one. The pod runs on; what the
  // control plane takes away is its mirror, over and over (pkg/controller/tainteviction).
  const message =
    'by URL the kubelet adds no toleration: when the node is tainted NoExecute, as when it is not ready, the API drops the pod again and again';
  const hint = 'add {operator: Exists, effect: NoExecute}';
  return [...faults, warningAt(locate(tree, ['spec', 'tolerations']), message, hint)];
}
