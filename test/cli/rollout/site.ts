import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { BOOTSTRAP, type Ran } from '../../support/cli.ts';
import { type Json, listAt, textAt } from '../../world/json.ts';
import { startWorld, type World } from '../../world/world.ts';

/** Long enough for a machine with ten times the work that it can do; nothing here waits for it. */
export const PATIENCE = 180_000;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Not this status is a failure of the test, with all that was said. */
  readonly status?: number;
}

/** Runs `bootstrap` without a terminal. Of stderr that is left out which every cluster file of the world is warned about. */
export function run(dir: string, args: readonly string[], { env = {}, status }: RunOptions = {}): Ran {
  const found = spawnSync(process.execPath, [BOOTSTRAP, ...args], {
    cwd: dir,
    encoding: 'utf8',
    timeout: PATIENCE,
    env: { ...process.env, ...env },
  });
  const ran = { status: found.status, stdout: found.stdout, stderr: withoutTheUsual(found.stderr) };
  soundsRight(ran, args);
  if (status !== undefined) expect(ran.status, `bootstrap ${args.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(status);
  return ran;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  isRunning(): boolean;
  /** What it has said on stderr so far. */
  said(): string;
}

/** The same, going on by itself. */
export function begin(dir: string, args: readonly string[]): Running {
  const child = spawn(process.execPath, [BOOTSTRAP, ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(() => {
    const ran = { status: child.exitCode, stdout, stderr: withoutTheUsual(stderr) };
    soundsRight(ran, args);
    return ran;
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return { child, ended, isRunning, said: () => stderr };
}

/** The world's apiservers listen on loopback only. */
function withoutTheUsual(stderr: string): string {
  return stderr.replace(/^warning: cluster\.yaml:.*: kube-apiserver listens on 127\.0\.0\.1 only, .*\n/gm, '');
}

/** Whatever happens: no stack, nothing of Node's own, no secret, and without a terminal nothing for one. */
function soundsRight({ status, stdout, stderr }: Ran, args: readonly string[]): void {
  const said = `${stdout}${stderr}`;
  const what = `bootstrap ${args.join(' ')}\n${said}`;
  expect(status, what).not.toBe(70);
  expect(said, what).not.toMatch(/\n\s+at .+:\d+:\d+|\(node:\d+\)|Warning: |UnhandledPromise|undefined|\[object/);
  expect(said, what).not.toMatch(/PRIVATE KEY|LS0tLS1CRUdJTiB[PER]/);
  expect(said, what).not.toMatch(/[\u001b\r]/);
}

/** A world for all tests of a file, which follow each other in it; it ends with the last of them. */
export function sharedWorld(nodes: number): () => World {
  let world: World | undefined;
  const ends: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    world = await startWorld({ nodes, whenOver: (stop) => ends.push(stop) });
    run(world.dir, ['init'], { status: 0 });
  }, PATIENCE);
  afterAll(async () => {
    for (const end of ends) await end();
  }, PATIENCE);
  return () => {
    if (!world) throw new Error('there is no world yet');
    return world;
  };
}

/** What runs on a node: process ids of its pods; and what systemctl was told to do with the kubelet. */
export function alive(world: World, node: string) {
  const pods = Object.entries(world.node(node).pods()).map(([name, { pid, running }]) => [name, running ? pid : 0]);
  return {
    pods: Object.fromEntries(pods) as Record<string, number>,
    systemctl: world
      .node(node)
      .systemctl()
      .filter((line) => /^(?!show|is-).*kubelet/.test(line)),
  };
}

/** Places where programs other than bootstrap write, below a node's root. */
const OTHERS = ['run', 'tmp', 'var/log', 'var/lib/etcd', 'var/lib/kubelet/pods', 'var/lib/kubelet/pki'];

/** Path → mode, inode and time of the last change of every file and directory of a node that only bootstrap writes. */
export function marks(world: World, node: string): Readonly<Record<string, string>> {
  const { root } = world.node(node);
  const found: Record<string, string> = {};
  const look = (path: string): void => {
    const name = relative(root, path);
    if (OTHERS.includes(name)) return;
    const { mode, ino, mtimeNs, size } = lstatSync(path, { bigint: true });
    const isDirectory = (mode & 0o170000n) === 0o040000n;
    // taking and giving back the lock makes and removes a file
    found[`/${name}`] = `${mode.toString(8)} ${isDirectory ? '' : `${ino} ${mtimeNs} ${size}`}`;
    if (isDirectory) for (const each of readdirSync(path)) look(join(path, each));
  };
  look(root);
  return found;
}

/** Names of the static pods that the API calls ready. */
export async function readyPods(world: World, through?: string): Promise<readonly string[]> {
  const { body } = await world.api(through).request('/api/v1/namespaces/kube-system/pods');
  return listAt(body, 'items')
    .filter((pod: Json) => textAt(pod, 'status', 'conditions', 0, 'status') === 'True')
    .map((pod: Json) => textAt(pod, 'metadata', 'name'))
    .sort();
}

/** The answer of `-o json`. */
export const parsed = ({ stdout }: Ran): Json => JSON.parse(stdout) as Json;
