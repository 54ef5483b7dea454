import { errorAt, type Fault, warningAt } from '../../../base/fault.ts';
import { isDnsLabel } from '../../../spec/names.ts';
import { locate } from '../../../spec/tree.ts';
import { isObjectName } from '../names.ts';
import { isSetAt, isTrueAt } from '../parts.ts';
import { quote } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';
import type { Where } from './context.ts';

const MAX_NAME = 253;
/** NAME_MAX of Linux. */
const MAX_FILE_NAME = 255;
/** The UID that the kubelet makes up: an FNV-128 in hex (pkg/kubelet/config/common.go, applyDefaults). */
const UID_LENGTH = 32;
const MAX_HOSTNAME = 63;

/** The name, with what the kubelet adds to it, and the namespace. */
export function checkName({ name, namespace, tree }: StaticPod, { node, standsAlone }: Where): readonly Fault[] {
  const at = locate(tree, ['metadata', 'name']);
  const faults: Fault[] = [];
  if (!isObjectName(name)) {
    const problem = name.length > MAX_NAME ? `has ${name.length} characters, more than ${MAX_NAME}` : undefined;
    const rule = 'is no name of a pod: lower-case letters, digits, "-" and "." only, a letter or digit at both ends';
    const better = name.toLowerCase().replaceAll('_', '-');
    const hint = !problem && isObjectName(better) ? `write ${quote(better)}` : undefined;
    faults.push(errorAt(at, `${quote(name)} ${problem ?? rule}`, hint));
  } else {
    faults.push(...checkFullName(name, namespace, node, tree));
  }
  if (!isDnsLabel(namespace)) {
    const rule =
      'is no name of a namespace: at most 63 lower-case letters, digits and "-", a letter or digit at both ends';
    faults.push(errorAt(locate(tree, ['metadata', 'namespace']), `${quote(namespace)} ${rule}`));
  } else if (!standsAlone && !['default', 'kube-system'].includes(namespace)) {
    const message = `the pod runs, but kubectl shows it only once the namespace ${quote(namespace)} is there`;
    faults.push(warningAt(locate(tree, ['metadata', 'namespace']), message));
  }
  return faults;
}

function checkFullName(name: string, namespace: string, node: string, tree: StaticPod['tree']): readonly Fault[] {
  const at = locate(tree, ['metadata', 'name']);
  // pkg/kubelet/config/common.go, generatePodName
  const full = `${name}-${node.toLowerCase()}`;
  if (full.length > MAX_NAME) {
    const most = MAX_NAME - node.length - 1;
    const message = `with "-${node}", which the kubelet adds, the name has ${full.length} characters; ${MAX_NAME} are allowed`;
    return [errorAt(at, message, shortenTo(most))];
  }
  // pkg/kubelet/kuberuntime/helpers.go, BuildPodLogsDirectory: <namespace>_<name>_<uid>, made before the sandbox
  const directory = namespace.length + full.length + UID_LENGTH + 2;
  if (directory > MAX_FILE_NAME) {
    const message = `the kubelet makes a directory for logs called ${namespace}_<name>-${node}_<uid>, which would have ${directory} characters; ${MAX_FILE_NAME} are possible`;
    return [errorAt(at, message, shortenTo(name.length - (directory - MAX_FILE_NAME)))];
  }
  if (name.endsWith(`-${node.toLowerCase()}`)) {
    const bare = name.slice(0, -node.length - 1);
    return [
      warningAt(at, `the kubelet adds "-${node}" by itself: the pod would be called ${full}`, `write ${quote(bare)}`),
    ];
  }
  // pkg/kubelet/kubelet_pods.go, truncatePodHostnameIfNeeded
  const hasOwn = isSetAt(tree, 'spec', 'hostname') || isSetAt(tree, 'spec', 'hostnameOverride');
  if (full.length > MAX_HOSTNAME && !hasOwn && !isTrueAt(tree, 'spec', 'hostNetwork')) {
    const message = `the pod's hostname is cut off after ${MAX_HOSTNAME} characters of ${full}`;
    return [warningAt(at, message, 'set spec.hostname if the program looks at it')];
  }
  return [];
}

function shortenTo(length: number): string {
  return length > 0
    ? `shorten it to ${length} characters or fewer`
    : 'shorten the name of the namespace or of the node';
}
