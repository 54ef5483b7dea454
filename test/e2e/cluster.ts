import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { bootstrap } from './bootstrap.ts';
import { CLUSTER, RIG } from './places.ts';
import { type Ran, rig } from './rig.ts';

const ENDPOINT = '10.99.0.10:6443';
/** That of the rig's images. */
const VERSION = 'v1.36.2';
export const MASTERS = { cp1: '10.99.0.11', cp2: '10.99.0.12', cp3: '10.99.0.13' } as const;
export type MasterName = keyof typeof MASTERS;
export const NAMES = Object.keys(MASTERS) as readonly MasterName[];
const FILE = join(CLUSTER, 'cluster.yaml');

/** Sets fields of the cluster file; undefined takes one out. */
export function edit(changes: Readonly<Record<string, unknown>>): void {
  const document = parseDocument(readFileSync(FILE, 'utf8'));
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    if (value === undefined) document.deleteIn(keys);
    else document.setIn(keys, document.createNode(value));
  }
  writeFileSync(FILE, String(document));
}

/** Another value each time: a change that makes this component of every master start again. */
export function anotherFlag(component: 'apiServer' | 'controllerManager' | 'scheduler'): string {
  const path = ['spec', component, 'extraArgs', 'v'];
  const now = Number(parseDocument(readFileSync(FILE, 'utf8')).getIn(path) ?? 2);
  const next = now === 2 ? 3 : 2;
  edit({ [path.join('.')]: next });
  return `--v=${next}`;
}

/** Three bare hosts, and a directory with a cluster file for them that `init` has made. */
export async function bareHosts(): Promise<void> {
  await rig('down');
  await rig('up', '3');
  rmSync(CLUSTER, { recursive: true, force: true });
  mkdirSync(CLUSTER, { recursive: true, mode: 0o700 });
  const nodes = Object.entries(MASTERS).flatMap(([name, address]) => ['--node', `${name}=${address}`]);
  must(await bootstrap('init', '--profile', 'ha', '--endpoint', ENDPOINT, ...nodes));
  onRig();
  // its addresses lie in the default one
  edit({ 'spec.networking.serviceSubnet': '10.32.0.0/16' });
}

/** What a cluster file must say of the rig's hosts. */
export function onRig(): void {
  const sshConfig = join(CLUSTER, 'ssh_config');
  writeFileSync(sshConfig, `Host *\n  UserKnownHostsFile ${RIG}/run/known_hosts\n  IdentitiesOnly yes\n`);
  edit({
    'spec.ssh': { user: 'root', identityFile: join(RIG, 'id_ed25519'), configFile: sshConfig },
    // the rig's images
    'spec.kubernetesVersion': VERSION,
    // the rig's hosts see cgroup v1
    'spec.kubelet.config': { failCgroupV1: false },
  });
}

/** A cluster in which all is well: the one that is there, or a new one. */
export async function standing(): Promise<void> {
  const isThere = existsSync(FILE) && existsSync(join(RIG, 'run/lb.dpid'));
  const isRotating = existsSync(join(CLUSTER, 'pki/rotation.json'));
  if (isThere && !isRotating && (await bootstrap('status', '-q')).status === 0) return;
  await bareHosts();
  must(await bootstrap('apply', '--yes'));
}

/** @throws Error with what it said, where it has failed */
export function must<T extends Ran>(ran: T): T {
  if (ran.status !== 0) throw new Error(`bootstrap: status ${ran.status}\n${ran.stdout}${ran.stderr}`);
  return ran;
}
