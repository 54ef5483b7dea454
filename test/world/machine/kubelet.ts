import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { at, type Json, textAt } from '../json.ts';
import { apiOf, registerNode } from './kubelet-api.ts';
import { manifestSource, type StaticPod } from './manifests.ts';
import { type Mirrored, mirrorPods } from './mirrors.ts';
import { podWorker } from './pod-worker.ts';
import type { Runtime } from './runtime.ts';
import { type MachineSettings, onNode } from './settings.ts';

const TICK_MS = 60;

export interface Kubelet {
  stop(): void;
}

/**
 * Stands for the kubelet: static pods from a directory, and their mirror pods and the Node in the API.
 * Left out: probes' initial delays and liveness (a pod here is ready as soon as it answers; nothing is killed for not
 * answering), images, resources, everything that comes from the API.
 * @param flags what systemd starts it with; without `--config` it has no static pods
 * @throws Error where the real one ends at once: a configuration or a kubeconfig that it cannot read
 */
export function startKubelet(
  settings: MachineSettings,
  runtime: Runtime,
  flags: ReadonlyMap<string, string>,
  log: (line: string) => void,
): Kubelet {
  const node = (flags.get('hostname-override') ?? settings.name).toLowerCase();
  const config = readConfig(settings, flags.get('config'));
  const staticPodPath = textAt(config, 'staticPodPath');
  const poll = staticPodPath
    ? manifestSource(
        onNode(settings, staticPodPath),
        staticPodPath,
        node,
        duration(config, 'fileCheckFrequency', 20),
        log,
      )
    : () => new Map<string, StaticPod>();
  const api = apiOf(settings, flags.get('kubeconfig'));
  const sync = api && mirrorPods(api, node);
  const register = api && registerNode(api, node, flags, config);
  const workers = new Map<string, ReturnType<typeof podWorker>>();
  const healthz = serveHealth(config, log);
  let stopped = false;
  let telling = false;

  function tick(): ReadonlyMap<string, Mirrored> {
    const wanted = poll();
    const mirrored = new Map<string, Mirrored>();
    for (const name of new Set([...wanted.keys(), ...runtime.list().map(({ pod }) => pod.name)])) {
      const worker = workers.get(name) ?? podWorker(settings, runtime, name, log);
      workers.set(name, worker);
      const mirror = worker.sync(wanted.get(name));
      if (mirror) mirrored.set(name, mirror);
    }
    return mirrored;
  }

  /** While the API is told something pods go on. */
  async function tell(mirrored: ReadonlyMap<string, Mirrored>): Promise<void> {
    telling = true;
    try {
      await register?.();
      await sync?.(mirrored);
    } catch (error) {
      log(`Unable to reach the API err="${String(error)}"`);
      await delay(200);
    }
    telling = false;
  }

  async function run(): Promise<void> {
    while (!stopped) {
      const mirrored = tick();
      if (!telling) void tell(mirrored);
      await delay(TICK_MS);
    }
  }

  log(`Started kubelet node="${node}" staticPodPath="${staticPodPath}"`);
  void run();
  return {
    stop() {
      stopped = true;
      api?.reconnect();
      healthz?.close();
      healthz?.closeAllConnections();
    },
  };
}

/** `healthzPort`, 0 = none; one that is taken already is no reason to end (pkg/kubelet/kubelet.go: "Failed to start healthz server"). */
function serveHealth(config: Json, log: (line: string) => void): Server | undefined {
  const port = Number(at(config, 'healthzPort') ?? 10248);
  if (!port) return undefined;
  const server = createServer((_, response) => response.end('ok'));
  server.on('error', (error) => log(`Failed to start healthz server err="${error.message}"`));
  return server.listen(port, textAt(config, 'healthzBindAddress') || '127.0.0.1');
}

function readConfig(settings: MachineSettings, path: string | undefined): Json {
  if (path === undefined) return {};
  try {
    return parse(readFileSync(onNode(settings, path), 'utf8')) as Json;
  } catch (error) {
    const said = String(error).replaceAll(settings.root, '');
    throw new Error(`command failed err="failed to load kubelet config file, path: ${path}, error: ${said}"`);
  }
}

function duration(config: Json, field: string, standard: number): number {
  const [, count = '', unit = ''] = /^(\d+)(ms|s|m)$/.exec(textAt(config, field)) ?? [];
  return count ? Number(count) * ({ ms: 1, s: 1000, m: 60_000 }[unit] ?? 1) : standard * 1000;
}
