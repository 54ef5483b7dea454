import type { Located } from '../../base/fault.ts';
import type { Tree } from '../../spec/tree.ts';
import type { JsonMap } from '../json.ts';

/** How a pod reaches the kubelet: as a file in its manifests directory, or from the URL that it polls. */
export type Via = 'file' | 'http';

/** One pod of the user's, as it was read; where it was read with an error it is only good for finding more of them. */
export interface StaticPod {
  /** Without the `-<node>` that the kubelet adds. */
  readonly name: string;
  /** `default` where the manifest names none (kubelet: pkg/kubelet/config/common.go, applyDefaults). */
  readonly namespace: string;
  /** What the kubelet is to be given. */
  readonly manifest: JsonMap;
  /** The same with where each value was written; paths are those of the user's document. */
  readonly tree: Tree;
  readonly ports: readonly HostPort[];
  readonly hostPaths: readonly HostPath[];
}

/** A port of the machine that a pod takes for itself. */
export interface HostPort {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** '' = all addresses. */
  readonly hostIP: string;
  readonly container: string;
  readonly at: Located;
}

export interface HostPath {
  readonly path: string;
  /** '' = whatever is there. */
  readonly type: string;
  readonly volume: string;
  /** No container mounts it for writing. */
  readonly isReadOnly: boolean;
  readonly at: Located;
}
