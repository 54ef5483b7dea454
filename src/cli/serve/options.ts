import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BootstrapError } from '../../base/errors.ts';
import { INDEX } from '../../deliver/serve/served-index.ts';
import type { HostPort } from '../../spec/cluster.ts';
import { parseEndpoint } from '../../spec/endpoint.ts';
import { isAddress } from '../../spec/names.ts';

export interface ServeOptions {
  readonly dir: string;
  readonly from?: string;
  readonly listen?: string;
  readonly metrics: string;
  readonly unit?: boolean;
  readonly output: 'text' | 'json';
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** The directory to serve from, absolute. @throws BootstrapError `usage` where nothing was ever published there */
export function servedDir({ dir, from }: ServeOptions): string {
  const path = from === undefined ? resolve(dir, 'serve') : resolve(from);
  if (existsSync(path)) return path;
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
  const port = /^:?(\d{1,5})$/.exec(listen)?.[1];
  const place = parseEndpoint(port === undefined ? listen : `localhost:${port}`, -1);
  if (Number(port) === 0) return { host: '', port: 0 };
  if (!('host' in place)) throw new BootstrapError('usage', `--listen ${place.error}`);
  if (place.port < 0)
    throw new BootstrapError('usage', `--listen ${listen}: the port is missing`, { hint: `write ${listen}:8443` });
  return { host: port === undefined ? place.host : '', port: place.port };
}

/** Where metrics are given out; undefined for nowhere. @throws BootstrapError `usage` */
export function metricsAt({ metrics }: ServeOptions): HostPort | undefined {
  if (metrics === 'off') return undefined;
  const random = /^(.+):0$/.exec(metrics)?.[1];
  if (random !== undefined && isAddress(random)) return { host: random, port: 0 };
  const place = parseEndpoint(metrics, -1);
  if ('host' in place && place.port > 0) return place;
  throw new BootstrapError('usage', `--metrics ${metrics}: must be host:port, or off`);
}

/** `--dir` or `--from`, absolute, for a unit. */
export function sourceWords(options: ServeOptions): readonly [string, string] {
  return options.from === undefined ? ['--dir', resolve(options.dir)] : ['--from', resolve(options.from)];
}

export function indexPath(dir: string): string {
  return join(dir, INDEX);
}
