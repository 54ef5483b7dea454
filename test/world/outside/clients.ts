import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from '../api-client.ts';
import { identityIn } from '../identity.ts';
import type { ClientSettings } from './settings.ts';
import type { Sightings } from './watcher.ts';
import type { Writes } from './writer.ts';

export interface OutsideOptions {
  /**
   * The kubeconfig of the cluster directory that says whom it trusts and who it is; both are read again when it changes.
   * Default `super-admin.conf`.
   */
  readonly as?: string;
  /** Certificates in PEM, read again when they change, to trust these instead. */
  readonly trust?: string;
  /** Keeps the client certificate that it has had first, until `identify` gives it another. */
  readonly keepsIdentity?: boolean;
}

/** A client in a process of its own. */
export interface Outside<Tally> {
  /** What it has seen so far. */
  read(): Tally;
  /** Gives it another client certificate, for its next connection: that of a kubeconfig of the cluster directory, say. */
  identify(as: string | Identity): void;
  /** Ends it; what it has seen. */
  stop(): Tally;
}

const NO_WRITES: Writes = { done: 0, retried: 0, failed: 0, lost: 0, last: -1, longestGap: 0, errors: [] };
const NO_SIGHTINGS: Sightings = { seen: 0, states: 0, failed: 0, wentBack: 0, longestGap: 0, errors: [] };

/** What the clients of one world share. */
export interface OutsideSite {
  /** The cluster directory. */
  readonly dir: string;
  /** An empty directory of this client. */
  readonly folder: string;
  /** The port of the load balancer. */
  readonly port: number;
  /** Starts a program of the world. */
  run(program: string, ...args: readonly string[]): ChildProcess;
}

export const startWriter = (
  site: OutsideSite,
  program: string,
  path: string,
  options: OutsideOptions,
): Outside<Writes> => start(site, program, path, options, NO_WRITES);

export const startWatcher = (
  site: OutsideSite,
  program: string,
  path: string,
  options: OutsideOptions,
): Outside<Sightings> => start(site, program, path, options, NO_SIGHTINGS);

function start<Tally>(
  { dir, folder, port, run }: OutsideSite,
  program: string,
  path: string,
  { as = 'super-admin.conf', trust, keepsIdentity = false }: OutsideOptions,
  nothing: Tally,
): Outside<Tally> {
  const at = (name: string) => join(folder, name);
  const write = (file: string, data: unknown): void => {
    writeFileSync(`${file}.new`, JSON.stringify(data), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  const kubeconfig = join(dir, as);
  const settings: ClientSettings = {
    host: 'localhost',
    port,
    tally: at('tally'),
    trust: trust ?? kubeconfig,
    kubeconfig,
    given: at('identity'),
    path,
  };
  if (keepsIdentity) write(settings.given, identityIn(kubeconfig));
  write(at('settings'), settings);
  const child = run(program, at('settings'));
  const read = (): Tally =>
    existsSync(settings.tally) ? (JSON.parse(readFileSync(settings.tally, 'utf8')) as Tally) : nothing;
  return {
    read,
    identify: (next) => write(settings.given, typeof next === 'string' ? identityIn(join(dir, next)) : next),
    stop() {
      child.kill('SIGKILL');
      return read();
    },
  };
}
