import type { NodeFile } from '../../spec/cluster.ts';
import type { JsonMap } from '../json.ts';
import { inputsDigest, stampPod } from '../stamp.ts';
import { podCalled } from './manifest-file.ts';
import { type PlannedStaticPod, startFilesOf } from './plan-static-pods.ts';

/** A pod of the user's as the kubelet is to have it. */
export interface StampedPod extends PlannedStaticPod {
  readonly called: string;
  /** The files that it begins anew with. */
  readonly starts: ReadonlySet<string>;
  /** The manifest with its digests: the same whether it runs or is stopped, by file or by URL. */
  readonly data: JsonMap;
}

/** @param files the user's, for that node */
export function stampStaticPods(pods: readonly PlannedStaticPod[], files: readonly NodeFile[]): readonly StampedPod[] {
  return pods.map((placed) => {
    const { namespace, name, manifest } = placed.pod;
    const starts = startFilesOf(placed.pod, files);
    return {
      ...placed,
      called: podCalled(namespace, name),
      starts,
      data: stampPod(manifest, inputsDigest(starts, files)),
    };
  });
}
