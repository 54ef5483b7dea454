import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BootstrapError } from '../../src/base/errors.ts';
import { type Bundle, type BundleFile, bundleDigest, type FileEffect, makeBundle } from '../../src/bundle/bundle.ts';
import type { Outcome, RunOptions, Transport } from '../../src/deliver/transport/transport.ts';
import type { NodeAgent } from '../../src/rollout/agent.ts';
import { openAgent } from '../../src/rollout/node/agent.ts';
import type { Holder } from '../../src/rollout/node/holder.ts';
import type { NodeFacts } from '../../src/rollout/node-facts.ts';
import type { KubeletAction } from '../../src/rollout/plan.ts';

export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
export const SCRIPT = join(PACKAGE, 'templates/node/node.sh');
export const MANIFESTS = '/etc/kubernetes/manifests';
const STATE = '/var/lib/bootstrap';

export interface BoxOptions {
  /** Which shell the script runs in; `sh` where nothing is said. */
  readonly shell?: string;
  /** Where the node's files are; a new directory where nothing is said. */
  readonly root?: string;
  /** Who runs the script, where that is not who runs the test. */
  readonly uid?: number;
}

export type Environment = Readonly<Record<string, string>>;

/** A node on this machine: a directory for its root, a systemctl that only writes down what it is asked. */
export function makeBox({ shell = 'sh', root: given, uid }: BoxOptions = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-node-'));
  // in memory, where there is room for that: everything is forced to the disk again and again
  const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const root = given ?? mkdtempSync(join(memory, 'bootstrap-node-'));
  const bin = join(dir, 'bin');
  const log = join(dir, 'systemctl.log');
  mkdirSync(bin);
  chmodSync(dir, 0o755);
  writeFileSync(log, '');
  program(
    join(bin, 'systemctl'),
    `if [ "$1" = show ]; then printf 'LoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\n'; exit 0; fi
echo "$*" >>'${log}'
if [ -e '${dir}/systemctl-fails' ]; then echo "Failed to connect to bus" >&2; exit 1; fi`,
  );

  /** @param env `SHIM_…` for test/node/shims.ts */
  function transport(env: Environment = {}): Transport {
    const run = ([program = '', ...args]: readonly string[], { input }: RunOptions): Promise<Outcome> =>
      new Promise((resolve, reject) => {
        const child = spawn(program === 'sh' ? shell : program, args, {
          env: { PATH: `${bin}:${process.env['PATH']}`, BOOTSTRAP_NODE_ROOT: root, ...env },
          // bash is another one under its own name
          argv0: program,
          // a process group of its own: a shim kills it as a whole
          detached: true,
          ...(uid !== undefined && { uid }),
        });
        const out: Buffer[] = [];
        const err: Buffer[] = [];
        child.stdout.on('data', (data: Buffer) => out.push(data));
        child.stderr.on('data', (data: Buffer) => err.push(data));
        child.stdin.on('error', () => undefined);
        child.stdin.end(input ?? Buffer.alloc(0));
        child.on('error', reject);
        child.on('close', (status) =>
          resolve({
            status: status ?? 137,
            stdout: Buffer.concat(out),
            stderr: Buffer.concat(err).toString('utf8').trimEnd(),
          }),
        );
      });
    return {
      node: 'cp1',
      target: 'this machine',
      run,
      forward: () => Promise.reject(new Error('not here')),
      close: () => Promise.resolve(),
    };
  }

  const at = (path: string): string => join(root, path);
  return {
    dir,
    root,
    shell,
    at,
    state: (name: string): string => join(root, STATE, name),
    transport,
    agent(env: Environment = {}, holder?: Holder): NodeAgent {
      return openAgent(transport(env), { packageDir: PACKAGE, ...(holder && { holder }) });
    },
    /** The script as the node itself runs it. */
    own(verb: string, env: Environment = {}): Promise<Outcome> {
      return transport(env).run(['sh', SCRIPT, verb], { seconds: 60 });
    },
    write(path: string, content: string, mode = 0o644): void {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), content);
      chmodSync(at(path), mode);
    },
    read: (path: string): string => readFileSync(at(path), 'utf8'),
    has: (path: string): boolean => existsSync(at(path)),
    mode: (path: string): number => lstatSync(at(path)).mode & 0o7777,
    /** What systemctl was asked since the last time. */
    systemctl(): readonly string[] {
      const lines = readFileSync(log, 'utf8').trim().split('\n').filter(Boolean);
      writeFileSync(log, '');
      return lines;
    },
    breakSystemctl(): void {
      writeFileSync(join(dir, 'systemctl-fails'), '');
    },
    remove(): void {
      for (const each of [dir, ...(given === undefined ? [root] : [])]) rmSync(each, { recursive: true, force: true });
    },
  };
}

