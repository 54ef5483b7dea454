import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Sshd, startSshd } from '../support/sshd.ts';
import type { ContainerRecord } from './machine/runtime.ts';
import type { MachineSettings } from './machine/settings.ts';
import { killAll, processesOf } from './processes.ts';

const BIN = fileURLToPath(new URL('./bin', import.meta.url));
const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find(existsSync) ?? '/usr/sbin/sshd';

/** What Kubernetes' own package brings (kubernetes/release: cmd/krel/templates/latest/kubelet/kubelet.service). */
const KUBELET_UNIT = `[Unit]
Description=kubelet: The Kubernetes Node Agent
[Service]
ExecStart=/usr/bin/kubelet
Restart=always
RestartSec=10
[Install]
WantedBy=multi-user.target
`;

/** Cheaper than the standard one, which is against quantum computers; transports are tried with that one. */
const KEX = 'KexAlgorithms curve25519-sha256';

export interface WorldNode {
  readonly name: string;
  /** The directory that is its `/`. */
  readonly root: string;
  readonly sshd: Sshd;
  /** Text of a file of the node; undefined where there is none. */
  read(path: string): string | undefined;
  /** File name → text of everything that the kubelet would run. */
  manifests(): Readonly<Record<string, string>>;
  /** Its pods by the name of their component: what runs now, and how often one was started since the world began. */
  pods(): Readonly<Record<string, ContainerRecord>>;
  /** What systemctl was called with, oldest first. */
  systemctl(): readonly string[];
  /** What its kubelet has logged. */
  kubeletLog(): string;
  /** Runs a command on it over ssh. @throws Error where that fails */
  ssh(command: string): Promise<string>;
  /** A power cut: everything that runs on it is gone at once, /run too. */
  kill(): Promise<void>;
  /** Switches it on again, with the same sshd; what is enabled starts. */
  start(): Promise<void>;
}

export interface NodeOptions
  extends Pick<MachineSettings, 'name' | 'component' | 'shared' | 'kubeletVersion' | 'backOffMs' | 'etcdFlags'> {
  readonly root: string;
  readonly state: string;
  readonly machine: string;
}

/** Makes a machine, switches it on and waits until both systemd and sshd are up. */
export async function startNode({ machine, ...options }: NodeOptions): Promise<WorldNode> {
  const { name, root, state } = options;
  const path = `${BIN}:${process.env['PATH'] ?? ''}`;
  const settings: MachineSettings = { ...options, path };
  mkdirSync(state, { recursive: true });
  mkdirSync(join(root, 'usr/lib/systemd/system'), { recursive: true });
  writeFileSync(join(root, 'usr/lib/systemd/system/kubelet.service'), KUBELET_UNIT);
  writeFileSync(join(state, 'settings.json'), JSON.stringify(settings));
  let running: ChildProcess[] = [];

  async function boot(): Promise<void> {
    const booted = join(state, 'booted');
    rmSync(booted, { force: true });
    const child = spawn(process.execPath, [machine, join(state, 'settings.json')], {
      // its stdin ends with the process of the test
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { PATH: path, BOOTSTRAP_NODE_ROOT: root },
    });
    running.push(child);
    while (!existsSync(booted)) {
      if (child.exitCode !== null) throw new Error(`the machine ${name} has ended at once`);
      await delay(10);
    }
  }

  const [sshd] = await Promise.all([startSshd({ root, path, env: { WORLD_MACHINE: state }, config: [KEX] }), boot()]);
  const sshdFolder = dirname(sshd.configFile);
  const at = (file: string) => join(root, file);

  return {
    name,
    root,
    sshd,
    read: (file) => (existsSync(at(file)) ? readFileSync(at(file), 'utf8') : undefined),
    manifests() {
      const folder = at('/etc/kubernetes/manifests');
      const names = existsSync(folder) ? readdirSync(folder).filter((file) => !file.startsWith('.')) : [];
      return Object.fromEntries(names.sort().map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
    },
    pods() {
      const record = join(state, 'containers.json');
      const records = existsSync(record) ? (JSON.parse(readFileSync(record, 'utf8')) as ContainerRecord[]) : [];
      return Object.fromEntries(records.map((each) => [each.pod.slice(0, -name.length - 1), each]));
    },
    systemctl: () => linesOf(join(state, 'systemctl.log')),
    kubeletLog: () => linesOf(join(state, 'kubelet.log')).join('\n'),
    async ssh(command) {
      const child = spawn('ssh', ['-F', sshd.configFile, '-p', String(sshd.port), sshd.host, command], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [out, error] = ['', ''];
      child.stdout.on('data', (data: Buffer) => {
        out += data.toString('utf8');
      });
      child.stderr.on('data', (data: Buffer) => {
        error += data.toString('utf8');
      });
      const [status] = (await once(child, 'close')) as [number | null];
      if (status !== 0) throw new Error(`ssh ${name} ${command}: exit ${status}: ${error}`);
      return out;
    },
    async kill() {
      const daemon = Number(readFileSync(join(sshdFolder, 'pid'), 'utf8'));
      killAll([daemon, ...processesOf(root)]);
      await Promise.all(running.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')));
      running = [];
      while (processesOf(root).length) await delay(10);
      rmSync(at('/run'), { recursive: true, force: true });
    },
    async start() {
      const daemon = spawn(SSHD, ['-D', '-f', join(sshdFolder, 'sshd_config'), '-E', join(sshdFolder, 'log')], {
        stdio: 'ignore',
      });
      running.push(daemon);
      await boot();
    },
  };
}

function linesOf(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}
