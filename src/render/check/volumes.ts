import { errorAt, type Fault, type Located, warningAt } from '../../base/fault.ts';
import { pathsInFlag } from '../../kubernetes/file-flags.ts';
import type { NodeInput, PlannedPod } from '../context.ts';
import { ETCD_PKI, KUBERNETES, PKI } from '../layout.ts';
import { pkiFiles } from '../pki-files.ts';
import { isWithin } from '../view/host-dirs.ts';
import { type Mount, mountFor, mountsOf, onHost, placeOfVolume } from './mounts.ts';

type PlaceOf = (volume: string) => Located;

/** Where the images of all components have their program. */
const PROGRAMS = '/usr/local/bin';

/** Volumes that bring something else into the container than what is rendered for it. */
export function checkCovers(input: NodeInput, pod: PlannedPod): readonly Fault[] {
  const mounts = mountsOf(pod);
  const placeOf = (volume: string) => placeOfVolume(input, pod, volume);
  return [...checkCover(pod, mounts, placeOf), ...checkSources(input, pod, mounts, placeOf)];
}

/** Volumes that hide the program itself, or what is mounted by default. */
function checkCover(pod: PlannedPod, mounts: readonly Mount[], placeOf: PlaceOf): readonly Fault[] {
  return mounts.flatMap(({ name, mountPath, hostPath }) => {
    const path = mountPath.replace(/(?<=.)\/+$/, '');
    const what = `${pod.component}: the volume "${name}" at ${mountPath}`;
    if (isWithin(`${PROGRAMS}/${pod.component}`, path)) {
      return [errorAt(placeOf(name), `${what} hides the program ${PROGRAMS}/${pod.component} of the image`)];
    }
    const inner = [PKI, ETCD_PKI].filter((dir) => dir !== path && isWithin(dir, path) && hostPath !== path);
    const hidden = inner.find((dir) => mounts.some((mount) => mount.mountPath === dir)) ?? inner[0];
    if (!hidden || path === PKI) return [];
    const message = `${what} is ${hostPath ?? 'no directory of the host'}, and ${hidden} lies in it: the runtime makes directories there to mount it`;
    return [warningAt(placeOf(name), message, `mount something beside or below ${KUBERNETES}, not above`)];
  });
}

/** A file that is rendered on the host is only there in the container where a volume leads back to it. */
function checkSources(
  { cluster, node }: NodeInput,
  pod: PlannedPod,
  mounts: readonly Mount[],
  placeOf: PlaceOf,
): readonly Fault[] {
  const rendered = new Set([
    ...pkiFiles(cluster, node).map((file) => file.path),
    `${KUBERNETES}/controller-manager.conf`,
    `${KUBERNETES}/scheduler.conf`,
  ]);
  const own = new Set(node.files.map((file) => file.path));
  const faults = new Map<string, Fault>();
  for (const use of pod.flags) {
    for (const path of pathsInFlag(pod.component, use.name, use.value ?? '')) {
      const mount = mountFor(mounts, path);
      const source = onHost(mounts, path);
      if (!mount?.hostPath || faults.has(mount.name)) continue;
      if (rendered.has(path) && source !== path && !rendered.has(source) && !own.has(source)) {
        const message = `${pod.component}: ${path} (--${use.name}) is rendered on the host at this path, but the volume "${mount.name}" brings ${source} there, which is not rendered`;
        faults.set(mount.name, errorAt(placeOf(mount.name), message, `set its hostPath to ${mount.mountPath}`));
      } else if (pod.component === 'etcd' && use.name === 'data-dir' && path === node.etcd.dataDir && source !== path) {
        const message = `etcd: its data would lie in ${source}, while spec.etcd.local.dataDir says ${path}`;
        faults.set(mount.name, warningAt(placeOf(mount.name), message, `set spec.etcd.local.dataDir to ${source}`));
      }
    }
  }
  return [...faults.values()];
}
