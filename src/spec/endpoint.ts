import { isIPv6 } from 'node:net';
import type { HostPort } from './cluster.ts';
import { isAddress, isDnsName } from './names.ts';

/** Reads `host`, `host:port`, `[v6]:port` or a bare IPv6 address; `defaultPort` where none is given. */
export function parseEndpoint(text: string, defaultPort: number): HostPort | { readonly error: string } {
  const show = JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
  if (/^[a-z]+:\/\//i.test(text)) return { error: `${show} is a URL; write host:port only` };
  if (isIPv6(text) && isAddress(text)) return { host: text, port: defaultPort };
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/.exec(text);
  if (!match) return { error: `${show} is not of the form host:port (an IPv6 address stands in brackets)` };
  const [, v6, plain, portText] = match;
  const host = v6 ?? plain ?? '';
  if (v6 !== undefined ? !(isIPv6(v6) && isAddress(v6)) : !isAddress(host) && !isDnsName(host)) {
    return { error: `${show}: ${JSON.stringify(host.slice(0, 80))} is neither a DNS name nor an IP address` };
  }
  if (portText === undefined) return { host, port: defaultPort };
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65535)
    return { error: `${show}: ${JSON.stringify(portText.slice(0, 20))} is not a port (1 to 65535)` };
  return { host, port };
}

/** `host:port` with IPv6 in brackets. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
