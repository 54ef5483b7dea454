import { dirname, resolve } from 'node:path/posix';
import type { Component } from '../../kubernetes/component.ts';
import { fileFlag, pathsInFlag } from '../../kubernetes/file-flags.ts';
import { reloadSeconds } from '../../kubernetes/reload-time.ts';
import { mountsOf, onHost } from '../../render/check/mounts.ts';
import type { FlagUse } from '../../render/flag-use.ts';
import { below } from '../../render/json.ts';
import type { ProcessKubeconfig } from '../../render/kubeconfig.ts';
import { listAt } from '../../render/overlay.ts';
import type { NodePlan } from '../../render/plan-node.ts';
import type { Json } from '../../spec/tree.ts';

/** That a process of a node reads a file. */
export interface FileUse {
  readonly component: Component;
  /** `--tls-cert-file`, `/etc/kubernetes/scheduler.conf`, `authentication.x509.clientCAFile`. */
  readonly by: string;
  /** On the node. */
  readonly path: string;
  /** Within how many seconds it notices a change, as long as it does at all; 0 = with its next connection. */
  readonly reloadSeconds: number;
}

/** Which processes of a node read which files, by its manifests, its kubeconfigs and the kubelet's configuration. */
export function fileUses({ pods, kubelet, kubeconfigs }: NodePlan): readonly FileUse[] {
  const ofPods = pods.flatMap((pod) => {
    const mounts = mountsOf(pod);
    return ofFlags(pod.component, pod.flags, kubeconfigs, (path) => onHost(mounts, path));
  });
  const ofKubelet = kubelet
    ? [...ofFlags('kubelet', kubelet.flags, kubeconfigs, (path) => path), ...ofConfig(kubelet.config)]
    : [];
  return unique([...ofPods, ...ofKubelet]);
}

function ofFlags(
  component: Component,
  flags: readonly FlagUse[],
  kubeconfigs: readonly ProcessKubeconfig[],
  place: (path: string) => string,
): readonly FileUse[] {
  return flags.flatMap(({ name, value }) => {
    if (value === undefined || fileFlag(component, name)?.access !== 'read') return [];
    return pathsInFlag(component, name, value).flatMap((path): readonly FileUse[] => {
      const own = { component, by: `--${name}`, path: place(path), reloadSeconds: reloadSeconds(component, name) };
      const kubeconfig = kubeconfigs.find((each) => each.path === place(path));
      const named = kubeconfig ? filesIn(kubeconfig) : [];
      const seconds = reloadSeconds(component, 'kubeconfig');
      return [own, ...named.map((file) => ({ component, by: place(path), path: place(file), reloadSeconds: seconds }))];
    });
  });
}

function filesIn({ path, data }: ProcessKubeconfig): readonly string[] {
  const files: readonly (Json | undefined)[] = [
    ...listAt(data, 'clusters').map((entry) => below(entry, 'cluster', 'certificate-authority')),
    ...listAt(data, 'users').flatMap((entry) => [
      below(entry, 'user', 'client-certificate'),
      below(entry, 'user', 'client-key'),
    ]),
  ];
  return files.flatMap((file) => (typeof file === 'string' && file ? [resolve(dirname(path), file)] : []));
}

/** Fields of a KubeletConfiguration that name certificates and keys, each with the flag that does the same. */
const CONFIG_FIELDS = [
  ['authentication.x509.clientCAFile', 'client-ca-file'],
  ['tlsCertFile', 'tls-cert-file'],
  ['tlsPrivateKeyFile', 'tls-private-key-file'],
] as const;

function ofConfig(config: Json): readonly FileUse[] {
  return CONFIG_FIELDS.flatMap(([by, flag]) => {
    const path = below(config, ...by.split('.'));
    const seconds = reloadSeconds('kubelet', flag);
    return typeof path === 'string' && path
      ? [{ component: 'kubelet' as const, by, path, reloadSeconds: seconds }]
      : [];
  });
}

function unique(uses: readonly FileUse[]): readonly FileUse[] {
  return [...new Map(uses.map((use) => [[use.component, use.by, use.path].join('\n'), use])).values()];
}
