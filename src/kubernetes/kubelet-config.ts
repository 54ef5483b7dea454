import { didYouMean } from '../base/suggest.ts';
import { error, type Finding, warning } from './finding.ts';
import type { Problem } from './flag-types.ts';
import type { GateTable } from './gates.ts';
import type { Field } from './kubelet-fields.ts';
import { checkFieldMeaning, checkMapValue, checkScalar, showJson } from './kubelet-values.ts';

/** A finding about a field; the path leads to it inside the configuration: `['evictionHard', 'memory.available']`. */
export interface FieldFinding extends Finding {
  readonly path: readonly (string | number)[];
}

type Path = readonly (string | number)[];

/**
 * Checks a whole KubeletConfiguration. The kubelet itself only logs unknown fields and goes on without them
 * (pkg/kubelet/kubeletconfig/util/codec), so they are errors here.
 */
export function checkKubeletConfig(
  root: Field,
  minor: number,
  gates: GateTable,
  config: unknown,
): readonly FieldFinding[] {
  if (!isMap(config)) return [at([], error(`${showJson(config)} is not a map`))];
  const { apiVersion, kind, ...fields } = config;
  const findings = [
    ...(apiVersion === undefined ? [] : checkValue('string', 'apiVersion', ['apiVersion'], apiVersion)),
    ...(kind === undefined ? [] : checkValue('string', 'kind', ['kind'], kind)),
    ...checkMap(root, minor, [], fields),
  ];
  return [...findings, ...checkGates(gates, fields['featureGates'])];
}

function checkMap(parent: Field, minor: number, path: Path, value: Readonly<Record<string, unknown>>): FieldFinding[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const here = [...path, name];
    const field = parent.children.get(name);
    if (!field || field.addedIn > minor) return [at(here, absent(parent, minor, name, field))];
    // null means the default, as for every Go field.
    if (inner === null) return [];
    // kubeadm writes every duration as 0s, which stands for the default.
    const idle = field.idleSince <= minor && inner !== '0s';
    const warnings = idle ? [at(here, warning(`"${name}" is deprecated and does nothing in 1.${minor}`))] : [];
    return [...warnings, ...checkField(field, minor, here, inner)];
  });
}

function absent(parent: Field, minor: number, name: string, field: Field | undefined): Finding {
  const message = `KubeletConfiguration of 1.${minor} has no field ${JSON.stringify(name)}`;
  if (field) return error(`${message} yet: it comes with 1.${field.addedIn}`);
  return error(message, didYouMean(name, parent.children.keys()));
}

function checkField(field: Field, minor: number, path: Path, value: unknown): FieldFinding[] {
  const { type } = field;
  if (type === 'any' || field.path.endsWith('.timeAdded')) return [];
  if (type === 'object') {
    return isMap(value) ? checkMap(field, minor, path, value) : [at(path, error(`${showJson(value)} is not a map`))];
  }
  const item = /^array<(.*)>$/.exec(type)?.[1];
  if (item !== undefined) {
    if (!Array.isArray(value)) return [at(path, error(`${showJson(value)} is not a list`))];
    return value.flatMap((inner: unknown, i) => {
      if (item !== 'object') return checkValue(item, field.path, [...path, i], inner);
      return isMap(inner)
        ? checkMap(field, minor, [...path, i], inner)
        : [at([...path, i], error(`${showJson(inner)} is not a map`))];
    });
  }
  const entry = /^map<string,(.*)>$/.exec(type)?.[1];
  if (entry !== undefined) {
    if (!isMap(value)) return [at(path, error(`${showJson(value)} is not a map`))];
    return Object.entries(value).flatMap(([key, inner]) => checkEntry(entry, field.path, [...path, key], inner));
  }
  return checkValue(type, field.path, path, value);
}

function checkEntry(type: string, field: string, path: Path, value: unknown): FieldFinding[] {
  if (type === 'array<string>') {
    // staticPodURLHeader: a header may hold a token, so its value is not told.
    const strings = Array.isArray(value) && value.every((inner) => typeof inner === 'string');
    return strings ? [] : [at(path, error('the value is not a list of strings'))];
  }
  const problem = checkScalar(type, value) ?? (typeof value === 'string' ? checkMapValue(field, value) : undefined);
  return problem ? [told(path, value, problem)] : [];
}

function checkValue(type: string, field: string, path: Path, value: unknown): FieldFinding[] {
  const problem = checkScalar(type, value) ?? checkFieldMeaning(field, value);
  return problem ? [told(path, value, problem)] : [];
}

function checkGates(gates: GateTable, value: unknown): FieldFinding[] {
  if (!isMap(value)) return [];
  const set = new Map(Object.entries(value).filter((pair): pair is [string, boolean] => typeof pair[1] === 'boolean'));
  return gates.check('kubelet', set).map(({ gate, ...finding }) => at(['featureGates', gate], finding));
}

const at = (path: Path, finding: Finding): FieldFinding => ({ ...finding, path });
const told = (path: Path, value: unknown, problem: Problem) =>
  at(path, error(`${showJson(value)} ${problem.is}`, problem.hint));

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
