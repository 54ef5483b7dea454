import { COMPONENTS, type Component } from './component.ts';
import { type EtcdMinor, etcdImageTag, etcdMinorFor } from './facts.ts';
import type { Finding } from './finding.ts';
import {
  type ChangeData,
  type EtcdData,
  etcdFlags,
  type FlagData,
  type FlagFacts,
  type FlagTable,
  kubernetesFlags,
} from './flag-table.ts';
import { checkFlagName, checkFlagValues } from './flags.ts';
import { checkEtcdGates, type GateData, type GateTable, gateTable, readGates } from './gates.ts';
import { canonicalKubeletConfig } from './kubelet-canonical.ts';
import { checkKubeletConfig, type FieldFinding } from './kubelet-config.ts';
import { type Field, type FieldData, fieldTree } from './kubelet-fields.ts';
import { checkNames, type NameData } from './names.ts';
import { checkTogether, type FlagFinding } from './together.ts';

/** Everything that is known of the programs of one Kubernetes minor, and of the etcd that goes with it. */
export interface Catalogue {
  /** 36 for 1.36. */
  readonly minor: number;
  readonly etcdMinor: EtcdMinor;
  readonly gates: GateTable;
  /** The same with another etcd: where an image tag is set, etcd's flags follow the tag (see `etcdMinorFor`). */
  withEtcd(etcdMinor: EtcdMinor): Catalogue;
  /** A flag by its name without dashes; undefined where the component has none of that name. */
  find(component: Component, name: string): FlagFacts | undefined;
  /** All flags of a component. */
  flags(component: Component): readonly FlagFacts[];
  /**
   * What is wrong with one flag: name, spelling, deprecation, type and range of each value, feature gates.
   * Several values = the flag is repeated; none = a default is taken away.
   */
  checkFlag(component: Component, name: string, values: readonly string[]): readonly Finding[];
  /** What is wrong between flags; takes all that a program is started with, defaults too (name → values). */
  checkTogether(component: Component, flags: ReadonlyMap<string, readonly string[]>): readonly FlagFinding[];
  /** What is wrong with a whole KubeletConfiguration: fields, types, gates. */
  checkKubeletConfig(config: unknown): readonly FieldFinding[];
  /** A KubeletConfiguration with durations and quantities written as Go writes them; what cannot be read stays. */
  canonicalKubeletConfig(config: unknown): unknown;
}

/** Reads the data of a minor out of `KNOWN_MINORS`; everything after it is synchronous. */
export async function loadCatalogue(minor: number): Promise<Catalogue> {
  const etcdMinor = etcdMinorFor(etcdImageTag(minor), minor);
  const data = await import('./data.ts');
  const table = (component: Exclude<Component, 'etcd'>, flags: FlagData) =>
    once(() => kubernetesFlags(component, minor, flags, data.changes[component] as ChangeData));
  const facts: Facts = {
    minor,
    tables: {
      'kube-apiserver': table('kube-apiserver', data.apiServer),
      'kube-controller-manager': table('kube-controller-manager', data.controllerManager),
      'kube-scheduler': table('kube-scheduler', data.scheduler),
      kubelet: table('kubelet', data.kubelet),
    },
    etcd: data.etcd,
    gates: gateTable(data.featureGates as GateData, minor),
    names: data.names,
    kubeletFields: once(() => fieldTree(data.kubeletConfig as FieldData)),
  };
  return makeCatalogue(facts, etcdMinor);
}

/** What does not depend on etcd's minor. Tables are made when first asked for. */
interface Facts {
  readonly minor: number;
  readonly tables: Readonly<Record<Exclude<Component, 'etcd'>, () => FlagTable>>;
  readonly etcd: EtcdData;
  readonly gates: GateTable;
  readonly names: NameData;
  readonly kubeletFields: () => Field;
}

function makeCatalogue(facts: Facts, etcdMinor: EtcdMinor): Catalogue {
  const { minor, etcd, gates } = facts;
  const tables: Readonly<Record<Component, () => FlagTable>> = {
    ...facts.tables,
    etcd: once(() => etcdFlags(etcdMinor, etcd)),
  };
  const checkGates = (component: Component, values: readonly string[]): readonly Finding[] => {
    const set = readGates(values);
    return component === 'etcd' ? checkEtcdGates(etcd.featureGates, etcdMinor, set) : gates.check(component, set);
  };
  return {
    minor,
    etcdMinor,
    gates,
    withEtcd: (other) => makeCatalogue(facts, other),
    find: (component, name) => tables[component]().flags.get(name),
    flags: (component) => [...tables[component]().flags.values()],
    checkFlag(component, name, values) {
      const table = tables[component]();
      const unknown = checkFlagName(table, name, () => COMPONENTS.map((other) => [other, tables[other]()] as const));
      if (unknown) return [unknown];
      const findings = [
        ...checkFlagValues(component, table, name, values),
        ...checkNames(facts.names, component, minor, name, values),
      ];
      return name === 'feature-gates' ? [...findings, ...checkGates(component, values)] : findings;
    },
    checkTogether: (component, flags) => checkTogether(component, etcdMinor, flags),
    checkKubeletConfig: (config) => checkKubeletConfig(facts.kubeletFields(), minor, gates, config),
    canonicalKubeletConfig: (config) => canonicalKubeletConfig(facts.kubeletFields(), config),
  };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
