import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
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
import { type Bundle, bundleDigest } from '../../../src/bundle/bundle.ts';
import { type FirstBootFile, firstBootFiles, INSTALL } from '../../../src/deliver/user-data/first-boot.ts';
import { readInstallScripts } from '../../../src/deliver/user-data/install-script.ts';
import { type Machine, type Secrets, withoutSecrets } from '../../../src/deliver/user-data/machine.ts';
import { packPayload } from '../../../src/deliver/user-data/payload.ts';
import { ensurePki } from '../../../src/pki/ensure.ts';
import { pkiInventory } from '../../../src/pki/inventory.ts';
import { generateKey } from '../../../src/pki/keys.ts';
import { inMemory, openPkiStore } from '../../../src/pki/store.ts';
import { renderCluster } from '../../../src/render/render.ts';
import type { Cluster } from '../../../src/spec/cluster.ts';
import { contextFor } from '../../render/fixtures.ts';
import { clusterOf, file } from '../../support/spec.ts';

export const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));
export const SCRIPTS = readInstallScripts(PACKAGE);
const ETCD_DATA = '/var/lib/etcd';

/** A spec in YAML, rendered with real keys; a bundle for each node. */
export async function realBundles(spec: string): Promise<readonly Bundle[]> {
  return (await realCluster(spec)).bundles;
}

