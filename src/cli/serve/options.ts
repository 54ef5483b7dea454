import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BootstrapError } from '../../base/errors.ts';
import { INDEX } from '../../deliver/serve/served-index.ts';
import type { HostPort } from '../../spec/cluster.ts';
import { parseEndpoint } from '../../spec/endpoint.ts';

export interface ServeOptions {
  /** The cluster directory; the working directory where it is left out. */
  readonly dir?: string;
  readonly from?: string;
  readonly listen?: string;
  readonly metrics: string;
  readonly unit?: boolean;
  readonly log: 'text' | 'json';
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** The directory to serve from, absolute. @throws BootstrapError `usage` where nothing was ever published there */
export function servedDir({ dir, from }: ServeOptions): string {
  if (dir !== undefined && from !== undefined) {
    throw new BootstrapError('usage', '--dir and --from exclude each other', {
      hint: '--dir takes the cluster directory, --from a copy of its serve/',
    });
  }
  const path = from === undefined ? resolve(dir ?? '.', 'serve') : resolve(from);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new BootstrapError('usage', `${path}: there is no such directory`, {
    hint:
      from === undefined
        ? '`bootstrap apply` makes it, once a pod has `via: http`; --dir says where the cluster directory is'
        : 'copy the serve/ of the cluster directory there',
  });
}

/**
 * Where to listen: what was asked for, or the port at which the nodes expect the server.
 * @param endpoint of the published index; undefined where that cannot be read just now
 * @throws BootstrapError `usage` where it is no such place
 */
export function listenAt({ listen }: ServeOptions, endpoint: string | undefined): HostPort {
  if (listen === undefined) {
    if (endpoint === undefined) {
      throw new BootstrapError('usage', `the port cannot be told: ${INDEX} cannot be read`, {
        hint: 'say it: --listen 8443',
      });
    }
    const known = parseEndpoint(endpoint, 0);
    return { host: '', port: 'host' in known ? known.port : 0 };
  }
  return placeOf('--listen', listen);
}

/** Where metrics are given out; undefined for nowhere. @throws BootstrapError `usage` */
export function metricsAt({ metrics }: ServeOptions): HostPort | undefined {
  if (metrics === 'off') return undefined;
  return placeOf('--metrics', metrics);
}

/** `host:port`, or the port alone for all addresses; 0 takes any that is free. */
function placeOf(option: string, text: string): HostPort {
  const [, host = '', port = ''] = /^(?:(.*):)?(\d{1,5})$/.exec(text) ?? [];
  const number = Number(port);
  // the host's form is that of an endpoint, which knows no port 0
  const read = host ? parseEndpoint(`${host}:1`, 1) : { host: '', port: 1 };
  if (port && number <= 65535 && 'host' in read) return { host: read.host, port: number };
  throw new BootstrapError('usage', `${option} ${text}: must be host:port or a port`, {
    hint: 'for example 10.0.0.5:8443, [fd00::5]:8443 or 8443',
  });
}

/** `--dir` or `--from`, absolute, for a unit. */
export function sourceWords(options: ServeOptions): readonly [string, string] {
  return options.from === undefined ? ['--dir', resolve(options.dir ?? '.')] : ['--from', resolve(options.from)];
}

export function indexPath(dir: string): string {
  return join(dir, INDEX);
}
