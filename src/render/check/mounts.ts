import { dirname } from 'node:path/posix';
import { errorAt, type Fault, type Located, warningAt } from '../../base/fault.ts';
import { fileFlag, pathsInFlag } from '../../kubernetes/file-flags.ts';
import { readsFileOnlyAtStart } from '../../kubernetes/reload.ts';
import { locate } from '../../spec/tree.ts';
import type { NodeInput, PlannedPod } from '../context.ts';
import { type FlagUse, valuesByName } from '../flag-use.ts';
import { below, isMap } from '../json.ts';
import { BLOCK_OF, KUBERNETES } from '../layout.ts';
import { containerOf, listAt } from '../overlay.ts';
import { placeOfFlag, settingPath } from '../place.ts';
import { isWithin } from '../view/host-dirs.ts';
import { isSystemDirectory } from './data-dir.ts';

/** A volume of the component's container, where it is mounted. */
export interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  /** Undefined where it is no hostPath volume. */
  readonly hostPath: string | undefined;
}

export function mountsOf({ data, component }: PlannedPod): readonly Mount[] {
  const hostPaths = new Map(
    listAt(data, 'spec', 'volumes').map(
      (volume) => [below(volume, 'name'), below(volume, 'hostPath', 'path')] as const,
    ),
  );
  return listAt(containerOf(data, component), 'volumeMounts').flatMap((mount) => {
    if (!isMap(mount)) return [];
    const { name, mountPath, readOnly, subPath } = mount;
    const hostPath = hostPaths.get(name);
    const path =
      typeof hostPath === 'string'
        ? [hostPath, subPath].filter((part) => typeof part === 'string' && part).join('/')
        : undefined;
    return [{ name: String(name), mountPath: String(mountPath), readOnly: readOnly === true, hostPath: path }];
  });
}

/** The mount that a path in the container lies in: the innermost. */
export function mountFor(mounts: readonly Mount[], path: string): Mount | undefined {
  let found: Mount | undefined;
  for (const mount of mounts) {
    if (isWithin(path, trimmed(mount.mountPath)) && mount.mountPath.length > (found?.mountPath.length ?? -1))
      found = mount;
  }
  return found;
}

/** Where a path in the container lies on the host; the path itself where it is on no volume of the host. */
export function onHost(mounts: readonly Mount[], path: string): string {
  const mount = mountFor(mounts, path);
  return mount?.hostPath === undefined ? path : trimmed(mount.hostPath + path.slice(trimmed(mount.mountPath).length));
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.replace(/\/+$/, '') : path;
}

/** Every file that a flag names is there in the container: it is mounted, and writable where it is written. */
export function checkMounts(input: NodeInput, pod: PlannedPod): readonly Fault[] {
  const mounts = mountsOf(pod);
  const faults = [...checkVolumes(input, pod, mounts)];
  for (const use of pod.flags) {
    const flag = fileFlag(pod.component, use.name);
    if (!flag || use.value === undefined) continue;
    for (const path of pathsInFlag(pod.component, use.name, use.value)) {
      const mount = mountFor(mounts, path);
      if (isInEveryContainer(path)) continue;
      if (!mount) faults.push(notMounted(input, pod, use, path, flag.access, flag.is === 'directory'));
      else if (mount.mountPath === path && flag.is !== 'directory' && reloads(pod, use, input.cluster.version.minor)) {
        const message = `${pod.component} reads ${path} again when it changes, but never sees a new file there: the volume "${mount.name}" is that one file`;
        faults.push(
          warningAt(
            placeOfVolume(input, pod, mount.name),
            message,
            `mount its directory: hostPath and mountPath ${dirname(path)}`,
          ),
        );
      } else if (flag.access === 'write' && mount.readOnly) {
        const at = placeOfFlag(input, pod.component, use);
        faults.push(
          errorAt(
            at,
            `${pod.component} writes ${path}, but the volume "${mount.name}" is mounted read-only at ${mount.mountPath}`,
          ),
        );
      }
    }
  }
  return faults;
}

function reloads({ component, flags }: PlannedPod, { name }: FlagUse, minor: number): boolean {
  return (
    fileFlag(component, name)?.access === 'read' && !readsFileOnlyAtStart(component, name, minor, valuesByName(flags))
  );
}

/** Where a volume was set: at the user's of that name, or at the list where it could be. */
export function placeOfVolume({ node }: NodeInput, { component }: PlannedPod, name: string): Located {
  const block = BLOCK_OF[component];
  return (
    node[block].extraVolumes.find((volume) => volume.name === name)?.at ?? locate(node.blocks, [block, 'extraVolumes'])
  );
}

/** Made by the container runtime. */
function isInEveryContainer(path: string): boolean {
  return isWithin(path, '/dev') || isWithin(path, '/proc') || isWithin(path, '/sys');
}

function notMounted(
  input: NodeInput,
  pod: PlannedPod,
  use: FlagUse,
  path: string,
  access: string,
  isDirectory: boolean,
): Fault {
  const at = placeOfFlag(input, pod.component, use);
  const directory = isDirectory ? path : dirname(path);
  const name =
    directory
      .slice(1)
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 63) || 'files';
  const readOnly = access === 'write' ? '' : ', readOnly: true';
  if (isSystemDirectory(directory)) {
    const elsewhere = `put it into a directory of its own, such as ${KUBERNETES}/${use.name}, and mount that`;
    return access === 'write'
      ? warningAt(at, lost(pod, path), elsewhere)
      : errorAt(at, unmounted(pod, use, path), elsewhere);
  }
  const volume = `{name: ${name}, hostPath: ${directory}, mountPath: ${directory}${readOnly}, pathType: ${access === 'write' ? 'DirectoryOrCreate' : 'Directory'}}`;
  const hint = `add to ${settingPath(pod.component, 'extraVolumes')}: ${volume}`;
  if (access === 'write') return warningAt(at, lost(pod, path), hint);
  return errorAt(at, unmounted(pod, use, path), hint);
}

function lost({ component }: PlannedPod, path: string): string {
  return `what ${component} writes to ${path} is lost when its container ends: no volume is mounted there`;
}

function unmounted({ component }: PlannedPod, { name }: FlagUse, path: string): string {
  return `--${name}: no volume of ${component} is mounted at ${path}`;
}

/** What the kubelet refuses the whole pod for: a path mounted twice, a mount without its volume. */
function checkVolumes(input: NodeInput, pod: PlannedPod, mounts: readonly Mount[]): readonly Fault[] {
  const { component, data } = pod;
  const { extraVolumes } = input.node[BLOCK_OF[component]];
  const place = (name: string) => placeOfVolume(input, pod, name);
  const volumes = new Set(listAt(data, 'spec', 'volumes').map((volume) => below(volume, 'name')));
  const faults: Fault[] = [];
  const seen = new Map<string, Mount>();
  for (const mount of mounts) {
    const other = seen.get(trimmed(mount.mountPath));
    if (other) {
      const mine = extraVolumes.some((volume) => volume.name === mount.name) ? mount : other;
      const message = `${component}: the volumes "${other.name}" and "${mount.name}" are both mounted at ${mount.mountPath}`;
      faults.push(
        errorAt(
          place(mine.name),
          message,
          `give yours the name of the other ("${(mine === mount ? other : mount).name}") to replace it`,
        ),
      );
    }
    seen.set(trimmed(mount.mountPath), mount);
    if (!volumes.has(mount.name))
      faults.push(
        errorAt(
          place(mount.name),
          `${component}: the volume "${mount.name}" that is mounted at ${mount.mountPath} does not exist`,
        ),
      );
  }
  return faults;
}
