import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { stringify } from 'yaml';
import type { JsonMap } from '../../world/json.ts';
import { startNode, type WorldNode } from '../../world/node.ts';
import { freePorts } from '../../world/ports.ts';
import { buildPrograms, sharedFiles } from '../../world/programs.ts';

export interface Host {
  /** The cluster directory. */
  readonly dir: string;
  readonly node: WorldNode;
  /** Writes a cluster file for this host and no master, with this laid over its spec. */
  clusterFile(spec?: JsonMap, others?: readonly JsonMap[]): void;
}

/** A machine of the world (test/world/README.md) with a kubelet and no control plane; it ends with the tests of the file. */
export function sharedHost(name: string): () => Host {
  let host: Host | undefined;
  let stop = async () => {};
  beforeAll(async () => {
    const base = mkdtempSync(join(tmpdir(), 'bootstrap-host-'));
    const dir = join(base, 'cluster');
    const shared = join(base, 'shared');
    mkdirSync(dir);
    const [programs, [health = 0, port = 0]] = await Promise.all([
      buildPrograms(join(base, 'programs')),
      freePorts(2),
      sharedFiles(shared),
    ]);
    const node = await startNode({
      name,
      root: join(base, 'node'),
      state: join(base, 'machine'),
      machine: programs.machine,
      component: programs.component,
      shared,
      kubeletVersion: 'v1.36.2',
      backOffMs: 200,
      etcdFlags: {},
    });
    stop = async () => {
      await node.kill();
      await node.sshd.stop();
      rmSync(base, { recursive: true, force: true });
    };
    const { host: address, port: sshPort, user, identityFile, configFile } = node.sshd;
    const entry = {
      name,
      role: 'node',
      addresses: ['10.250.0.21'],
      ssh: { host: address, port: sshPort, user, identityFile, configFile },
      kubelet: { config: { healthzPort: health, port } },
    };
    host = {
      dir,
      node,
      clusterFile(spec = {}, others = []) {
        const whole = { kubernetesVersion: 'v1.36.2', ...spec, nodes: [entry, ...others] };
        const file = { apiVersion: 'bootstrap/v1alpha1', kind: 'Cluster', spec: whole };
        writeFileSync(join(dir, 'cluster.yaml'), stringify(file));
      },
    };
  }, 60_000);
  afterAll(() => stop(), 60_000);
  return () => {
    if (!host) throw new Error('there is no host yet');
    return host;
  };
}
