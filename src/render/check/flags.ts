import { errorAt, type Fault } from '../../base/fault.ts';
import type { Catalogue } from '../../kubernetes/catalogue.ts';
import type { Component } from '../../kubernetes/component.ts';
import { dangersOf } from '../../kubernetes/dangers.ts';
import { etcdMinorFor } from '../../kubernetes/facts.ts';
import { error, type Finding } from '../../kubernetes/finding.ts';
import { missingFlags } from '../../kubernetes/required-flags.ts';
import type { ExtraArg } from '../../spec/cluster.ts';
import { locate } from '../../spec/tree.ts';
import type { NodeInput } from '../context.ts';
import { type FlagUse, lastUse, valuesByName } from '../flag-use.ts';
import type { PodComponent } from '../layout.ts';
import { placeOfFlag } from '../place.ts';
import { checkContradictions, checkMember } from './contradictions.ts';

/** Every flag against the catalogue of its component and minor, alone and together with the others. */
export function checkFlags(
  input: NodeInput,
  component: PodComponent | 'kubelet',
  flags: readonly FlagUse[],
  args: readonly ExtraArg[],
): readonly Fault[] {
  const catalogue = catalogueFor(input);
  const values = valuesByName(flags);
  const faults: Fault[] = [];
  for (const [name, given] of values) {
    const use = lastUse(flags, name);
    const findings = findingsOf(catalogue, component, name, given);
    // A default that is merely deprecated is nothing that the user could change.
    const told = use?.by === 'template' ? findings.filter((finding) => finding.severity === 'error') : findings;
    if (!told.length) continue;
    const at = use?.by === 'template' ? placeOfDefault(input, component, use) : placeOfFlag(input, component, use);
    faults.push(...told.map((finding) => ({ ...finding, at })));
  }
  for (const arg of args) {
    const isName = FLAG_NAME.test(arg.name);
    if (arg.values?.length && isName) continue;
    const findings = catalogue.checkFlag(component, arg.name, []);
    const told = findings.length || isName ? findings : [error(`${JSON.stringify(arg.name)} is no name of a flag`)];
    faults.push(...told.map((finding) => ({ ...finding, at: arg.at })));
  }
  const { cluster } = input;
  const between = [
    ...catalogue.checkTogether(component, values),
    ...missingFlags(component, values, cluster.nodes.length, cluster.etcd.kind === 'local'),
    ...dangersOf(component, values),
  ];
  for (const { flag, ...finding } of between) {
    faults.push({ ...finding, at: placeOfFlag(input, component, lastUse(flags, flag), flag) });
  }
  faults.push(...checkContradictions(input, component, flags));
  if (component === 'etcd') faults.push(...checkMember(input, flags));
  for (const { name, value, at } of flags) {
    if (at && NOT_AN_ARGUMENT.test(value ?? '')) {
      faults.push(
        errorAt(at, `--${name} holds a character that no process can be given (NUL, or half of a surrogate pair)`),
      );
    }
  }
  return faults;
}

/** Nothing that the shell or Go's flag parser would read as more than a name. */
const FLAG_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

const NOT_AN_ARGUMENT = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const memory = new WeakMap<Catalogue, Map<string, readonly Finding[]>>();

/** Most flags are the same on every node: each is looked at once. */
function findingsOf(
  catalogue: Catalogue,
  component: Component,
  name: string,
  values: readonly string[],
): readonly Finding[] {
  const known = memory.get(catalogue) ?? new Map<string, readonly Finding[]>();
  memory.set(catalogue, known);
  const key = [component, name, ...values].join('\0');
  const findings = known.get(key) ?? catalogue.checkFlag(component, name, values);
  known.set(key, findings);
  return findings;
}

/** A default that a program does not know is the wrong template for the version: of Kubernetes, or of etcd's image. */
function placeOfDefault(input: NodeInput, component: PodComponent | 'kubelet', use: FlagUse) {
  const placed = placeOfFlag(input, component, use);
  if (placed.origin.kind === 'file' && placed.path === '') return placed;
  return component === 'etcd' ? locate(input.node.blocks, ['etcd', 'imageTag']) : placed;
}

/** etcd's flags follow the image that the node is given. */
function catalogueFor({ catalogue, cluster, node }: NodeInput): Catalogue {
  if (cluster.etcd.kind === 'external') return catalogue;
  const minor = etcdMinorFor(node.etcd.imageTag, cluster.version.minor);
  return minor === catalogue.etcdMinor ? catalogue : catalogue.withEtcd(minor);
}
