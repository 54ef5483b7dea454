import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isMap, listAt, textAt } from '../json.ts';
import { commandOf } from './command.ts';
import { criTexts } from './cri.ts';
import type { StaticPod } from './manifests.ts';
import { environment, type MachineSettings, onNode } from './settings.ts';

export interface Container {
  readonly pod: StaticPod;
  readonly name: string;
  /** How often it has been started again. */
  readonly attempt: number;
  readonly pid: number;
  readonly startedAt: string;
  readonly exited: Exit | undefined;
}

export interface Exit {
  readonly code: number;
  readonly at: number;
}

/** What the world can read of a container, also after a power cut. */
export interface ContainerRecord {
  readonly pod: string;
  readonly uid: string;
  readonly pid: number;
  readonly running: boolean;
  /** Since the world began, of all pods of this name. */
  readonly starts: number;
}

export type Runtime = ReturnType<typeof createRuntime>;

/**
 * etcd sends a heartbeat ten times a second, which all worlds together feel; it takes four for its shortest election. Of two
 * processors Go would wake the second one for each message, only to find that there is nothing to do for it.
 */
const CALM = { ETCD_HEARTBEAT_INTERVAL: '250', ETCD_ELECTION_TIMEOUT: '1250', GOMAXPROCS: '1', GOGC: '400' } as const;

/**
 * Stands for containerd: runs the one container of each static pod as a process. It is not part of the kubelet, so pods go
 * on while that is stopped, and a kubelet that starts finds them (reference/kubelet-static-pods.md: a restart alone does
 * not restart static pods).
 */
export function createRuntime(settings: MachineSettings) {
  const containers = new Map<string, { container: Container; child: ChildProcess }>();
  const record = join(settings.state, 'containers.json');
  const starts = new Map<string, number>();
  if (existsSync(record)) {
    for (const each of JSON.parse(readFileSync(record, 'utf8')) as ContainerRecord[]) starts.set(each.pod, each.starts);
  }

  function save(): void {
    const records: ContainerRecord[] = [...starts].map(([pod, count]) => {
      const container = containers.get(pod)?.container;
      return {
        pod,
        uid: container?.pod.uid ?? '',
        pid: container?.pid ?? 0,
        running: container !== undefined && !container.exited,
        starts: count,
      };
    });
    write(record, JSON.stringify(records));
    tellCrictl();
  }

  function tellCrictl(): void {
    const said = criTexts([...containers.values()].map(({ container }) => container));
    write(join(settings.state, 'crictl-pods.json'), said.pods);
    write(join(settings.state, 'crictl-ps.json'), said.containers);
  }
  tellCrictl();

  return {
    list: (): readonly Container[] => [...containers.values()].map(({ container }) => container),
    get: (pod: string): Container | undefined => containers.get(pod)?.container,

    start(pod: StaticPod, attempt: number): void {
      const { program, args, env, name } = commandOf(settings, pod);
      const log = openLog(settings, pod, name, attempt);
      const child = spawn(program, args, {
        cwd: settings.root,
        env: { ...environment(settings), ...CALM, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const container = {
        pod,
        name,
        attempt,
        pid: child.pid ?? 0,
        startedAt: new Date().toISOString(),
        exited: undefined,
      };
      const entry = { container: container as Container, child };
      containers.set(pod.name, entry);
      starts.set(pod.name, (starts.get(pod.name) ?? 0) + 1);
      child.stdout?.on('data', (data: Buffer) => log.write('stdout', data));
      child.stderr?.on('data', (data: Buffer) => log.write('stderr', data));
      child.on('error', (error) => log.write('stderr', Buffer.from(`${error.message}\n`)));
      child.on('close', (code) => {
        log.close();
        entry.container = { ...container, exited: { code: code ?? 137, at: Date.now() } };
        save();
      });
      save();
    },

    /** SIGTERM, then SIGKILL once the pod's grace period is over (default 30 s); waits for the end. */
    async stop(pod: string): Promise<void> {
      const entry = containers.get(pod);
      if (!entry) return;
      const { child, container } = entry;
      if (!container.exited) {
        const closed = new Promise((resolve) => child.once('close', resolve));
        const grace = Number(mapGrace(container.pod) ?? 30) * 1000;
        const timer = setTimeout(() => child.kill('SIGKILL'), grace);
        child.kill('SIGTERM');
        await closed;
        clearTimeout(timer);
      }
      containers.delete(pod);
      save();
    },

    /** What the end of the machine does to them. */
    killAll(): void {
      for (const { child } of containers.values()) child.kill('SIGKILL');
    },
  };
}

function write(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function mapGrace(pod: StaticPod): unknown {
  const spec = pod.manifest['spec'];
  return isMap(spec) ? spec['terminationGracePeriodSeconds'] : undefined;
}

/** Logs lie where the kubelet lets the CRI put them (pkg/kubelet/kuberuntime: BuildContainerLogsDirectory), in its form. */
function openLog(settings: MachineSettings, pod: StaticPod, container: string, attempt: number) {
  const path = `/var/log/pods/${pod.namespace}_${pod.name}_${pod.uid}/${container}/${attempt}.log`;
  mkdirSync(dirname(onNode(settings, path)), { recursive: true });
  const file = openSync(onNode(settings, path), 'a', 0o640);
  const rest = { stdout: '', stderr: '' };
  const line = (stream: string, text: string) => {
    const time = new Date().toISOString().replace('Z', '000000Z');
    writeSync(file, `${time} ${stream} F ${text}\n`);
  };
  return {
    write(stream: 'stdout' | 'stderr', data: Buffer): void {
      const lines = `${rest[stream]}${data.toString('utf8')}`.split('\n');
      rest[stream] = lines.pop() ?? '';
      for (const text of lines) line(stream, text);
    },
    close(): void {
      if (rest.stdout) line('stdout', rest.stdout);
      if (rest.stderr) line('stderr', rest.stderr);
      closeSync(file);
    },
  };
}

/**
 * Makes what `type: …OrCreate` of the pod's hostPath volumes asks for (pkg/volume/hostpath).
 * @returns what is missing, else undefined
 */
export function mountVolumes(settings: MachineSettings, pod: StaticPod): string | undefined {
  for (const volume of listAt(pod.manifest, 'spec', 'volumes')) {
    const path = textAt(volume, 'hostPath', 'path');
    if (!path) continue;
    const here = onNode(settings, path);
    const type = textAt(volume, 'hostPath', 'type');
    if (type === 'DirectoryOrCreate') mkdirSync(here, { recursive: true });
    else if (type === 'FileOrCreate' && !existsSync(here)) writeFileSync(here, '');
    else if (type && !existsSync(here)) return `hostPath type check failed: ${path} is not a ${type.toLowerCase()}`;
  }
  return undefined;
}
