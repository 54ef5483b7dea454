import { NAMES } from './cluster.ts';
import { staticPods } from './kube.ts';
import { inHost } from './rig.ts';

/** The names that the kernel keeps of the programs of a master; it keeps 15 letters. */
const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller', 'kube-scheduler'];

/**
 * What is another one after any restart, by what it belongs to: of each static pod its container and how often it was
 * restarted as the API tells, and of each process on each master its number and when it was started.
 */
export async function generations(): Promise<ReadonlyMap<string, string>> {
  const found = (await staticPods()).map(({ name, uid, container, restarts }): readonly [string, string] => [
    name,
    `${uid} ${container} ${restarts}`,
  ]);
  const pids = `kubelet=$(systemctl show -P MainPID kubelet) ${PROGRAMS.map((it) => `${it}=$(pgrep -xo ${it})`).join(' ')}`;
  const look = `for it in ${pids}; do echo "$it $(cut -d' ' -f22 /proc/\${it#*=}/stat)"; done`;
  for (const node of NAMES) {
    for (const line of (await inHost(node, look)).trim().split('\n')) {
      const [program = '', process = ''] = line.split('=');
      found.push([`${node} ${program}`, process]);
    }
  }
  return new Map(found);
}

/** What was started again between two looks, or is not there any more. */
export function restarted(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly string[] {
  return [...before].filter(([what, generation]) => after.get(what) !== generation).map(([what]) => what);
}
