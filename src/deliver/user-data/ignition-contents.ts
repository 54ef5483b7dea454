import { basename } from 'node:path/posix';
import type { BundleDirectory, BundleFile } from '../../bundle/bundle.ts';
import { inPlacingOrder } from '../../bundle/revision-index.ts';
import { KUBELET_DROP_IN, KUBELET_UNIT } from '../../render/layout.ts';
import type { Json } from '../../spec/tree.ts';
import { dataUrl } from './data-url.ts';
import { FIRST_BOOT_DIR, type FirstBootFile } from './first-boot.ts';
import { FIRST_BOOT_SERVICE, FIRST_BOOT_UNIT } from './first-boot-unit.ts';
import { type Machine, withoutSecrets } from './machine.ts';
import { copyOf, type RecordFile, revisionDirectories, revisionRecords } from './record.ts';

type Entry = Readonly<Record<string, Json>>;

/** What a config says besides its version. */
export interface IgnitionContents {
  readonly storage: { readonly directories: readonly Entry[]; readonly files: readonly Entry[] };
  readonly systemd: { readonly units: readonly Entry[] };
}

const ROOT = 'root:root';
const HOSTNAME = '/etc/hostname';

/**
 * The files of a bundle where they belong: with `isWhole` all of them and the revision that they are, and the kubelet is
 * enabled; otherwise only what may come before the secrets. On SELinux Ignition labels whatever it writes by the machine's
 * own policy (internal/exec/util/selinux.go).
 */
export function bundleContents(machine: Machine, isWhole: boolean): IgnitionContents {
  const { files, directories } = isWhole ? machine.bundle : withoutSecrets(machine.bundle);
  // what is alike side by side, and a copy right behind its original: gzip looks back no further than 32 KiB
  const entries = inPlacingOrder(files).flatMap((file) => [
    ...(isKubeletUnit(file) ? [] : [fileEntry(file, file.owner)]),
    ...(isWhole ? [fileEntry(copyOf(file))] : []),
  ]);
  const named = files.some(({ path }) => path === HOSTNAME) ? undefined : machine.hostname;
  return {
    storage: {
      directories: [...directories, ...(isWhole ? revisionDirectories(machine) : [])].map(directoryEntry),
      files: [
        ...hostnameEntries(named),
        ...entries,
        ...(isWhole ? revisionRecords(machine) : []).map((file) => fileEntry(file)),
      ],
    },
    systemd: { units: [kubeletEntry(files, isWhole)] },
  };
}

/** The script of the first boot with what it needs, and a unit that runs it. */
export function firstBootContents(files: readonly FirstBootFile[], hostname: string | undefined): IgnitionContents {
  return {
    storage: {
      directories: [directoryEntry({ path: FIRST_BOOT_DIR, mode: 0o700, owner: ROOT })],
      files: [...hostnameEntries(hostname), ...files.map((file) => fileEntry(file))],
    },
    systemd: {
      units: [kubeletEntry([], false), { name: FIRST_BOOT_SERVICE, enabled: true, contents: FIRST_BOOT_UNIT }],
    },
  };
}

/** Modes are decimal. A name has to be known to the machine; where none is given a file is root's. */
function directoryEntry({ path, mode, owner }: BundleDirectory): Entry {
  return { path, mode, ...owned(owner) };
}

/** Without `overwrite` a machine whose image has a file there already does not boot (internal/exec/stages/files). */
function fileEntry({ path, content, mode }: RecordFile, owner = ROOT): Entry {
  const common = { path, overwrite: true, mode, contents: { source: dataUrl(content) } };
  return owner === ROOT ? common : { ...common, ...owned(owner) };
}

function owned(owner: string): Entry {
  const [user = '', group = ''] = owner.split(':');
  return { user: { name: user }, group: { name: group } };
}

/** Afterburn writes it before Ignition does where the cloud has a name for the machine (afterburn-hostname.service). */
function hostnameEntries(hostname: string | undefined): readonly Entry[] {
  if (hostname === undefined) return [];
  return [fileEntry({ path: HOSTNAME, content: Buffer.from(`${hostname}\n`), mode: 0o644 })];
}

function isKubeletUnit({ path }: BundleFile): boolean {
  return path === KUBELET_UNIT || path === KUBELET_DROP_IN;
}

/**
 * No path may be a file's and a unit's (config/v3_4/types/config.go: ErrPathConflictsSystemd). Ignition makes units 0644
 * and root's, as the bundle has these. Where it brings none, the image does; `enabled` is a preset then.
 */
function kubeletEntry(files: readonly BundleFile[], enabled: boolean): Entry {
  const text = (path: string) => files.find((file) => file.path === path)?.content.toString();
  const [contents, dropIn] = [text(KUBELET_UNIT), text(KUBELET_DROP_IN)];
  return {
    name: basename(KUBELET_UNIT),
    enabled,
    ...(contents !== undefined && { contents }),
    ...(dropIn !== undefined && { dropins: [{ name: basename(KUBELET_DROP_IN), contents: dropIn }] }),
  };
}
