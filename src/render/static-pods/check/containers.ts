import { errorAt, type Fault } from '../../../base/fault.ts';
import { didYouMean } from '../../../base/suggest.ts';
import { isDnsLabel } from '../../../spec/names.ts';
import { asList } from '../../../spec/read-tree.ts';
import { at, locate, type Tree } from '../../../spec/tree.ts';
import { isPortName, repositoryOf } from '../names.ts';
import { type Container, containersOf, isSetAt, isTrueAt, keysAt, numberAt, textAt, volumesOf } from '../parts.ts';
import { quote } from '../show.ts';
import type { StaticPod } from '../static-pod.ts';

const LABEL = 'at most 63 lower-case letters, digits and "-", a letter or digit at both ends';

/** What the kubelet refuses in containers: pkg/apis/core/validation, validateContainerCommon. */
export function checkContainers({ tree }: StaticPod): readonly Fault[] {
  const containers = containersOf(tree).filter(({ list }) => list !== 'ephemeralContainers');
  const faults: Fault[] = [];
  if (at(tree, ['spec', 'containers'])?.kind === 'list' && !containers.some(({ list }) => list === 'containers')) {
    faults.push(errorAt(locate(tree, ['spec', 'containers']), 'a pod needs a container'));
  }
  const names = new Set<string>();
  const volumes = volumesOf(tree).map((volume) => textAt(volume, 'name'));
  const scratch = volumesOf(tree)
    .filter((volume) => isEmptyDir(volume))
    .map((volume) => textAt(volume, 'name'));
  for (const container of containers) {
    const { tree: one, name } = container;
    if (name && !isDnsLabel(name)) {
      faults.push(errorAt(locate(one, ['name']), `${quote(name)} is no name of a container: ${LABEL}`));
    } else if (name && names.has(name)) {
      faults.push(errorAt(locate(one, ['name']), `two containers of this pod are called ${quote(name)}`));
    }
    names.add(name);
    faults.push(...checkImage(one), ...checkPorts(one), ...checkEnv(one, scratch), ...checkMounts(container, volumes));
  }
  return faults;
}

function checkImage(container: Tree): readonly Fault[] {
  const image = at(container, ['image']);
  if (image && image.kind !== 'scalar') return [];
  const text = textAt(container, 'image');
  if (!text) return [errorAt(locate(container, ['image']), 'a container needs an image')];
  // pkg/util/parsers, ParseImageName; "InvalidImageName" for good
  if (/\s/.test(text)) {
    return [errorAt(locate(container, ['image']), `${quote(text)} holds white space, so it is no name of an image`)];
  }
  if (!/[A-Z]/.test(repositoryOf(text))) return [];
  const message = `${quote(text)} is no name of an image: only its registry and its tag may hold capital letters`;
  return [errorAt(locate(container, ['image']), message)];
}

function checkPorts(container: Tree): readonly Fault[] {
  const names = new Set<string>();
  return asList(at(container, ['ports'])).flatMap((port) => {
    const faults: Fault[] = [];
    for (const field of ['containerPort', 'hostPort']) {
      const number = numberAt(port, field);
      const isNone = number === undefined || (number === 0 && field === 'hostPort');
      if (isNone || (number >= 1 && number <= 65535)) continue;
      faults.push(errorAt(locate(port, [field]), `${number} is no port: 1 to 65535`));
    }
    const name = textAt(port, 'name');
    if (name && !isPortName(name)) {
      const rule = 'at most 15 lower-case letters, digits and single "-", with a letter among them';
      faults.push(errorAt(locate(port, ['name']), `${quote(name)} is no name of a port: ${rule}`));
    } else if (name && names.has(name)) {
      faults.push(errorAt(locate(port, ['name']), `two ports of this container are called ${quote(name)}`));
    }
    names.add(name);
    return faults;
  });
}

/** An emptyDir, which a volume without any source is too (pkg/apis/core/v1/defaults.go, SetDefaults_Volume). */
function isEmptyDir(volume: Tree): boolean {
  return keysAt(volume).every((key) => key === 'name' || key === 'emptyDir');
}

function checkEnv(container: Tree, scratch: readonly string[]): readonly Fault[] {
  const empty = asList(at(container, ['envFrom'])).filter(
    (source) => !at(source, ['secretRef']) && !at(source, ['configMapRef']),
  );
  const unnamed = empty.map((source) => errorAt(source, 'holds no source', 'write the variables out in env'));
  const single = asList(at(container, ['env'])).flatMap((env) => {
    const name = textAt(env, 'name');
    const faults: Fault[] = [];
    // apimachinery util/validation, IsRelaxedEnvVarName
    if (!/^[ -~]*$/.test(name) || name.includes('=')) {
      faults.push(
        errorAt(locate(env, ['name']), `${quote(name)} is no name of a variable: printable ASCII without "="`),
      );
    }
    const from = at(env, ['valueFrom']);
    if (from?.kind !== 'map') return faults;
    const sources = keysAt(from);
    const file = textAt(from, 'fileKeyRef', 'volumeName');
    if (file && !scratch.includes(file)) {
      faults.push(errorAt(locate(from, ['fileKeyRef', 'volumeName']), `the pod has no emptyDir volume ${quote(file)}`));
    }
    if (sources.length !== 1) {
      const given = sources.length ? `, not ${sources.length}` : '';
      faults.push(errorAt(from, `must hold one source${given}`, 'fieldRef, resourceFieldRef or fileKeyRef'));
    } else if (isSetAt(env, 'value')) {
      faults.push(errorAt(from, 'cannot stand beside value', 'take one of the two out'));
    }
    return faults;
  });
  return [...unnamed, ...single];
}

function checkMounts({ tree: container }: Container, volumes: readonly string[]): readonly Fault[] {
  const paths = new Set<string>();
  const faults = asList(at(container, ['volumeMounts'])).flatMap((mount) => {
    const [name, path] = [textAt(mount, 'name'), textAt(mount, 'mountPath')];
    const found: Fault[] = [];
    if (name && !volumes.includes(name)) {
      const hint =
        didYouMean(name, volumes) ?? (volumes.length ? `there are ${volumes.join(', ')}` : 'add it to spec.volumes');
      found.push(errorAt(locate(mount, ['name']), `the pod has no volume ${quote(name)}`, hint));
    }
    if (path && paths.has(path)) {
      found.push(errorAt(locate(mount, ['mountPath']), `two volumes are mounted at ${quote(path)}`));
    }
    paths.add(path);
    for (const field of ['subPath', 'subPathExpr']) {
      const inner = textAt(mount, field);
      if (inner.startsWith('/') || inner.split('/').includes('..')) {
        found.push(errorAt(locate(mount, [field]), `${quote(inner)} must be a path within the volume, without ".."`));
      }
    }
    if (isSetAt(mount, 'subPath') && isSetAt(mount, 'subPathExpr')) {
      found.push(errorAt(locate(mount, ['subPathExpr']), 'cannot stand beside subPath', 'take one of the two out'));
    }
    const isPrivileged = isTrueAt(container, 'securityContext', 'privileged');
    if (textAt(mount, 'mountPropagation') === 'Bidirectional' && !isPrivileged) {
      const message = 'Bidirectional is for privileged containers only';
      found.push(errorAt(locate(mount, ['mountPropagation']), message));
    }
    return found;
  });
  for (const device of asList(at(container, ['volumeDevices']))) {
    const message = 'a static pod has no block volumes: they come from a PersistentVolumeClaim';
    faults.push(errorAt(device, message, 'mount the device of the host by hostPath, type: BlockDevice'));
  }
  return faults;
}
