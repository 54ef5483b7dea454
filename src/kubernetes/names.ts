import { nearest } from '../base/suggest.ts';
import type { Component } from './component.ts';
import { error, type Finding, warning } from './finding.ts';
import { show } from './flag-types.ts';

/** `data/names.json`. */
export interface NameData {
  readonly admissionPlugins: readonly string[];
  readonly controllers: readonly string[];
  readonly controllerAliases: readonly string[];
}

/** The minor whose names the data holds. */
const MINOR = 36;

/**
 * Names of admission plugins and controllers that the program does not have. With one of them it exits at once (seen on
 * 1.36.2: `enable-admission-plugins plugin "Nope" is unknown`, `"nope" is not in the list of known controllers`). Of
 * other minors the names are not all known, so there it is a warning.
 */
export function checkNames(
  data: NameData,
  component: Component,
  minor: number,
  flag: string,
  values: readonly string[],
): readonly Finding[] {
  const kind = kindOf(component, flag);
  if (!kind) return [];
  const known = kind === 'admission plugin' ? data.admissionPlugins : [...data.controllers, ...data.controllerAliases];
  const prefix = kind === 'controller' ? /^-/ : /^$/;
  const given = values.flatMap((value) => value.split(',')).filter((name) => name !== '');
  return given.flatMap((text) => {
    const name = text.replace(prefix, '');
    if (known.includes(name) || (kind === 'controller' && text === '*')) return [];
    const near = nearest(name, known);
    const hint = near && `did you mean "${near}"?`;
    return minor === MINOR
      ? error(`--${flag}: ${show(name)} is no ${kind} of 1.${minor}: ${component} would exit at once`, hint)
      : warning(`--${flag}: ${show(name)} is not among the ${kind}s that are known`, hint);
  });
}

function kindOf(component: Component, flag: string): 'admission plugin' | 'controller' | undefined {
  if (component === 'kube-apiserver' && /^(enable|disable)-admission-plugins$/.test(flag)) return 'admission plugin';
  return component === 'kube-controller-manager' && flag === 'controllers' ? 'controller' : undefined;
}
