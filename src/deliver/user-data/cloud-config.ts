import type { Json } from '../../spec/tree.ts';
import { FIRST_BOOT_DIR, type FirstBootFile, INSTALL } from './first-boot.ts';

/**
 * A cloud-config that puts these files on a machine and runs its first boot, for cloud-init 22.4 and later. cloud-init makes
 * a file readable by all and only then takes that away (util.write_file), so the directory is closed before anything is
 * written into it: `bootcmd` runs before `write_files` (cloud_init_modules), at each boot unless `cloud-init-per` keeps it.
 * @param hostname what the machine has to be called; undefined = as its cloud calls it
 */
export function cloudConfig(
  hostname: string | undefined,
  files: readonly FirstBootFile[],
): Readonly<Record<string, Json>> {
  return {
    ...(hostname !== undefined && hostnameSettings(hostname)),
    bootcmd: [['cloud-init-per', 'instance', 'bootstrap', 'install', '-d', '-m', '0700', FIRST_BOOT_DIR]],
    write_files: files.map(writeFile),
    runcmd: [['sh', INSTALL]],
  };
}

/**
 * Both keys always: of a name with dots cloud-init takes what is before the first one, and where just the name is given RHEL,
 * Photon and Mariner prefer what their cloud calls the machine (cloudinit/distros: prefer_fqdn).
 */
function hostnameSettings(hostname: string): Readonly<Record<string, Json>> {
  if (!hostname.includes('.')) return { hostname, prefer_fqdn_over_hostname: false };
  return { hostname: hostname.replace(/\..*/, ''), fqdn: hostname, prefer_fqdn_over_hostname: true };
}

function writeFile({ path, content, mode, isText }: FirstBootFile): Json {
  const permissions = `0${mode.toString(8)}`;
  if (isText) return { path, permissions, content: content.toString() };
  return { path, permissions, encoding: 'b64', content: content.toString('base64') };
}
