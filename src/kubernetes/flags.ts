import { didYouMean } from '../base/suggest.ts';
import type { Component } from './component.ts';
import { error, type Finding, warning } from './finding.ts';
import type { FlagFacts, FlagTable } from './flag-table.ts';
import { checkType, show } from './flag-types.ts';
import { checkMeaning } from './flag-values.ts';

/** Flags whose values are read in a way that their type does not tell. */
const READ_AS: Readonly<Record<string, string>> = {
  'kube-apiserver feature-gates': 'featureGates',
  'kube-controller-manager feature-gates': 'featureGates',
  'kube-scheduler feature-gates': 'featureGates',
  'kubelet eviction-hard': 'thresholds',
  'kubelet eviction-soft': 'thresholds',
  // cliflag.ConfigurationMap: a key may stand alone.
  'kube-apiserver runtime-config': 'string',
  'kubelet node-labels': 'string',
};

/** Deprecated flags that there is no way around: the scheduler knows its API server by nothing else without --config. */
const STILL_NEEDED: ReadonlySet<string> = new Set(['kube-scheduler kubeconfig']);

const SECRET = /password/;

/** What is wrong with giving `values` to a flag (none = the flag is only taken away); `table` is the component's own. */
export function checkFlagValues(
  component: Component,
  table: FlagTable,
  name: string,
  values: readonly string[],
): readonly Finding[] {
  const facts = table.flags.get(name);
  if (!facts) return [];
  const findings: Finding[] = [];
  const deprecation =
    values.length > 0 && !STILL_NEEDED.has(`${component} ${name}`) ? deprecated(table, facts) : undefined;
  if (deprecation) findings.push(deprecation);
  if (values.length > 1 && !facts.repeatable) {
    const joined = facts.type.endsWith('(comma)') ? 'join them with commas' : 'give one value';
    findings.push(error(`--${name} is given ${values.length} times, but only the last would count`, joined));
  }
  for (const value of values.flatMap((text) => (name === 'feature-gates' ? gatesOf(text) : [text]))) {
    const problem = checkType(READ_AS[`${component} ${name}`] ?? facts.type, value);
    if (problem) {
      findings.push(error(`--${name}: ${SECRET.test(name) ? 'the value' : show(value)} ${problem.is}`, problem.hint));
      continue;
    }
    const finding = checkMeaning(component, name, facts.type, value);
    if (finding) findings.push(finding);
  }
  return findings;
}

/** Each gate is judged for itself, so that all that are wrong are told at once. */
function gatesOf(text: string): readonly string[] {
  const gates = text.split(',').filter((gate) => gate.trim());
  return gates.length ? gates : [text];
}

function deprecated(table: FlagTable, facts: FlagFacts): Finding | undefined {
  if (facts.deprecated === undefined) return undefined;
  const text = facts.deprecated.replace(/\.$/, '');
  const message = `${table.program}: --${facts.name} is deprecated${text ? `: ${text}` : ''}`;
  if (facts.configField) return warning(message, `set spec.kubelet.config.${facts.configField} instead`);
  return warning(message, facts.replacedBy && `write --${facts.replacedBy} instead`);
}

/** Says that the component has no such flag, and why; undefined where it has. `all` gives the tables to look in besides. */
export function checkFlagName(
  table: FlagTable,
  name: string,
  all: () => readonly (readonly [Component, FlagTable])[],
): Finding | undefined {
  if (table.flags.has(name)) return undefined;
  const message = `${table.program} has no flag --${name.replace(/^-+/, '')}`;
  const absence = table.absence(name);
  if (absence?.kind === 'later') return error(`${message} yet: it comes with ${absence.from}`);
  if (absence) return error(`${message}: it was removed in ${absence.in}`, absence.instead);
  const spelled = respell(name);
  if (spelled !== name && table.flags.has(spelled)) return error(message, spellingHint(name, spelled));
  const owner = all().find(([, other]) => other !== table && other.flags.has(name))?.[0];
  if (owner) return error(message, `it is a flag of ${owner}`);
  return error(message, spelled === '' ? undefined : didYouMean(spelled, table.flags.keys()));
}

/** A flag's name without what users of a shell or of Go write around it. */
function respell(name: string): string {
  return name.replace(/^-+/, '').replace(/=.*$/s, '').replaceAll('_', '-').trim();
}

function spellingHint(name: string, spelled: string): string {
  if (name.includes('=')) return `write the value apart: ${spelled}: ${show(name.replace(/^[^=]*=/s, ''))}`;
  return name.startsWith('-') ? `write ${spelled}, without dashes before it` : `write ${spelled}`;
}
