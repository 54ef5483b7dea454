import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER, HOME, KUBE_BIN, RIG } from './places.ts';
import { admin } from './rig.ts';

/** The commands that a message tells to run, in their order: what stands in backquotes below the line that names this. */
export function commandsFor(object: string, message: string): readonly string[] {
  const lines = message.split('\n');
  const at = lines.findIndex((line) => line.includes(`${object}:`));
  if (at === -1) throw new Error(`nothing is said of ${object}:\n${message}`);
  return [...(lines[at + 1] ?? '').matchAll(/`([^`]+)`/g)].map(([, command = '']) => command);
}

/** Runs a command as an admin would, who has kubectl, a kubeconfig, and an ssh_config for the hosts. */
export function asAdmin(command: string): Promise<string> {
  const bin = join(HOME, 'bin');
  mkdirSync(bin, { recursive: true });
  const ssh = join(bin, 'ssh');
  writeFileSync(
    ssh,
    `#!/bin/sh\nexec /usr/bin/ssh -F '${join(CLUSTER, 'ssh_config')}' -i '${join(RIG, 'id_ed25519')}' "$@"\n`,
  );
  chmodSync(ssh, 0o755);
  const env = `PATH=${bin}:${KUBE_BIN}:$PATH KUBECONFIG=${join(CLUSTER, 'admin.conf')}`;
  return admin('bash', '-o', 'pipefail', '-c', `export ${env}; ${command}`);
}
