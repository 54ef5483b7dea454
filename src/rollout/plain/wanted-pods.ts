import type { Bundle } from '../../bundle/bundle.ts';
import { below, isList, isMap, type JsonMap } from '../../render/json.ts';
import type { WantedPod } from '../apply/proofs.ts';
import { wantedPods } from '../apply/wanted.ts';
import { readManifest } from '../plan/read-manifest.ts';

/** What must run of one pod of a bundle; `mirror` is what it is called on the node. */
export interface PlainPod extends WantedPod {
  /** Names of the containers that run as long as it does. */
  readonly containers: readonly string[];
}

/** The pods that the manifests of a bundle make. */
export function plainPods(bundle: Bundle): readonly PlainPod[] {
  const containers = new Map(
    bundle.files.flatMap(({ content, effect }) =>
      effect.kind === 'manifest' ? [[effect.pod, lasting(readManifest(content))] as const] : [],
    ),
  );
  return wantedPods(bundle).map((pod) => ({ ...pod, containers: containers.get(pod.component) ?? [] }));
}

function lasting(manifest: JsonMap | undefined): readonly string[] {
  const namesIn = (field: string, isWanted: (container: JsonMap) => boolean): readonly string[] => {
    const list = below(manifest, 'spec', field);
    return isList(list)
      ? list
          .filter(isMap)
          .filter(isWanted)
          .flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
      : [];
  };
  // an init container with a restart policy of its own is a sidecar, and stays (KEP-753)
  const isSidecar = ({ restartPolicy }: JsonMap) => restartPolicy === 'Always';
  return [...namesIn('initContainers', isSidecar), ...namesIn('containers', () => true)];
}
