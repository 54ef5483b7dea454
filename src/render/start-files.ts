import { dirname, resolve } from 'node:path/posix';
import { parse } from 'yaml';
import type { Component } from '../kubernetes/component.ts';
import { factsOf } from '../kubernetes/facts.ts';
import { pathsInFlag } from '../kubernetes/file-flags.ts';
import { readsFileOnlyAtStart } from '../kubernetes/reload.ts';
import type { Json } from '../spec/tree.ts';
import { type Mount, mountsOf, onHost } from './check/mounts.ts';
import type { PlannedPod } from './context.ts';
import { type FlagUse, valuesByName } from './flag-use.ts';
import { below } from './json.ts';
import { listAt } from './overlay.ts';

/** Gives what is in a file of the node as data, or undefined where it is not rendered here or is no YAML. */
export type ReadData = (path: string) => Json | undefined;

/** Reader over the node's rendered kubeconfigs and the user's files. */
export function dataReader(
  rendered: ReadonlyMap<string, Json>,
  files: readonly { readonly path: string; readonly content: Buffer }[],
): ReadData {
  return (path) => {
    const data = rendered.get(path);
    if (data !== undefined) return data;
    const file = files.find((candidate) => candidate.path === path);
    if (
      !file ||
      file.content.length > 1 << 20 ||
      !/^(?:apiVersion|kind|clusters|plugins)\b/m.test(file.content.toString())
    )
      return undefined;
    try {
      return parse(file.content.toString(), { maxAliasCount: 0, logLevel: 'silent' }) as Json;
    } catch {
      return undefined;
    }
  };
}

/** The files on the host, or directories with such, that a pod's process reads only when it starts. */
export function podStartFiles(pod: PlannedPod, minor: number, read: ReadData): ReadonlySet<string> {
  return startFiles(pod.component, pod.flags, minor, read, mountsOf(pod), factsOf(minor).clientsReloadAuthorities);
}

/**
 * The same for the kubelet. With rotating certificates it keeps the authorities that its kubeconfig names, in every
 * version (measured, shared/reference/rotation.md section 6).
 */
export function kubeletStartFiles(flags: readonly FlagUse[], minor: number, read: ReadData): ReadonlySet<string> {
  return startFiles('kubelet', flags, minor, read, [], false);
}

function startFiles(
  component: Component,
  flags: readonly FlagUse[],
  minor: number,
  read: ReadData,
  mounts: readonly Mount[],
  reloadsAuthorities: boolean,
): ReadonlySet<string> {
  const values = valuesByName(flags);
  const found = new Set<string>();
  for (const [name, given] of values) {
    if (!readsFileOnlyAtStart(component, name, minor, values)) continue;
    for (const path of given.flatMap((value) => pathsInFlag(component, name, value))) {
      const file = onHost(mounts, path);
      found.add(file);
      for (const other of referredTo(path, read(file), reloadsAuthorities)) found.add(onHost(mounts, other));
    }
  }
  return found;
}

/**
 * The files that a document names and that are read with it, as paths in the container. A kubeconfig's client
 * certificate is always loaded anew (client-go, transport/cert_rotation.go), its authorities where the version does so.
 */
function referredTo(path: string, data: Json | undefined, reloadsAuthorities: boolean): readonly string[] {
  const absolute = (files: readonly (Json | undefined)[]) =>
    files.flatMap((file) => (typeof file === 'string' && file ? [resolve(dirname(path), file)] : []));
  switch (below(data, 'kind')) {
    case 'Config':
      return reloadsAuthorities
        ? []
        : absolute(listAt(data, 'clusters').map((entry) => below(entry, 'cluster', 'certificate-authority')));
    case 'AdmissionConfiguration':
      return absolute(listAt(data, 'plugins').map((plugin) => below(plugin, 'path')));
    case 'KubeSchedulerConfiguration':
      return absolute([below(data, 'clientConnection', 'kubeconfig')]);
    default:
      return [];
  }
}
