import { homedir } from 'node:os';
import { join } from 'node:path';
import { shellQuoted } from '../../base/posix-quote.ts';
import type { SshSettings } from '../../spec/cluster.ts';

/** Where one connection has its things. */
export interface SshPaths {
  /** The socket through which further ssh processes use it. */
  readonly control: string;
  /** What ssh says in its background. */
  readonly log: string;
}

/** Said in place of a connection that ssh would otherwise make where the shared one is gone. */
export const NO_CONNECTION = 'bootstrap-no-connection';

/** What ssh says by itself where it has nothing to complain of is not wanted; what goes wrong is. */
const COMMON = [
  '-T',
  ...option('BatchMode=yes'),
  ...option('ConnectTimeout=10'),
  ...option('ServerAliveInterval=5'),
  ...option('ServerAliveCountMax=3'),
  ...option('StrictHostKeyChecking=yes'),
  // what the user's ssh_config may want for sessions of his own
  ...option('RemoteCommand=none'),
  ...option('ClearAllForwardings=yes'),
  ...option('ForwardAgent=no'),
  ...option('ForwardX11=no'),
];

/** A connection for one line only. */
export function directSsh(ssh: SshSettings, line: string): readonly string[] {
  return [
    'ssh',
    ...settings(ssh, absolute),
    ...COMMON,
    ...option('LogLevel=ERROR'),
    ...option('ControlPath=none'),
    '--',
    ssh.host,
    line,
  ];
}

/** The same, and the connection stays for others for a minute after its last use. */
export function sharingSsh(ssh: SshSettings, paths: SshPaths, line: string): readonly string[] {
  const share = ['ControlMaster=auto', `ControlPath=${paths.control}`, 'ControlPersist=60', 'LogLevel=INFO'];
  return [
    'ssh',
    '-E',
    paths.log,
    ...settings(ssh, absolute),
    ...COMMON,
    ...share.flatMap(option),
    '--',
    ssh.host,
    line,
  ];
}

/** ssh by way of a connection that is there, or not at all. Nothing of the user's ssh_config counts any more. */
function muxed(paths: SshPaths, ...words: readonly string[]): readonly string[] {
  const instead = `ProxyCommand=sh -c 'echo ${NO_CONNECTION} >&2'`;
  return [
    'ssh',
    '-F',
    '/dev/null',
    '-T',
    '-S',
    paths.control,
    ...['LogLevel=ERROR', 'BatchMode=yes', instead].flatMap(option),
    ...words,
  ];
}

export function muxedSsh(paths: SshPaths, { host }: SshSettings, line: string): readonly string[] {
  return muxed(paths, '--', host, line);
}

/** @param order `check`, `exit`, or `forward` with what is to be forwarded */
export function controlSsh(paths: SshPaths, { host }: SshSettings, ...order: readonly string[]): readonly string[] {
  return muxed(paths, '-O', ...order, '--', host);
}

/** One connection to a port by way of the node, its two ends being ssh's own input and output. */
export function pipingSsh(paths: SshPaths, { host }: SshSettings, to: string): readonly string[] {
  return muxed(paths, '-W', to, '--', host);
}

/** A command that a person may run to reach the same host in the same way. */
export function sshForPeople(ssh: SshSettings, ...options: readonly string[]): string {
  const words = ['ssh', ...options.flatMap(option), ...settings(ssh, (path) => path), '--', ssh.host, 'true'];
  return words
    .filter((word) => word !== '--')
    .map(shellQuoted)
    .join(' ');
}

/** `ubuntu@203.0.113.5:2222` */
export function targetOf({ user, host, port }: SshSettings): string {
  const at = port !== undefined && host.includes(':') ? `[${host}]` : host;
  return `${user === undefined ? '' : `${user}@`}${at}${port === undefined ? '' : `:${port}`}`;
}

function settings(
  { configFile, port, user, identityFile }: SshSettings,
  path: (path: string) => string,
): readonly string[] {
  return [
    ...(configFile === undefined ? [] : ['-F', path(configFile)]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    // an agent with many keys would use up the tries that sshd allows
    ...(identityFile === undefined ? [] : ['-i', path(identityFile), ...option('IdentitiesOnly=yes')]),
  ];
}

/** ssh does this for -i itself, but not for -F. */
export function absolute(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
}

function option(text: string): readonly string[] {
  return ['-o', text];
}
