import type { Located } from '../../base/fault.ts';
import { asBoolean, asList, asNumber, asText } from '../../spec/read-tree.ts';
import { at, locate, type Segment, type Tree } from '../../spec/tree.ts';
import type { HostPath, HostPort } from './static-pod.ts';

const CONTAINER_LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const;

export interface Container {
  readonly tree: Tree;
  readonly list: (typeof CONTAINER_LISTS)[number];
  readonly name: string;
  /** Runs as long as the pod does: an ordinary one, or an init container with `restartPolicy: Always`. */
  readonly stays: boolean;
}

export function containersOf(pod: Tree): readonly Container[] {
  return CONTAINER_LISTS.flatMap((list) =>
    asList(at(pod, ['spec', list])).map((tree) => ({
      tree,
      list,
      name: textAt(tree, 'name'),
      stays: list !== 'initContainers' || textAt(tree, 'restartPolicy') === 'Always',
    })),
  );
}

export function volumesOf(pod: Tree): readonly Tree[] {
  return asList(at(pod, ['spec', 'volumes']));
}

/** The text there, or '' where there is none: to Kubernetes that is the same. */
export function textAt(tree: Tree | undefined, ...path: readonly Segment[]): string {
  return asText(at(tree, path)) ?? '';
}

export function numberAt(tree: Tree | undefined, ...path: readonly Segment[]): number | undefined {
  return asNumber(at(tree, path));
}

export function isTrueAt(tree: Tree | undefined, ...path: readonly Segment[]): boolean {
  return asBoolean(at(tree, path));
}

/** Whether anything but an empty map or list, or an empty text, stands there. */
export function isSetAt(tree: Tree | undefined, ...path: readonly Segment[]): boolean {
  const found = at(tree, path);
  if (found?.kind === 'map') return found.entries.size > 0;
  if (found?.kind === 'list') return found.items.length > 0;
  return found !== undefined && found.value !== null && found.value !== '';
}

/** The keys of a map, without what is not one. */
export function keysAt(tree: Tree | undefined, ...path: readonly Segment[]): readonly string[] {
  const found = at(tree, path);
  return found?.kind === 'map' ? [...found.entries.keys()] : [];
}

/** The place of a key rather than of its value, where that is known. */
export function locateKey(tree: Tree, ...path: readonly Segment[]): Located {
  const found = locate(tree, path);
  const parent = at(tree, path.slice(0, -1));
  const origin = parent?.kind === 'map' ? parent.keys?.get(String(path.at(-1))) : undefined;
  return { path: found.path, origin: origin ?? found.origin };
}

/**
 * Ports of the host that the pod takes for as long as it runs: as the kubelet counts them when it admits a pod
 * (pkg/scheduler/util/utils.go, GetHostPorts). In the host's network every port of a container is one (pkg/apis/core/v1/
 * defaults.go, defaultHostNetworkPorts).
 */
export function hostPortsOf(pod: Tree): readonly HostPort[] {
  const onHost = isTrueAt(pod, 'spec', 'hostNetwork');
  return containersOf(pod)
    .filter(({ stays, list }) => stays && list !== 'ephemeralContainers')
    .flatMap(({ tree, name }) =>
      asList(at(tree, ['ports'])).flatMap((item) => {
        const field = numberAt(item, 'hostPort') ? 'hostPort' : 'containerPort';
        const port = numberAt(item, field);
        if (!port || (field === 'containerPort' && !onHost)) return [];
        const protocol = textAt(item, 'protocol');
        return [
          {
            port,
            protocol: protocol === 'UDP' || protocol === 'SCTP' ? protocol : 'TCP',
            hostIP: textAt(item, 'hostIP'),
            container: name,
            at: locate(item, [field]),
          } as const,
        ];
      }),
    );
}

export function hostPathsOf(pod: Tree): readonly HostPath[] {
  const mounts = containersOf(pod).flatMap(({ tree }) => asList(at(tree, ['volumeMounts'])));
  return volumesOf(pod).flatMap((volume) => {
    const path = textAt(volume, 'hostPath', 'path');
    if (!path) return [];
    const name = textAt(volume, 'name');
    return [
      {
        path,
        type: textAt(volume, 'hostPath', 'type'),
        volume: name,
        isReadOnly: mounts.every((mount) => textAt(mount, 'name') !== name || isTrueAt(mount, 'readOnly')),
        at: locate(volume, ['hostPath', 'path']),
      },
    ];
  });
}