export type Box = ReturnType<typeof makeBox>;

export function program(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

interface FileOptions {
  readonly mode?: number;
  readonly kind?: FileEffect['kind'];
  readonly owner?: string;
}

export function file(
  path: string,
  content: string,
  { mode = 0o644, kind = 'none', owner = 'root:root' }: FileOptions = {},
): BundleFile {
  const effect: FileEffect =
    kind === 'manifest' ? { kind, pod: path } : kind === 'pods' ? { kind, pods: ['etcd'] } : { kind };
  return { path, content: Buffer.from(content), mode, owner, sensitive: path.endsWith('.key'), effect };
}

export const manifest = (name: string, content: string): BundleFile =>
  file(`${MANIFESTS}/${name}.yaml`, content, { mode: 0o600, kind: 'manifest' });

const DIRECTORIES = [
  { path: MANIFESTS, mode: 0o700, owner: 'root:root' },
  { path: '/etc/kubernetes/pki', mode: 0o755, owner: 'root:root' },
];

export function bundle(files: readonly BundleFile[], directories = DIRECTORIES): Bundle {
  return makeBundle('cp1', directories, files);
}

/** A small bundle of every kind of file; `word` is in each, so that another word changes them all. */
export function sample(word: string): Bundle {
  return bundle([
    file('/etc/kubernetes/pki/ca.crt', `certificate ${word}\n`),
    file('/etc/kubernetes/pki/ca.key', `key ${word}\n`, { mode: 0o600 }),
    file('/etc/kubernetes/admin.conf', `kubeconfig ${word}\n`, { mode: 0o600 }),
    file('/var/lib/kubelet/config.yaml', `kubelet ${word}\n`, { mode: 0o600, kind: 'kubelet' }),
    file('/etc/kubernetes/pki/kubelet/client.crt', `kubelet's certificate ${word}\n`),
    file('/etc/kubernetes/pki/kubelet/client.key', `kubelet's key ${word}\n`, { mode: 0o600 }),
    file('/opt/extra/a b/audit.yaml', `user's ${word}\n`, { mode: 0o640 }),
    manifest('etcd', `etcd ${word}\n`),
    manifest('kube-apiserver', `apiserver ${word}\n`),
    manifest(`only-${word}`, `only ${word}\n`),
  ]);
}

export async function facts(agent: NodeAgent, wanted?: Bundle): Promise<NodeFacts> {
  return agent.facts({
    paths: wanted?.files.map(({ path }) => path) ?? [],
    etcdDataDir: '/var/lib/etcd',
    manifestsDir: MANIFESTS,
  });
}

export async function put(
  agent: NodeAgent,
  wanted: Bundle,
  kubelet: KubeletAction = 'none',
  confirmSeconds = 0,
): Promise<number> {
  const number = await agent.stage(wanted, bundleDigest(wanted), 'ann@desk');
  await agent.activate(number, { kubelet, confirmSeconds });
  return number;
}

/** Lock, stage, activate, commit, unlock. */
export async function apply(
  agent: NodeAgent,
  wanted: Bundle,
  kubelet: KubeletAction = 'none',
  confirmSeconds = 0,
): Promise<number> {
  await agent.lock('bootstrap apply by ann@desk (process 1)');
  const number = await put(agent, wanted, kubelet, confirmSeconds);
  await agent.commit(number);
  await agent.unlock();
  return number;
}

/** Every file below a directory with its mode and content, but for the node's own records and systemd's units. */
export function tree(box: Box): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const name of readdirSync(box.at(path)).sort()) {
      const below = path === '/' ? `/${name}` : `${path}/${name}`;
      if (below === STATE || below === '/etc/systemd' || below === '/var/log') continue;
      const stat = lstatSync(box.at(below));
      if (stat.isDirectory()) walk(below);
      else if (stat.isSymbolicLink()) all[below] = `-> ${readlinkSync(box.at(below))}`;
      else all[below] = `${(stat.mode & 0o7777).toString(8)} ${readFileSync(box.at(below), 'utf8')}`;
    }
  };
  walk('/');
  return all;
}

/** What `tree` gives where a bundle is in place. */
export function wholly(wanted: Bundle): Readonly<Record<string, string>> {
  return Object.fromEntries(
    wanted.files.map(({ path, mode, content }) => [path, `${mode.toString(8)} ${content.toString('utf8')}`]),
  );
}

export async function thrown(promise: Promise<unknown>): Promise<BootstrapError> {
  try {
    await promise;
  } catch (error) {
    return error as BootstrapError;
  }
  throw new Error('nothing was thrown');
}
