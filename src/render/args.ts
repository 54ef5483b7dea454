import type { ExtraArg } from '../spec/cluster.ts';

/** What the user set a flag to: its last value, which is the one that counts; null = taken away, undefined = not set. */
export function argValue(args: readonly ExtraArg[], name: string): string | null | undefined {
  const arg = args.find((a) => a.name === name);
  return arg && (arg.values?.at(-1) ?? null);
}

/** The port in a flag; `fallback` where it is not set, is taken away, or is no port (which the catalogue reports). */
export function portArg(args: readonly ExtraArg[], name: string, fallback: number, whenRemoved = fallback): number {
  const value = argValue(args, name);
  if (value === undefined) return fallback;
  if (value === null) return whenRemoved;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  return port >= 1 && port <= 65535 ? port : fallback;
}

/** `scheme://host[:port]`, as etcd takes it; IPv6 without brackets. */
export interface EtcdUrl {
  readonly scheme: string;
  readonly host: string;
  readonly port: number | undefined;
}

/** Reads one URL of an etcd flag. Not by `new URL`, which hides a port that is the scheme's own. */
export function parseEtcdUrl(text: string): EtcdUrl | undefined {
  const match = /^(https?):\/\/(?:\[([^\]/]+)\]|([^:[\]/]+))(?::(\d{1,5}))?\/?$/.exec(text.trim());
  if (!match) return undefined;
  const [, scheme = '', v6, host, port] = match;
  return { scheme, host: v6 ?? host ?? '', port: port === undefined ? undefined : Number(port) };
}

/** Listening there means on every address of the machine. */
export function isWildcard(address: string): boolean {
  return address === '' || /^[0:.]+$/.test(address);
}
