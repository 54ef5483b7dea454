import { join } from 'node:path';
import { listAt, textAt } from '../json.ts';
import type { StaticPod } from './manifests.ts';
import { type MachineSettings, onNode } from './settings.ts';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The container's name. */
  readonly name: string;
}

/** What runs for the pod's container: the real etcd with the manifest's own flags, and a stand-in for every other program. */
export function commandOf(settings: MachineSettings, pod: StaticPod): Command {
  const [container] = listAt(pod.manifest, 'spec', 'containers');
  const [program = '', ...args] = [...listAt(container, 'command'), ...listAt(container, 'args')].map(String);
  const env = Object.fromEntries(
    listAt(container, 'env').map((entry) => [textAt(entry, 'name'), textAt(entry, 'value')]),
  );
  const flags = args.map((arg) => onThisMachine(settings, arg));
  const common = { env: { ...env, STAND_IN_IMAGE: textAt(container, 'image') }, name: textAt(container, 'name') };
  if (program === 'etcd') {
    return { ...common, program: 'etcd', args: flags.flatMap((arg) => knownToEtcd(settings, arg)) };
  }
  return { ...common, program: process.execPath, args: [settings.component, settings.shared, program, ...flags] };
}

/** Where a process of the node finds a path of the node; there it is in a container with its volumes. */
function onThisMachine(settings: MachineSettings, arg: string): string {
  const [, flag = '', value = ''] = /^(--[^=]+=)(\/.*)$/s.exec(arg) ?? [];
  return flag && !flag.endsWith('-paths=') ? `${flag}${onNode(settings, value)}` : arg;
}

/** Manifests are made for etcd 3.6, and Debian's is older. */
function knownToEtcd(settings: MachineSettings, arg: string): readonly string[] {
  const [flag = '', ...value] = arg.split('=');
  const other = settings.etcdFlags[flag];
  if (other === undefined) return [arg];
  return other === null ? [] : [[other, ...value].join('=')];
}

/** Whether the container's image can be had; those of the registry `missing.invalid` cannot. */
export function imageIsThere(pod: StaticPod): boolean {
  return !textAt(listAt(pod.manifest, 'spec', 'containers')[0], 'image').startsWith(join('missing.invalid', '/'));
}
