import { errorAt, type Fault, warningAt } from '../../../base/fault.ts';
import { fieldsOf } from '../../../kubernetes/pod-fields.ts';
import { isDnsLabel } from '../../../spec/names.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, locate, type Tree } from '../../../spec/tree.ts';
import { containersOf, keysAt, locateKey, textAt, volumesOf } from '../parts.ts';
import { quote } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';

/** Of these the kubelets of 1.33 and later have no driver (pkg/volume has none, and gitRepo is off). */
const NO_DRIVER: ReadonlySet<string> = new Set([
  ...['awsElasticBlockStore', 'azureDisk', 'cephfs', 'cinder', 'flocker', 'gcePersistentDisk', 'gitRepo'],
  ...['photonPersistentDisk', 'portworxVolume', 'quobyte', 'rbd', 'scaleIO', 'storageos', 'vsphereVolume'],
]);

/** Volumes as such: pkg/apis/core/validation, ValidateVolumes. */
export function checkVolumes({ tree }: StaticPod): readonly Fault[] {
  const names = new Set<string>();
  const used = new Set(
    containersOf(tree).flatMap((container) => [
      ...asList(at(container.tree, ['volumeMounts'])).map((mount) => textAt(mount, 'name')),
      ...asList(at(container.tree, ['env'])).map((env) => textAt(env, 'valueFrom', 'fileKeyRef', 'volumeName')),
    ]),
  );
  return volumesOf(tree).flatMap((volume) => {
    const name = textAt(volume, 'name');
    const faults: Fault[] = [];
    if (name && !isDnsLabel(name)) {
      const rule = 'at most 63 lower-case letters, digits and "-", a letter or digit at both ends';
      faults.push(errorAt(locate(volume, ['name']), `${quote(name)} is no name of a volume: ${rule}`));
    } else if (name && names.has(name)) {
      faults.push(errorAt(locate(volume, ['name']), `two volumes are called ${quote(name)}`));
    } else if (name && !used.has(name)) {
      faults.push(warningAt(locate(volume, ['name']), `no container mounts the volume ${quote(name)}`));
    }
    names.add(name);
    return [...faults, ...checkSource(volume)];
  });
}

function checkSource(volume: Tree): readonly Fault[] {
  const known = fieldsOf('Volume');
  const sources = keysAt(volume).filter((key) => key !== 'name' && known.has(key));
  if (sources.length > 1) {
    return [errorAt(volume, `a volume has one source, not ${sources.length} (${sources.join(', ')})`)];
  }
  return sources.flatMap((source) => {
    const place = locateKey(volume, source);
    if (NO_DRIVER.has(source)) {
      const message = 'no kubelet of today can mount it, so the pod would never start';
      return [errorAt(place, message, 'mount it on the node and take hostPath')];
    }
    return source === 'projected' ? checkProjected(volume) : [];
  });
}

/** pkg/api/pod/util.go, HasAPIObjectReference: "unknown source for projected volume". */
function checkProjected(volume: Tree): readonly Fault[] {
  return asList(at(volume, ['projected', 'sources'])).flatMap((source) => {
    const count = keysAt(source).length;
    if (count === 1) return [];
    return [errorAt(source, count ? `one source goes into one entry, not ${count}` : 'holds no source', 'downwardAPI')];
  });
}
