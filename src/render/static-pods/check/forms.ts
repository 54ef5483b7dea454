import { errorAt, type Fault } from '../../../base/fault.ts';
import { isAddress, isDnsLabel } from '../../../spec/names.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, type ScalarTree, type Tree } from '../../../spec/tree.ts';
import { eachField } from '../field-faults.ts';
import { isLabelValue, isObjectName, isQualifiedName } from '../names.ts';
import { keysAt, textAt } from '../parts.ts';
import { compareQuantities } from '../quantity.ts';
import { show } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';

/** What a value must look like; undefined where it does. */
type Form = (value: ScalarTree['value'], tree: ScalarTree) => string | undefined;

const text =
  (fits: (text: string) => boolean, rule: string): Form =>
  (value) =>
    typeof value !== 'string' || fits(value) ? undefined : rule;
const between =
  (least: number, most: number, shown = `${most}`): Form =>
  (value) =>
    typeof value !== 'number' || (value >= least && value <= most)
      ? undefined
      : `must be between ${least} and ${shown}`;

const objectName = text(isObjectName, 'must be the name of an object: lower-case letters, digits, "-" and "."');
const labelName = text(
  isDnsLabel,
  'must be at most 63 lower-case letters, digits and "-", a letter or digit at both ends',
);
const qualified = text(isQualifiedName, 'must be the key of a label');
const labelValue = text(isLabelValue, 'must be the value of a label');
const address = text(isAddress, 'is no IP address');
const id = between(0, 2 ** 31 - 1);
const mode = between(0, 0o777, '0777 (octal)');
const inVolume = text(
  (path) => !path.startsWith('/') && !path.startsWith('..') && !path.split('/').includes('..'),
  'must be a path within the volume, without ".."',
);
const positive: Form = (value) => (compareQuantities(value, 0) === -1 ? 'must not be negative' : undefined);

/** pkg/apis/core/validation: of a field by the type that it is in; of a list or map, for each of its values. */
const FORMS: Readonly<Record<string, Form>> = {
  'PodSpec.hostname': text(
    (name) => !name || isDnsLabel(name),
    'must be at most 63 lower-case letters, digits and "-"',
  ),
  'PodSpec.subdomain': text(
    (name) => !name || isDnsLabel(name),
    'must be at most 63 lower-case letters, digits and "-"',
  ),
  'PodSpec.hostnameOverride': text(
    (name) => name.length <= 64 && isObjectName(name),
    'must be a DNS name of at most 64 characters',
  ),
  'PodSpec.priorityClassName': text((name) => !name || isObjectName(name), 'must be the name of a PriorityClass'),
  'PodSpec.runtimeClassName': objectName,
  'PodSpec.overhead': positive,
  'PodReadinessGate.conditionType': qualified,
  'HostAlias.ip': address,
  'HostAlias.hostnames': objectName,
  'PodDNSConfig.nameservers': address,
  'PodDNSConfig.searches': text(
    (name) => name === '.' || isObjectName(name.replace(/\.$/, '').replaceAll('_', 'x')),
    'is no name of a domain',
  ),
  'PodSecurityContext.runAsUser': id,
  'PodSecurityContext.runAsGroup': id,
  'PodSecurityContext.fsGroup': id,
  'PodSecurityContext.supplementalGroups': id,
  'SecurityContext.runAsUser': id,
  'SecurityContext.runAsGroup': id,
  'Sysctl.name': text(
    (name) => name.length <= 253 && /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/.test(name),
    'is no name of a kernel parameter',
  ),
  'HTTPHeader.name': text(
    (name) => /^[-A-Za-z0-9]+$/.test(name),
    'is no name of a header: letters, digits and "-" only',
  ),
  'EmptyDirVolumeSource.sizeLimit': positive,
  'DownwardAPIVolumeSource.defaultMode': mode,
  'ProjectedVolumeSource.defaultMode': mode,
  'DownwardAPIVolumeFile.mode': mode,
  'DownwardAPIVolumeFile.path': inVolume,
  'FileKeySelector.volumeName': labelName,
  'NFSVolumeSource.path': text((path) => path.startsWith('/'), 'must be an absolute path'),
  'NodeSelectorRequirement.key': qualified,
  'NodeSelectorRequirement.values': labelValue,
  'LabelSelectorRequirement.key': qualified,
  'LabelSelectorRequirement.values': labelValue,
  'LabelSelector.matchLabels': labelValue,
  'TopologySpreadConstraint.maxSkew': between(1, 2 ** 31 - 1),
  'ObjectFieldSelector.apiVersion': text((version) => !version || version === 'v1', 'must be v1'),
  'ObjectFieldSelector.fieldPath': fieldPath,
  'ResourceFieldSelector.resource': text(
    (name) => /^(?:limits|requests)\.(?:cpu|memory|ephemeral-storage|hugepages-.+)$/.test(name),
    'must be limits.cpu, limits.memory, limits.ephemeral-storage, or the same of requests',
  ),
};

