import { createHash } from 'node:crypto';
import { quotedScalar } from '../../base/yaml-emit.ts';

/**
 * What a machine without a cloud is known by for all its life. It does not follow the user-data on purpose: with a new id
 * cloud-init takes the machine for another one (cloudinit/stages.py, Init.is_new_instance) and does everything of a first boot
 * again, so a master that finds a newer image at its next restart would make new SSH host keys, write keys that nothing
 * installs, and run the user's own commands a second time. Where a first boot has to be tried again,
 * `cloud-init clean` on the machine does that.
 */
export function instanceId(cluster: string, node: string): string {
  const hash = createHash('sha256').update(`${cluster}\n${node}\n`);
  return `bootstrap-${hash.digest('hex').slice(0, 16)}`;
}

/**
 * NoCloud's `meta-data` (cloudinit/sources/DataSourceNoCloud.py). There is no `network-config`: the cluster file knows no
 * interface, gateway or name server, and without it cloud-init asks by DHCP on the first interface with a link. A file of
 * that name which somebody puts beside this one goes into the image as well.
 */
export function metaData(instanceId: string, hostname: string): string {
  return `instance-id: ${quotedScalar(instanceId)}\nlocal-hostname: ${quotedScalar(hostname)}\n`;
}
