import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { at, type Json, textAt } from '../json.ts';
import { apiOf, heartbeat, type KubeletApi, registerNode } from './kubelet-api.ts';
import type { Pair } from './kubelet-identity.ts';
import { requestCertificate } from './kubelet-renewal.ts';
import { serveKubelet } from './kubelet-server.ts';
import { manifestSource, type StaticPod } from './manifests.ts';
import { type Mirrored, mirrorPods } from './mirrors.ts';
import { podWorker } from './pod-worker.ts';
import type { Runtime } from './runtime.ts';
import { type MachineSettings, onNode } from './settings.ts';

const TICK_MS = 150;
/** Before the API is tried again. */
const RETRY_MS = 500;
const CERTIFICATE_MS = 1000;
/** So long without a client certificate that is valid, and it ends; the kubelet: 5 minutes (cmd/kubelet/app/server.go). */
const EXIT_AFTER_MS = 3000;

export interface Kubelet {
  stop(): void;
}

/**
 * Stands for the kubelet: static pods from a directory, and their mirror pods and the Node in the API.
 * Its client certificate it renews by itself, or ends where it has none that is valid.
 * Left out: probes' initial delays and liveness (a pod here is ready as soon as it answers; nothing is killed for not
 * answering), images, resources, everything that comes from the API.
 * @param ended called where it ends by itself
 * @param flags what systemd starts it with; without `--config` it has no static pods
 * @throws Error where the real one ends at once: a configuration or a kubeconfig that it cannot read
 */
export function startKubelet(
  settings: MachineSettings,
  runtime: Runtime,
  flags: ReadonlyMap<string, string>,
  log: (line: string) => void,
  ended: () => void,
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
  const sync = api && mirrorPods(api.client, node);
  const register = api && registerNode(api.client, node, flags, config, settings.kubeletVersion);
  const beat = api && heartbeat(api.client, node);
  const workers = new Map<string, ReturnType<typeof podWorker>>();
  const stopServing = serveKubelet(settings, config, log);
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
      await beat?.();
      await sync?.(mirrored);
    } catch (error) {
      log(`Unable to reach the API err="${String(error)}"`);
      await delay(RETRY_MS);
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

  const certificate =
    api && at(config, 'rotateCertificates') === true
      ? seeToCertificate(api, () => requestCertificate(api.client, settings, node), log, ended)
      : undefined;
  log(`Started kubelet node="${node}" staticPodPath="${staticPodPath}"`);
  void run();
  return {
    stop() {
      stopped = true;
      clearInterval(certificate);
      api?.client.reconnect();
      stopServing();
    },
  };
}

/**
 * Renews the client certificate when it is time to; without a valid one it ends where the server is there to give another
 * (pkg/kubelet/certificate/transport.go).
 */
function seeToCertificate(
  { client, identity }: KubeletApi,
  renew: () => Promise<Pair>,
  log: (line: string) => void,
  ended: () => void,
) {
  let lastValid = Date.now();
  let isBusy = false;
  async function look(): Promise<void> {
    if (identity.current()) {
      lastValid = Date.now();
      if (!identity.isDue()) return;
      identity.update(await renew());
      log('Certificate rotation detected, shutting down client connections to start using new credentials');
      client.reconnect();
    } else if (Date.now() - lastValid > EXIT_AFTER_MS) {
      await client.request('/healthz');
      log('No valid client certificate is found and the server is responsive, exiting.');
      ended();
    }
  }
  return setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void look()
      .catch((error: unknown) => log(`Failed while requesting a signed certificate err="${String(error)}"`))
      .then(() => {
        isBusy = false;
      });
  }, CERTIFICATE_MS);
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
