import { posixQuoted } from '../../base/posix-quote.ts';
import type { InstallScripts } from './install-script.ts';
import { BY, type Machine, type Secrets } from './machine.ts';
import type { Payload } from './payload.ts';

/** Where the user-data puts what a machine needs once; only root may enter it, and the machine removes it in the end. */
export const FIRST_BOOT_DIR = '/etc/bootstrap';

/** One file of it. */
export interface FirstBootFile {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
  /** Lines that a person can read; anything else has to be encoded. */
  readonly isText: boolean;
}

/** The program of the first boot. */
export const INSTALL = `${FIRST_BOOT_DIR}/install.sh`;

/**
 * What lies in {@link FIRST_BOOT_DIR} when a machine comes up for the first time (templates/user-data/install.sh).
 * @param payload of all files of the node, or with `none` of those that are no secrets
 */
export function firstBootFiles(
  machine: Machine,
  secrets: Secrets,
  payload: Payload,
  scripts: InstallScripts,
): readonly FirstBootFile[] {
  const text = (name: string, content: string, mode = 0o600): FirstBootFile => ({
    path: `${FIRST_BOOT_DIR}/${name}`,
    content: Buffer.from(content),
    mode,
    isText: true,
  });
  const common = [text('install.sh', scripts.install, 0o700), text('settings', settings(machine, secrets, payload))];
  if (secrets.kind !== 'fetch')
    return [...common, { path: `${FIRST_BOOT_DIR}/payload`, content: payload.content, mode: 0o600, isText: false }];
  return [
    ...common,
    text('fetch.sh', scripts.fetch),
    text('fetch', `url = "${secrets.url.replace(/["\\]/g, '\\$&')}"\n`),
    text('key', `${secrets.sealed.key.reveal()}\n`),
  ];
}

function settings(machine: Machine, secrets: Secrets, payload: Payload): string {
  const values = {
    node: machine.hostname ?? '',
    secrets: secrets.kind,
    digest: machine.digest,
    etcd: machine.etcdDataDir ?? '',
    sha256: payload.sha256,
    by: BY,
    ...(secrets.kind === 'fetch' && { encrypted: secrets.sealed.sha256 }),
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value && posixQuoted(value)}\n`)
    .join('');
}
