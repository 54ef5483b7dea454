import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const { env } = process;

/** The repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** State of the rig: disks, images, keys. */
export const RIG = resolve(env['RIG'] || '/var/lib/rig');
/** Where the rig's scripts are. */
export const RIG_SCRIPTS = resolve(ROOT, env['RIG_SCRIPTS'] || '../shared/rig');
/** kubectl, etcdctl and kubeadm of the version that the rig's images have. */
export const KUBE_BIN = resolve(env['KUBE_BIN'] || '/opt/kube-bin');
/** What a run writes. The cluster's keys are in there. */
export const HOME = join(RIG, 'e2e');
export const CLUSTER = join(HOME, 'cluster');
export const LOGS = join(HOME, 'logs');
export const FIGURES = join(HOME, 'figures.jsonl');
/** With this the rig may be up at the beginning, is reused, and is left as it is at the end: for work on these tests. */
export const KEEP = Boolean(env['E2E_KEEP']);

/** Everything that is missing here, each with what would mend it; empty where the tests can run. */
export function lacks(): readonly string[] {
  const programs = ['ip', 'nsenter', 'unshare', 'flock', 'ssh'];
  const path = (env['PATH'] ?? '').split(':');
  const missing = programs.filter((name) => !path.some((dir) => existsSync(join(dir, name))));
  const kube = ['kubectl', 'etcdctl', 'kubeadm'].filter((name) => !existsSync(join(KUBE_BIN, name)));
  const hasScripts = existsSync(join(RIG_SCRIPTS, 'rig'));
  const parts = ['bin/rigd', 'rootfs-base', 'template/containerd', 'id_ed25519'];
  const unbuilt = parts.filter((part) => !existsSync(join(RIG, part)));
  return [
    ...(process.getuid?.() === 0 ? [] : ['root: the rig makes namespaces, cgroups and mounts']),
    ...(missing.length ? [`programs in PATH: ${missing.join(', ')}`] : []),
    ...(kube.length ? [`in KUBE_BIN (${KUBE_BIN}): ${kube.join(', ')}`] : []),
    ...(hasScripts ? [] : [`the rig's scripts: ${RIG_SCRIPTS}/rig is not there (set RIG_SCRIPTS)`]),
    ...(unbuilt.length
      ? [
          `a rig that is built: ${RIG} lacks ${unbuilt.join(', ')} (RIG=${RIG} KUBE_BIN=… ${RIG_SCRIPTS}/build, or set RIG)`,
        ]
      : []),
  ];
}
