import { didYouMean } from '../base/suggest.ts';
import { error, type Finding, warning } from './finding.ts';
import { parseGoBool } from './go-values.ts';

/** Where a gate stands in one minor. */
interface GateState {
  readonly stage: 'alpha' | 'beta' | 'GA' | 'deprecated';
  readonly on: boolean;
  /** Any other value than the default ends the process. */
  readonly locked: boolean;
}

type GateFate =
  | { readonly kind: 'known'; readonly state: GateState }
  | { readonly kind: 'removed'; readonly in: number }
  | { readonly kind: 'later'; readonly from: number }
  | { readonly kind: 'unknown' };

/** `data/feature-gates.json`. */
export interface GateData {
  readonly gates: Readonly<Record<string, string>>;
  readonly needs: Readonly<Record<string, string>>;
}

export interface GateTable {
  fate(name: string): GateFate;
  /** What is wrong with gates set like this (name → value), for a program called `process`. */
  check(process: string, gates: ReadonlyMap<string, boolean>): readonly GateFinding[];
}

export interface GateFinding extends Finding {
  readonly gate: string;
}

const STAGES = { A: 'alpha', B: 'beta', G: 'GA', D: 'deprecated' } as const;

/** Gates whose list is complete enough that an unknown name is a mistake; see data/README.md. */
const LAST_COMPLETE_MINOR = 36;

/** Start-up fails on unmet dependencies between gates since 1.35 (kubernetes/kubernetes#133697). */
const FIRST_MINOR_WITH_DEPENDENCIES = 35;

/** The gates of all Kubernetes programs as they are in one minor. */
export function gateTable(data: GateData, minor: number): GateTable {
  const fate = (name: string) => fateIn(data.gates, name, minor);
  return {
    fate,
    check: (process, gates) => [
      ...[...gates].flatMap(([gate, value]) => {
        const finding = checkGate(data, minor, process, gate, value, fate(gate));
        return finding ? [{ ...finding, gate }] : [];
      }),
      ...(minor >= FIRST_MINOR_WITH_DEPENDENCIES ? checkDependencies(data, minor, process, gates, fate) : []),
    ],
  };
}

function fateIn(gates: Readonly<Record<string, string>>, name: string, minor: number): GateFate {
  const history = Object.hasOwn(gates, name) ? gates[name] : undefined;
  if (history === undefined) return { kind: 'unknown' };
  let state: GateState | undefined;
  for (const step of history.split(' ')) {
    const [, from, stage, on, locked] = /^(\d+)([ABGDX])([01]?)(L?)$/.exec(step) ?? [];
    if (Number(from) > minor) return state ? { kind: 'known', state } : { kind: 'later', from: Number(from) };
    if (stage === 'X') return { kind: 'removed', in: Number(from) };
    state = { stage: STAGES[stage as keyof typeof STAGES], on: on === '1', locked: locked === 'L' };
  }
  return state ? { kind: 'known', state } : { kind: 'unknown' };
}

function checkGate(
  data: GateData,
  minor: number,
  process: string,
  gate: string,
  value: boolean,
  fate: GateFate,
): Finding | undefined {
  const program = `${process} 1.${minor}`;
  switch (fate.kind) {
    case 'removed':
      return error(
        `the feature gate ${gate} was removed in 1.${fate.in}: ${program} exits with "unrecognized feature gate"`,
        'take it away: what it switched is fixed now',
      );
    case 'later':
      return error(`${program} has no feature gate ${gate} yet: it comes with 1.${fate.from}`);
    case 'unknown': {
      const known = Object.keys(data.gates).filter((name) => fateIn(data.gates, name, minor).kind === 'known');
      const hint = didYouMean(gate, known);
      if (minor <= LAST_COMPLETE_MINOR || hint) return error(`${program} has no feature gate ${gate}`, hint);
      return warning(`no feature gate ${gate} is known for ${program}`, 'if there is none, it exits at start');
    }
    case 'known':
      if (!fate.state.locked) return undefined;
      if (value !== fate.state.on) {
        return error(
          `the feature gate ${gate} cannot be set to ${value}: it is locked to ${fate.state.on} in 1.${minor}`,
        );
      }
      return warning(
        `the feature gate ${gate} is locked to ${value} in 1.${minor}: naming it does nothing`,
        'take it away before a later minor removes it',
      );
  }
}

function checkDependencies(
  data: GateData,
  minor: number,
  process: string,
  gates: ReadonlyMap<string, boolean>,
  fate: (name: string) => GateFate,
): readonly GateFinding[] {
  const allAlpha = gates.get('AllAlpha');
  const allBeta = gates.get('AllBeta');
  if (allAlpha === true && allBeta !== true) {
    const message = `AllAlpha=true alone ends ${process} 1.${minor}: alpha gates depend on beta ones that are off`;
    return [{ ...error(message, 'add AllBeta=true, or name single gates'), gate: 'AllAlpha' }];
  }
  const isOn = (name: string): boolean | undefined => {
    const found = fate(name);
    if (found.kind !== 'known') return undefined;
    if (found.state.locked) return found.state.on;
    const byStage = found.state.stage === 'alpha' ? allAlpha : found.state.stage === 'beta' ? allBeta : undefined;
    return gates.get(name) ?? byStage ?? found.state.on;
  };
  return Object.entries(data.needs).flatMap(([gate, needs]) => {
    if (isOn(gate) !== true) return [];
    const missing = needs.split(' ').find((need) => isOn(need) === false && (gates.has(gate) || gates.has(need)));
    if (missing === undefined) return [];
    const message = `the feature gate ${gate} needs ${missing}, which is off: ${process} 1.${minor} does not start`;
    const culprit = gates.has(gate) ? gate : missing;
    return [
      { ...error(message, culprit === gate ? `set ${missing}=true too` : `set ${gate}=false too`), gate: culprit },
    ];
  });
}

/** etcd's own gates (server/features), which differ by etcd minor. */
export function checkEtcdGates(
  gates: Readonly<Record<string, string>>,
  etcd: string,
  set: ReadonlyMap<string, boolean>,
): readonly GateFinding[] {
  return [...set.keys()].flatMap((gate) => {
    const minors = Object.hasOwn(gates, gate) ? gates[gate]?.split(' ') : undefined;
    if (minors?.includes(etcd) || gate === 'AllAlpha' || gate === 'AllBeta') return [];
    const known = Object.keys(gates).filter((name) => gates[name]?.split(' ').includes(etcd));
    const hint = minors ? `etcd ${minors.join(' and ')} has it` : didYouMean(gate, known);
    return [{ ...error(`etcd ${etcd} has no feature gate ${gate}`, hint), gate }];
  });
}

/** Reads `A=true,kube:B=false`. What cannot be read is left out: the flag's type check has reported it. */
export function readGates(values: readonly string[]): ReadonlyMap<string, boolean> {
  const gates = new Map<string, boolean>();
  for (const pair of values.flatMap((value) => value.split(','))) {
    const [, name, value] = /^\s*(?:[^:=]*:)?([^=]+)=\s*(\S+)\s*$/.exec(pair) ?? [];
    const on = parseGoBool(value ?? '');
    if (name && on !== undefined) gates.set(name.trim(), on);
  }
  return gates;
}
