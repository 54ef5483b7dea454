import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { type ApiClient, apiClient, type Identity } from './api-client.ts';
import { clusterFile, type NodePorts, nodePorts, PORTS_PER_NODE } from './cluster-file.ts';
import { type Json, type JsonMap, textAt } from './json.ts';
import { startNode, type WorldNode } from './node.ts';
import type { Writes } from './outside/writer.ts';
import { freePorts } from './ports.ts';
import { processesOf } from './processes.ts';
import { buildPrograms, etcdFlags, sharedFiles } from './programs.ts';

export interface WorldOptions {
  /** How many nodes: cp1, cp2, … */
  readonly nodes: number;
  /** Milliseconds of the first back-off of a container that crashes, doubled each time (a kubelet's: 10 s). */
  readonly backOffMs?: number;
  /** Who ends it; for a world of several tests, since the test that runs now does so unless told. */
  readonly whenOver?: (stop: () => Promise<void>) => void;
}

interface Writer {
  /** What it has seen so far. */
  read(): Writes;
  /** Ends it; what it has seen. */
  stop(): Writes;
}

export interface World {
  /** The cluster directory, for `--dir` or as the working directory. */
  readonly dir: string;
  readonly names: readonly string[];
  /** Where the load balancer listens, on 127.0.0.1. */
  readonly endpointPort: number;
  node(name: string): WorldNode;
  ports(name: string): NodePorts;
  /** Writes cluster.yaml, with this laid over its spec; `nodes` there is a map by name. @returns its path */
  clusterFile(spec?: JsonMap): string;
  /** Copies what was rendered for the nodes to them, as the tar of `init`'s advice does. */
  copyToNodes(...names: readonly string[]): void;
  /**
   * A client of a node's apiserver; of the load balancer where no node is named.
   * @param as the kubeconfig in the cluster directory that says who it is; default `super-admin.conf`
   */
  api(node?: string, as?: string): ApiClient;
  /** A client in a process of its own that writes every 50 ms through the load balancer. */
  writer(): Writer;
  /** Processes of the nodes that still run. */
  processes(): readonly number[];
  /** Ends all there is and removes it; done by itself when the test ends. */
  stop(): Promise<void>;
}

/**
 * Machines on which a control plane can run, small enough for `npm test`: see test/world/README.md. Needs etcd, sshd and
 * openssl (`needTool`), and Linux.
 */
export async function startWorld({
  nodes: count,
  backOffMs = 500,
  whenOver = onTestFinished,
}: WorldOptions): Promise<World> {
  const base = mkdtempSync(join(tmpdir(), 'bootstrap-world-'));
  const dir = join(base, 'cluster');
  const shared = join(base, 'shared');
  mkdirSync(dir);
  const others: ChildProcess[] = [];
  const nodes = new Map<string, WorldNode>();
  const names = Array.from({ length: count }, (_, i) => `cp${i + 1}`);
  const roots = new Map(names.map((name) => [name, join(base, 'nodes', name)]));
  const processes = () => [...roots.values()].flatMap(processesOf);
  let stopped = false;

  async function stop(): Promise<void> {
    if (stopped) return;
    stopped = true;
    for (const child of others) child.kill('SIGKILL');
    await Promise.all([...nodes.values()].map((node) => node.kill()));
    await Promise.all([...nodes.values()].map((node) => node.sshd.stop()));
    rmSync(base, { recursive: true, force: true });
  }
  whenOver(stop);

  const [programs, flags, [endpointPort = 0, ...ports]] = await Promise.all([
    buildPrograms(join(base, 'programs')),
    Promise.resolve(etcdFlags()),
    freePorts(1 + PORTS_PER_NODE * count),
    sharedFiles(shared),
  ]);
  const portsOf = new Map(
    names.map((name, i) => [name, nodePorts(ports.slice(i * PORTS_PER_NODE, (i + 1) * PORTS_PER_NODE))]),
  );
  const run = (program: string, ...args: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'ignore', 'inherit'] });
    others.push(child);
    return child;
  };
  run(programs.balancer, String(endpointPort), ...[...portsOf.values()].map((each) => String(each.apiServer)));
  await Promise.all(
    names.map(async (name) => {
      const root = known(roots, name);
      const state = join(base, 'machines', name);
      const { machine, component } = programs;
      nodes.set(name, await startNode({ name, root, state, machine, component, shared, backOffMs, etcdFlags: flags }));
    }),
  );

  const world: World = {
    dir,
    names,
    endpointPort,
    node: (name) => known(nodes, name),
    ports: (name) => known(portsOf, name),
    clusterFile(spec = {}) {
      const path = join(dir, 'cluster.yaml');
      const entries = names.map((name, i) => ({
        name,
        address: `10.250.0.${11 + i}`,
        ports: known(portsOf, name),
        sshd: known(nodes, name).sshd,
      }));
      writeFileSync(path, clusterFile(entries, endpointPort, spec));
      return path;
    },
    copyToNodes(...only) {
      for (const name of only.length ? only : names) {
        cpSync(join(dir, 'nodes', name), known(nodes, name).root, { recursive: true, preserveTimestamps: true });
      }
    },
    api: (name, as = 'super-admin.conf') =>
      apiClient(
        name === undefined ? 'localhost' : '127.0.0.1',
        name === undefined ? endpointPort : known(portsOf, name).apiServer,
        identityIn(join(dir, as)),
      ),
    writer() {
      const settings = join(base, `writer-${others.length}.json`);
      const tally = `${settings}.tally`;
      const identity = identityIn(join(dir, 'super-admin.conf'));
      writeFileSync(settings, JSON.stringify({ host: 'localhost', port: endpointPort, identity, tally }), {
        mode: 0o600,
      });
      const child = run(programs.writer, settings);
      const read = (): Writes => {
        if (!existsSync(tally)) return { done: 0, retried: 0, failed: 0, longestGap: 0, errors: [] };
        return JSON.parse(readFileSync(tally, 'utf8')) as Writes;
      };
      return {
        read,
        stop() {
          child.kill('SIGKILL');
          return read();
        },
      };
    },
    processes,
    stop,
  };
  world.clusterFile();
  return world;
}

/**
 * Looks again and again until this is true.
 * @param what for the message where it does not become true in time (40 s unless told)
 */
export async function eventually(what: string, look: () => Promise<boolean> | boolean, seconds = 40): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !(await look()); ) {
    if (Date.now() > end) throw new Error(`${what}: not so within ${seconds} s`);
    await delay(100);
  }
}

/** Whom a kubeconfig with embedded files makes its reader. */
function identityIn(kubeconfig: string): Identity {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Json;
  const data = (text: string) => Buffer.from(text, 'base64').toString('utf8');
  return {
    ca: data(textAt(config, 'clusters', 0, 'cluster', 'certificate-authority-data')),
    cert: data(textAt(config, 'users', 0, 'user', 'client-certificate-data')),
    key: data(textAt(config, 'users', 0, 'user', 'client-key-data')),
  };
}

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`the world has no node ${name}`);
  return found;
}