export async function realCluster(spec: string): Promise<{ cluster: Cluster; bundles: readonly Bundle[] }> {
  const cluster = clusterOf(file(spec));
  const dir = mkdtempSync(join(tmpdir(), 'bootstrap-pki-'));
  try {
    const options = { now: new Date(), randomBytes, generateKey, renewBefore: 0 };
    const { pki } = await ensurePki(pkiInventory(cluster), inMemory(openPkiStore(dir)), options);
    return { cluster, bundles: renderCluster(cluster, pki, await contextFor(cluster)).bundles };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One master with its own etcd, as a spec. */
export const SINGLE = `
profiles: [single]
kubernetesVersion: v1.36.2
nodes: [{name: cp1, addresses: [10.0.0.11]}]`;

export function machineOf(bundle: Bundle, more: Partial<Machine> = {}): Machine {
  const etcdDataDir = bundle.files.some(({ path }) => path.endsWith('/manifests/etcd.yaml')) ? ETCD_DATA : undefined;
  return { bundle, digest: bundleDigest(bundle), hostname: bundle.node, etcdDataDir, ...more };
}

/** The files of a machine's first boot, of a whole bundle or with `none` of what is no secret. */
export function bootFiles(machine: Machine, secrets: Secrets = { kind: 'inline' }): readonly FirstBootFile[] {
  const payload = packPayload(secrets.kind === 'none' ? withoutSecrets(machine.bundle) : machine.bundle);
  return firstBootFiles(machine, secrets, payload, SCRIPTS);
}

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ScratchOptions {
  /** Where the machine's files are; a new directory where nothing is said. */
  readonly root?: string;
  /** What systemctl knows of kubelet.service. */
  readonly unit?: 'loaded' | 'not-found';
}

/** A machine in a directory of this one: it has a systemctl that only writes down what it is asked, and nothing else. */
export function scratchBoot({ root: given, unit = 'loaded' }: ScratchOptions = {}) {
  // in memory, where there is room for that: everything is forced to the disk again and again
  const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const beside = mkdtempSync(join(memory, 'bootstrap-boot-'));
  const root = given ?? join(beside, 'root');
  const log = join(beside, 'systemctl.log');
  const at = (path: string): string => join(root, path);
  const write = (path: string, content: string | Buffer, mode = 0o644): void => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), content, { mode });
    chmodSync(at(path), mode);
  };
  writeFileSync(log, '');
  for (const dir of ['/etc', '/var/lib', '/usr/bin']) mkdirSync(at(dir), { recursive: true });
  write(
    '/usr/bin/systemctl',
    `#!/bin/sh
echo "$*" >>'${log}'
[ "$1" != show ] || echo LoadState=${unit}
[ ! -e '${beside}/fails' ] || { echo 'Failed to connect to bus' >&2; exit 1; }
`,
    0o755,
  );
  const environment = (env: NodeJS.ProcessEnv) => ({ PATH: process.env['PATH'], BOOTSTRAP_NODE_ROOT: root, ...env });

  return {
    root,
    /** A place for a test's own files, outside the machine. */
    beside,
    at,
    write,
    read: (path: string): string => readFileSync(at(path), 'latin1'),
    has: (path: string): boolean => existsSync(at(path)),
    /** As write_files does it, in the directory that bootcmd has made. */
    bring(files: readonly FirstBootFile[]): void {
      mkdirSync(at(dirname(INSTALL)), { recursive: true, mode: 0o700 });
      for (const { path, content, mode } of files) write(path, content, mode);
    },
    /** Starts install.sh, in a process group of its own, as a cloud's own umask has it. */
    start(env: NodeJS.ProcessEnv = {}) {
      const child = spawn('sh', ['-c', `umask 022; exec sh '${at(INSTALL)}'`], {
        env: environment(env),
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const text = { stdout: '', stderr: '' };
      child.stdout.on('data', (data: Buffer) => (text.stdout += data.toString()));
      child.stderr.on('data', (data: Buffer) => (text.stderr += data.toString()));
      const ended = new Promise<Ended>((resolve) => {
        child.on('close', (status, signal) =>
          resolve({ status: status ?? (signal === 'SIGKILL' ? 137 : 143), ...text }),
        );
      });
      return { child, ended };
    },
    /** Runs it to its end. */
    run(env: NodeJS.ProcessEnv = {}, command: readonly string[] = ['sh', at(INSTALL)]): Ended {
      const [program = '', ...args] = command;
      const { status, stdout, stderr } = spawnSync(program, args, { env: environment(env), encoding: 'utf8' });
      return { status: status ?? 137, stdout, stderr };
    },
    /** What systemctl was asked since the last time, but for questions. */
    systemctl(): readonly string[] {
      const lines = readFileSync(log, 'utf8').split('\n');
      writeFileSync(log, '');
      return lines.filter((line) => line !== '' && !line.startsWith('show '));
    },
    /** Whether systemctl fails from now on. */
    breakSystemctl(isBroken = true): void {
      if (isBroken) writeFileSync(join(beside, 'fails'), '');
      else rmSync(join(beside, 'fails'), { force: true });
    },
    /** Everything on it but what systemd brings: its type and mode, and a file's content byte by byte (latin1). */
    tree: (below = '/'): Readonly<Record<string, string>> => treeOf(root, below),
    remove(): void {
      rmSync(beside, { recursive: true, force: true });
    },
  };
}

export type ScratchBoot = ReturnType<typeof scratchBoot>;

/** Path → `dir MODE`, `file MODE CONTENT` or `link TARGET` of everything below a directory of a root. */
export function treeOf(root: string, below = '/'): Readonly<Record<string, string>> {
  const all: Record<string, string> = {};
  const walk = (path: string): void => {
    if (!existsSync(join(root, path))) return;
    for (const name of readdirSync(join(root, path)).sort()) {
      const shown = join(path, name);
      const stat = lstatSync(join(root, shown));
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) all[shown] = `link ${readlinkSync(join(root, shown))}`;
      else if (stat.isDirectory()) {
        if (shown !== '/usr') all[shown] = `dir ${mode}`;
        walk(shown);
      } else if (stat.isFile() && shown !== '/usr/bin/systemctl' && shown !== '/usr/bin')
        all[shown] = `file ${mode} ${readFileSync(join(root, shown), 'latin1')}`;
    }
  };
  walk(below);
  delete all['/usr/bin'];
  return all;
}

/** The files of a bundle as `treeOf` shows them. */
export function filesOf(bundle: Bundle): Readonly<Record<string, string>> {
  return Object.fromEntries(
    bundle.files.map(({ path, mode, content }) => [path, `file ${mode.toString(8)} ${content.toString('latin1')}`]),
  );
}
