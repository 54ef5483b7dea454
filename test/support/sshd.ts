import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface SshdOptions {
  /** The directory that commands take for the node's `/` (BOOTSTRAP_NODE_ROOT); without it they see the machine's own. */
  readonly root?: string;
  /** Further variables of every session. */
  readonly env?: Readonly<Record<string, string>>;
  /** The PATH of every session. */
  readonly path?: string;
  /** Lines for sshd_config; they come first, and of two lines sshd takes the first. */
  readonly config?: readonly string[];
}

export interface Sshd {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  readonly identityFile: string;
  readonly knownHosts: string;
  /** For `ssh -F`: user, key and known hosts, so that host and port are all that is left to say. */
  readonly configFile: string;
  /** The HOME of every session, empty at first; bash reads a .bashrc in it. */
  readonly home: string;
  /** What sshd has logged so far. */
  log(): string;
  /** Ends every connection, as a cut cable would after a while; new ones are answered. */
  cut(): void;
  /** Has all connections say nothing more, as a cut cable does at first; `cut` or `stop` later. */
  freeze(): void;
  /** Ends it with all that it has started. */
  stop(): Promise<void>;
}

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find(existsSync) ?? '/usr/sbin/sshd';

/** A real sshd on loopback, as the current user, with keys of its own. Ask `needTool('sshd')` before. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-sshd-'));
  const at = (name: string) => join(dir, name);
  for (const name of ['host', 'id'])
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', at(name)]);
  mkdirSync(at('home'));
  writeFileSync(at('authorized'), readFileSync(at('id.pub')));
  // sshd as root wants it, even where nobody is separated
  if (process.geteuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const { username: user } = userInfo();
  writeFileSync(at('sshd_config'), sshdConfig(dir, port, options));
  writeFileSync(at('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(at('host.pub'), 'utf8')}`);
  writeFileSync(
    at('ssh_config'),
    [
      'Host *',
      `  User ${user}`,
      `  IdentityFile ${at('id')}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
      `  UserKnownHostsFile ${at('known_hosts')}`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking yes',
      '',
    ].join('\n'),
  );
  // sshd starts itself anew for every connection, and wants its own absolute path for that
  const child = spawn(SSHD, ['-D', '-f', at('sshd_config'), '-E', at('log')], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const log = () => (existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '');
  await Promise.race([answers(port), exited.then(() => Promise.reject(new Error(`sshd has ended at once: ${log()}`)))]);
  const { pid = 0 } = child;
  return {
    host: '127.0.0.1',
    port,
    user,
    identityFile: at('id'),
    knownHosts: at('known_hosts'),
    configFile: at('ssh_config'),
    home: at('home'),
    log,
    cut: () => kill(descendants(pid)),
    freeze: () => kill(descendants(pid), 'SIGSTOP'),
    async stop() {
      const all = descendants(pid);
      child.kill('SIGTERM');
      await exited;
      kill(all);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function sshdConfig(dir: string, port: number, { root, env = {}, path, config = [] }: SshdOptions): string {
  const variables = {
    HOME: join(dir, 'home'),
    ...(root !== undefined && { BOOTSTRAP_NODE_ROOT: root }),
    ...(path !== undefined && { PATH: path }),
    ...env,
  };
  // of several SetEnv lines sshd takes the first only
  const words = Object.entries(variables).map(([name, value]) => `"${name}=${value}"`);
  return [
    ...config,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(dir, 'host')}`,
    `PidFile ${join(dir, 'pid')}`,
    `AuthorizedKeysFile ${join(dir, 'authorized')}`,
    'UsePAM no',
    'StrictModes no',
    'UseDNS no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'AllowTcpForwarding yes',
    'MaxStartups 100',
    'LogLevel VERBOSE',
    `SetEnv ${words.join(' ')}`,
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    const came = await Promise.race([
      once(socket, 'data').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (came) return;
    await delay(25);
  }
  throw new Error(`sshd does not answer on port ${port}`);
}

/** The processes that a process has started, and theirs; deepest last. */
export function descendants(pid: number): readonly number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent !== undefined) parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
  }
  const below = (of: number): number[] => (parents.get(of) ?? []).flatMap((each) => [each, ...below(each)]);
  return below(pid);
}

function parentOf(pid: string): number | undefined {
  try {
    // the program's name, in parentheses, may hold anything
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) . /s, '')
        .split(' ')[0],
    );
  } catch {
    return undefined;
  }
}

function kill(pids: readonly number[], signal: NodeJS.Signals = 'SIGKILL'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // it has ended by itself
    }
  }
}
