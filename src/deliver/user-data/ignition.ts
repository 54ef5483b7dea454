import { base64Url } from './data-url.ts';
import { firstBootFiles } from './first-boot.ts';
import { bundleContents, firstBootContents, type IgnitionContents } from './ignition-contents.ts';
import type { InstallScripts } from './install-script.ts';
import type { Machine, Secrets } from './machine.ts';
import type { Payload } from './payload.ts';
import { squeezed } from './squeezed.ts';

const VERSION = '3.4.0';

export interface IgnitionInput {
  readonly machine: Machine;
  readonly secrets: Secrets;
  readonly scripts: InstallScripts;
  /** Of the files that `secrets` lets the machine have now, or has it fetch. */
  readonly payload: Payload;
  readonly compress: boolean;
  /**
   * With `inline`: the payload and the script of the first boot instead of the files, as with the other formats. It takes a
   * fifth less, most of that for the SHA-256 that a revision keeps of each file: nothing compresses those, and the script
   * computes them.
   */
  readonly packed?: boolean;
}

/**
 * An Ignition config. Ignition runs once, in the initramfs: either all is there before systemd starts any unit, or the
 * machine does not boot. So the files come as they are, and the kubelet is just enabled; only what is fetched is brought
 * by the script of the first boot, since Ignition cannot decrypt.
 *
 * Compressed user-data Ignition reads on Akamai alone (internal/providers/akamai, since 2.20), but everywhere a compressed
 * config that another one refers to: so the other one consists of nothing but that. It is a data URL, which needs neither
 * the network nor a hash.
 */
export function ignitionConfig(input: IgnitionInput): Buffer {
  const config = document({}, contentsOf(input));
  if (!input.compress) return config;
  return document({ config: { replace: { source: base64Url(squeezed(config)), compression: 'gzip' } } }, {});
}

function document(ignition: object, contents: IgnitionContents | object): Buffer {
  return Buffer.from(JSON.stringify({ ignition: { version: VERSION, ...ignition }, ...contents }));
}

function contentsOf({ machine, secrets, scripts, payload, packed }: IgnitionInput): IgnitionContents {
  if (secrets.kind === 'fetch' || (secrets.kind === 'inline' && packed))
    return firstBootContents(firstBootFiles(machine, secrets, payload, scripts), machine.hostname);
  return bundleContents(machine, secrets.kind === 'inline');
}
