import { normalize } from 'node:path/posix';
import { errorAt, type Fault } from '../../base/fault.ts';
import { locate } from '../../spec/tree.ts';
import type { NodeInput } from '../context.ts';
import { isWithin } from '../view/host-dirs.ts';

/** Directories of the system or of other programs: neither they nor anything in them is for etcd. */
const FOREIGN = [
  ...['/bin', '/boot', '/dev', '/etc', '/lib', '/lib32', '/lib64', '/libx32', '/proc', '/sbin', '/sys', '/usr'],
  ...['/var/lib/kubelet', '/var/lib/containerd', '/var/lib/containers', '/var/lib/crio', '/var/lib/docker'],
  ...['/var/lib/cni', '/var/lib/dpkg', '/var/lib/rpm', '/var/lib/systemd', '/var/log', '/opt/cni'],
];

/** Emptied when the machine starts. */
const VOLATILE = ['/run', '/tmp', '/var/run', '/var/tmp', '/var/cache'];

/** Directories that hold those of many; only to be used below. They would get etcd's owner and mode. */
const SHARED = [
  '/',
  '/home',
  '/media',
  '/mnt',
  '/opt',
  '/root',
  '/srv',
  '/var',
  '/var/lib',
  '/var/local',
  '/var/spool',
];

/** Whether a directory of the host is one that no volume should take the place of, or take whole. */
export function isSystemDirectory(path: string): boolean {
  return [...SHARED, ...FOREIGN, ...VOLATILE].includes(normalize(path).replace(/(?<=.)\/$/, ''));
}

/** etcd's data has a directory of its own, where nothing else lies and nothing takes it away. */
export function checkDataDir({ cluster, node }: NodeInput): readonly Fault[] {
  if (cluster.etcd.kind === 'external') return [];
  const path = normalize(node.etcd.dataDir).replace(/(?<=.)\/$/, '');
  if (!path.startsWith('/')) return [];
  const foreign = FOREIGN.find((dir) => isWithin(path, dir));
  const volatile = VOLATILE.find((dir) => isWithin(path, dir));
  const problem = foreign
    ? `${foreign} belongs to ${foreign.startsWith('/var/lib/') ? 'another program' : 'the system'}`
    : volatile
      ? `${volatile} is emptied now and then, at the latest when the machine starts`
      : SHARED.includes(path)
        ? `${path} is not for etcd alone`
        : undefined;
  if (!problem) return [];
  return [
    errorAt(
      locate(node.blocks, ['etcd', 'dataDir']),
      `${JSON.stringify(node.etcd.dataDir)} cannot be the data directory: ${problem}`,
      'give etcd a directory of its own, such as /var/lib/etcd',
    ),
  ];
}
