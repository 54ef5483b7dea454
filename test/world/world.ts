import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { ageCertificates } from './age.ts';
import { type ApiClient, apiClient, type Identity } from './api-client.ts';
import { clusterFile, type NodePorts, nodePorts, PORTS_PER_NODE } from './cluster-file.ts';
import { identityIn } from './identity.ts';
import type { JsonMap } from './json.ts';
import { startNode, type WorldNode } from './node.ts';
import { type Outside, type OutsideOptions, startWatcher, startWriter } from './outside/clients.ts';
import type { Sightings } from './outside/watcher.ts';
import type { Writes } from './outside/writer.ts';
import { freePorts } from './ports.ts';
import { processesOf } from './processes.ts';
import { buildPrograms, etcdFlags, sharedFiles } from './programs.ts';

/** What the first writer writes. */
const WRITTEN = '/api/v1/namespaces/default/configmaps/writer';

export interface WorldOptions {
  /** How many nodes: cp1, cp2, … */
  readonly nodes: number;
  /** Milliseconds of the first back-off of a container that crashes, doubled each time (a kubelet's: 10 s). */
  readonly backOffMs?: number;
  /** Of Kubernetes, kubelets too; default v1.36.2. */
  readonly version?: string;
  /** Who ends it; for a world of several tests, since the test that runs now does so unless told. */
  readonly whenOver?: (stop: () => Promise<void>) => void;
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
   * @param as who it is, or the kubeconfig in the cluster directory that says so; default `super-admin.conf`
   */
  api(node?: string, as?: string | Identity): ApiClient;
  /** Who a kubeconfig in the cluster directory (default `super-admin.conf`) makes one now: for later, when it says otherwise. */
  identity(as?: string): Identity;
  /**
   * A client in a process of its own that writes every 50 ms through the load balancer: the ConfigMap `writer` in the
   * namespace `default`; a second one writes `writer-2`.
   */
  writer(options?: OutsideOptions): Outside<Writes>;
  /**
   * A client in a process of its own that looks at an object through the load balancer every 100 ms, over one connection.
   * @param path of the API; default the (first) writer's object
   */
  watcher(path?: string, options?: OutsideOptions): Outside<Sightings>;
  /**
   * Issues certificates again as if long ago, under the same CAs and for the same keys, and puts them wherever the old ones
   * lie: cluster directory, nodes, kept revisions. What reads them anew does so; kubelets that run are restarted.
   * @param seconds until they expire; negative: since they have
   * @param only which, by their path under `pki/` without the ending (`nodes/cp1/apiserver`); those that a kubelet has got
   *   by itself are `nodes/NODE/kubelet-client`
   */
  age(seconds: number, only?: (path: string) => boolean): Promise<void>;
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
  version = 'v1.36.2',
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
      const common = { machine, component, shared, kubeletVersion: version, backOffMs, etcdFlags: flags };
      nodes.set(name, await startNode({ name, root, state, ...common }));
    }),
  );

  let writers = 0;
  const site = () => ({ dir, folder: mkdtempSync(join(base, 'client-')), port: endpointPort, run });

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
      writeFileSync(path, clusterFile(entries, endpointPort, spec, version));
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
        typeof as === 'string' ? identityIn(join(dir, as)) : as,
      ),
    identity: (as = 'super-admin.conf') => identityIn(join(dir, as)),
    writer(options = {}) {
      writers += 1;
      return startWriter(site(), programs.writer, writers > 1 ? `${WRITTEN}-${writers}` : WRITTEN, options);
    },
    watcher: (path = WRITTEN, options = {}) => startWatcher(site(), programs.watcher, path, options),
    async age(seconds, only = () => true) {
      await ageCertificates(dir, new Map(names.map((name) => [name, known(nodes, name).root])), seconds, only);
      const restart = 'if systemctl is-active --quiet kubelet; then systemctl restart kubelet; fi';
      // one that is switched off reads them when it starts
      await Promise.allSettled(names.map((name) => known(nodes, name).ssh(restart)));
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

function known<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`the world has no node ${name}`);
  return found;
}