const IN_BOTH = ['metadata.name', 'metadata.namespace', 'metadata.uid'];
const IN_ENV = [
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const IN_FILES = ['metadata.labels', 'metadata.annotations'];

/** What a pod may be told of itself (validEnvDownwardAPIFieldPathExpressions and those of volumes). */
function fieldPath(value: ScalarTree['value'], { path }: ScalarTree): string | undefined {
  if (typeof value !== 'string' || !value) return undefined;
  const key = /^metadata\.(?:labels|annotations)\['(.+)'\]$/.exec(value)?.[1];
  if (key !== undefined) return isQualifiedName(key) ? undefined : 'names no label or annotation that can be';
  const known = [...IN_BOTH, ...(path.includes('.valueFrom.') ? IN_ENV : IN_FILES)];
  return known.includes(value) ? undefined : `must be ${known.join(', ')}, or metadata.labels['key']`;
}

/** The form of single values, each by itself. */
export function checkForms({ tree }: StaticPod): readonly Fault[] {
  const faults: Fault[] = [];
  eachField(tree, 'Pod', (value, { name }, type) => {
    const form = FORMS[`${type}.${name}`];
    for (const scalar of form ? scalarsOf(value) : []) {
      const problem = form?.(scalar.value, scalar);
      // what must not be empty is told once, with the fields that are missing
      if (problem && !(scalar.value === '' && value === scalar && isTold(type, name))) {
        faults.push(errorAt(scalar, `${show(scalar)} ${problem}`));
      }
    }
    faults.push(...checkWhole(value, `${type}.${name}`));
  });
  return faults;
}

function isTold(type: string, name: string): boolean {
  return !['PodSpec', 'PodDNSConfig'].includes(type) && name !== 'values';
}

function scalarsOf(value: Tree): readonly ScalarTree[] {
  const all = value.kind === 'map' ? [...value.entries.values()] : value.kind === 'list' ? value.items : [value];
  return all.flatMap((item) => (item.kind === 'scalar' ? [item] : []));
}

/** What belongs together in one entry of a list. */
function checkWhole(value: Tree, field: string): readonly Fault[] {
  if (field === 'DownwardAPIVolumeSource.items' || field === 'DownwardAPIProjection.items') {
    return asList(value)
      .filter((file) => file.kind === 'map' && !at(file, ['fieldRef']) === !at(file, ['resourceFieldRef']))
      .map((file) => errorAt(file, 'must say what goes into it', 'one of fieldRef and resourceFieldRef'));
  }
  if (field === 'NodeSelectorTerm.matchExpressions' || field === 'LabelSelector.matchExpressions') {
    return asList(value).flatMap((requirement) => {
      const [operator, count] = [textAt(requirement, 'operator'), asList(at(requirement, ['values'])).length];
      if ((operator === 'In' || operator === 'NotIn') && !count)
        return [errorAt(requirement, `${operator} needs values`)];
      return (operator === 'Exists' || operator === 'DoesNotExist') && count
        ? [errorAt(requirement, `${operator} takes no values`)]
        : [];
    });
  }
  if (field === 'PodDNSConfig.options') {
    return asList(value)
      .filter((option) => option.kind === 'map' && !textAt(option, 'name'))
      .map((option) => errorAt(option, 'needs a name'));
  }
  if (field === 'EnvVarSource.resourceFieldRef') {
    const divisor = at(value, ['divisor']);
    const isCpu = textAt(value, 'resource').endsWith('.cpu');
    if (!isCpu || divisor?.kind !== 'scalar' || isOneOf(divisor.value, ['0', '1', '1m'])) return [];
    return [errorAt(divisor, `${show(divisor)} must be 1 or 1m for cpu`)];
  }
  if (field !== 'LabelSelector.matchLabels') return [];
  return keysAt(value)
    .filter((key) => !isQualifiedName(key))
    .map((key) => errorAt(value, `${JSON.stringify(key)} is no key of a label`));
}

function isOneOf(value: ScalarTree['value'], quantities: readonly string[]): boolean {
  return quantities.some((quantity) => compareQuantities(value, quantity) === 0);
}
